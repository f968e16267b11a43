// Brings what a step works on to its device while the step before still runs there.
#pragma once
#include <ATen/ATen.h>
#include <c10/core/Stream.h>

#include <optional>
#include <vector>

namespace beit::train {

class EarlyCopies {
 public:
  // `device` with its number.
  explicit EarlyCopies(at::Device device);

  // The tensors on the device, undefined ones as they are. Those of the CPU go to a GPU through pinned memory
  // on a stream of their own, which nothing waits for but what is queued from now on.
  std::vector<at::Tensor> operator()(std::vector<at::Tensor> tensors) const;

 private:
  at::Device device_;
  // Always the same: memory that was freed on a stream is used again on that stream.
  std::optional<c10::Stream> stream_;
};

}  // namespace beit::train
