// The linear layer, the operation in which a Transformer spends its time.
#pragma once
#include <ATen/ATen.h>

#include "ops/compute.h"

namespace beit::ops {

// x (..., in), weight (out, in), bias (out) or undefined -> (..., out)
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const Compute& compute);

// GELU (the exact one, by erf) of linear(x, weight, bias).
at::Tensor linear_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const Compute& compute);

}  // namespace beit::ops
