// How often each token occurs.
#pragma once
#include <ATen/ATen.h>

namespace beit::train {

// tokens int64, any shape, values in 0..vocab_size-1, or below 0: not counted -> int64 (vocab_size).
// at::bincount without its wait for the device to tell the largest value.
inline at::Tensor token_counts(const at::Tensor& tokens, int64_t vocab_size) {
  const auto flat = tokens.flatten();
  const auto counted = flat.ge(0).to(at::kLong);
  return at::zeros({vocab_size}, flat.options()).scatter_add_(0, flat.clamp_min(0), counted);
}

}  // namespace beit::train
