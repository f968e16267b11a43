// A tensor as JavaScript holds it. Its description is known at once, on any thread; the at::Tensor itself is
// made from bytes on first use, on the engine thread, so that creating one never calls libtorch elsewhere.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <vector>

namespace beit {

// Plain memory for tensors that come from outside libtorch (JavaScript, the image loader).
struct Bytes {
  explicit Bytes(size_t length) : Bytes(std::shared_ptr<uint8_t[]>(new uint8_t[length]), length) {}
  Bytes(std::shared_ptr<uint8_t[]> data, size_t length) : data(std::move(data)), length(length) {}
  std::shared_ptr<uint8_t[]> data;
  size_t length;
};

class TensorSlot {
 public:
  explicit TensorSlot(at::Tensor tensor);
  TensorSlot(std::shared_ptr<Bytes> bytes, std::vector<int64_t> shape, at::ScalarType dtype,
             at::Device device);

  // Engine thread only.
  const at::Tensor& get();

  const std::vector<int64_t>& shape() const { return shape_; }
  at::ScalarType dtype() const { return dtype_; }
  at::Device device() const { return device_; }
  int64_t byte_length() const;

  // Copies the first `count` elements of a CPU tensor, in row-major order, as they are at this moment. Any
  // thread.
  void copy_first(uint8_t* target, int64_t count) const;

  // The memory of a CPU tensor that was made from bytes, for writers that do not use libtorch; else null. Any
  // thread.
  std::shared_ptr<Bytes> cpu_bytes() const { return device_.is_cpu() ? bytes_ : nullptr; }

 private:
  std::shared_ptr<Bytes> bytes_;
  at::Tensor tensor_;
  std::vector<int64_t> shape_;
  at::ScalarType dtype_;
  at::Device device_;
};

}  // namespace beit
