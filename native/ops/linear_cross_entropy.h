// A linear head with its cross-entropy.
#pragma once
#include <ATen/ATen.h>

#include <tuple>

#include "ops/compute.h"

namespace beit::ops {

// x (M, D), weight (V, D), bias (V), target (M) int64 -> the mean cross-entropy of the logits, a float32
// scalar, and how many of the M have their target as the likeliest class, an int64 scalar without a gradient.
std::tuple<at::Tensor, at::Tensor> linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight,
                                                        const at::Tensor& bias, const at::Tensor& target,
                                                        const Compute& compute);

}  // namespace beit::ops
