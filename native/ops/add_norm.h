// A residual branch added to its stream, and the norm that comes next.
#pragma once
#include <ATen/ATen.h>

#include <tuple>

#include "ops/compute.h"

namespace beit::ops {

// LayerNorm over the last dimension: weight and bias (D).
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                      const Compute& compute);

// x' = x + scale * gamma * branch, and LayerNorm(x'). x (B, ..., D); `branch` has the rows of the images
// `kept` (K) int64, rising, alone, or of all where `kept` is undefined; the others stay as they are. gamma
// (D) of LayerScale, or undefined. Without a norm (undefined weight) the second result is undefined.
std::tuple<at::Tensor, at::Tensor> add_norm(const at::Tensor& x, const at::Tensor& branch,
                                            const at::Tensor& gamma, const at::Tensor& kept, double scale,
                                            const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                            double eps, const Compute& compute);

// The same where `scale` says how much of each image's branch is added: (B) float32 on the device of x, zero
// for one that drop path leaves out, or undefined: all of it. The host need not know the numbers.
std::tuple<at::Tensor, at::Tensor> add_norm(const at::Tensor& x, const at::Tensor& branch,
                                            const at::Tensor& gamma, const at::Tensor& scale,
                                            const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                            double eps, const Compute& compute);

}  // namespace beit::ops
