#include "train/early_copies.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace beit::train {

EarlyCopies::EarlyCopies(at::Device device) : device_(device) {
  if (!device.is_cpu()) {
    stream_ = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
  }
}

std::vector<at::Tensor> EarlyCopies::operator()(std::vector<at::Tensor> tensors) const {
  std::vector<at::Tensor> copied;
  const auto bring = [&](at::Tensor& tensor) {
    if (!tensor.defined()) return;
    const bool early = stream_ && tensor.is_cpu();
    // Only from pinned memory does a GPU copy while the host goes on.
    tensor = (early ? tensor.pin_memory() : tensor).to(device_, tensor.scalar_type(), /*non_blocking=*/early);
    if (early) copied.push_back(tensor);
  };
  if (!stream_) {
    for (auto& tensor : tensors) bring(tensor);
    return tensors;
  }
  const auto working = at::accelerator::getCurrentStream(device_.index());
  c10::Event done(device_.type());
  {
    const c10::StreamGuard copying(*stream_);
    for (auto& tensor : tensors) bring(tensor);
    done.record(*stream_);
  }
  done.block(working);
  // Their memory is of the other stream: it is not to be used again before this one is through with it.
  for (const auto& tensor : copied) tensor.record_stream(working);
  return tensors;
}

}  // namespace beit::train
