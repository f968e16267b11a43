#include "engine/tensor_slot.h"

#include <algorithm>

#include "engine/error.h"

namespace beit {

TensorSlot::TensorSlot(at::Tensor tensor)
    : tensor_(std::move(tensor)),
      shape_(tensor_.sizes().vec()),
      dtype_(tensor_.scalar_type()),
      device_(tensor_.device()) {}

TensorSlot::TensorSlot(std::shared_ptr<Bytes> bytes, std::vector<int64_t> shape, at::ScalarType dtype,
                       at::Device device)
    : bytes_(std::move(bytes)), shape_(std::move(shape)), dtype_(dtype), device_(device) {
  if (byte_length() != static_cast<int64_t>(bytes_->length)) {
    fail("ERR_SHAPE_MISMATCH", "a tensor of shape ", at::IntArrayRef(shape_), " and dtype ", dtype_, " has ",
         byte_length(), " bytes, got ", bytes_->length);
  }
}

int64_t TensorSlot::byte_length() const {
  int64_t elements = 1;
  for (int64_t size : shape_) elements *= size;
  return elements * static_cast<int64_t>(c10::elementSize(dtype_));
}

void TensorSlot::copy_first(uint8_t* target, int64_t count) const {
  const auto item = static_cast<int64_t>(c10::elementSize(dtype_));
  // Bytes first: the engine thread may be making the tensor over them just now.
  if (bytes_) {
    std::copy_n(bytes_->data.get(), count * item, target);
    return;
  }
  const auto* source = static_cast<const uint8_t*>(tensor_.const_data_ptr());
  for (int64_t i = 0; i < count; i++) {
    int64_t place = 0;
    for (int64_t rest = i, d = tensor_.dim() - 1; d >= 0; rest /= shape_[d], d--) {
      place += rest % shape_[d] * tensor_.stride(d);
    }
    std::copy_n(source + place * item, item, target + i * item);
  }
}

const at::Tensor& TensorSlot::get() {
  if (!tensor_.defined()) {
    auto keep = bytes_;
    auto on_cpu =
        at::from_blob(keep->data.get(), shape_, [keep](void*) {}, at::TensorOptions().dtype(dtype_));
    tensor_ = device_.is_cpu() ? on_cpu : on_cpu.to(device_);
    // The bytes of a CPU tensor stay: other threads may be asking for them, and they are the tensor's memory
    // anyway.
    if (!device_.is_cpu()) bytes_.reset();
  }
  return tensor_;
}

}  // namespace beit
