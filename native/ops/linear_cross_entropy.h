// The cross-entropy of logits, and of a linear head.
#pragma once
#include <ATen/ATen.h>

#include <tuple>

#include "ops/compute.h"

namespace beit::ops {

// The target of a row that is left out.
constexpr int64_t kIgnoredTarget = -1;

// logits (M, V) that nothing else reads, target (M) int64 -> the mean cross-entropy, a float32 scalar, and
// how many of the rows have their target as the likeliest class, an int64 scalar without a gradient. Rows
// whose target is kIgnoredTarget are left out of both, and of the mean, which is NaN when none is left; their
// gradient is zero. The fast paths write the gradient over the logits.
std::tuple<at::Tensor, at::Tensor> cross_entropy(const at::Tensor& logits, const at::Tensor& target,
                                                 const Compute& compute);

// The same of the logits of x (M, D), weight (V, D), bias (V).
std::tuple<at::Tensor, at::Tensor> linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight,
                                                        const at::Tensor& bias, const at::Tensor& target,
                                                        const Compute& compute);

}  // namespace beit::ops
