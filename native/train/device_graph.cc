#include "train/device_graph.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "cuda_graph/api.h"
#include "engine/error.h"
#include "engine/own_library.h"
#include "train/emulated_graph.h"

namespace beit::train {

namespace {

const cuda::GraphApi& graph_library() {
  static const auto symbol = library_symbol(beside_addon("beit_cuda_graph.so"), "beit_cuda_graph_api");
  if (symbol.address == nullptr) fail("ERR_DEVICE", symbol.problem);
  const cuda::GraphApi* api = reinterpret_cast<decltype(&beit_cuda_graph_api)>(symbol.address)();
  if (api->version != cuda::kGraphApiVersion) {
    fail("ERR_DEVICE", "beit_cuda_graph.so is of version ", api->version, ", expected ",
         cuda::kGraphApiVersion);
  }
  return *api;
}

class CudaGraph : public DeviceGraph {
 public:
  CudaGraph(const cuda::GraphApi& library, const at::Generator& generator)
      : generator_(generator),
        device_(generator.device()),
        // Nothing can be recorded on the stream that work is queued on otherwise.
        stream_(c10::impl::VirtualGuardImpl(device_.type()).getStreamFromGlobalPool(device_)) {
    const c10::StreamGuard on_device(stream_);
    graph_ = library.create();
  }

  std::vector<at::Tensor> warm_up(const Work& work) override { return on_stream(work); }

  std::vector<at::Tensor> capture(const Work& work) override {
    // The graph has memory of its own. What the steps before it have left is to be free for it.
    at::accelerator::synchronizeDevice(device_.index());
    c10::getDeviceAllocator(device_.type())->emptyCache();
    return on_stream([&] {
      try {
        graph_->begin(generator_);
        auto tensors = work();
        graph_->end();
        return tensors;
      } catch (...) {
        graph_->abandon();
        throw;
      }
    });
  }

  void replay() override { graph_->replay(); }

 private:
  std::vector<at::Tensor> on_stream(const Work& work) {
    const auto outside = at::accelerator::getCurrentStream(device_.index());
    const c10::StreamGuard guard(stream_);
    c10::Event before(device_.type()), after(device_.type());
    before.record(outside);
    before.block(stream_);
    auto tensors = work();
    after.record(stream_);
    after.block(outside);
    return tensors;
  }

  at::Generator generator_;
  at::Device device_;
  c10::Stream stream_;
  std::unique_ptr<cuda::Graph> graph_;
};

}  // namespace

std::unique_ptr<DeviceGraph> make_device_graph(const at::Generator& generator) {
  if (!generator.device().is_cpu()) return std::make_unique<CudaGraph>(graph_library(), generator);
  if (auto emulated = make_emulated_graph(generator)) return emulated;
  fail("ERR_DEVICE", "the model is on the CPU");
}

}  // namespace beit::train
