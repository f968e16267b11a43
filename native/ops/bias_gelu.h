// GELU of a matrix product and its bias by the kernels of native/cuda/bias_gelu.h.
#pragma once
#include <ATen/ATen.h>

#include "ops/compute.h"

namespace beit::ops {

// Whether the kernels take rows of `width` numbers of the type of x, where x lies.
bool has_bias_gelu(const at::Tensor& x, int64_t width, const Compute& compute);

// gelu(x + bias), the exact one: x (..., D), bias (D). Without the kernels by libtorch's operations.
at::Tensor bias_gelu(const at::Tensor& x, const at::Tensor& bias, const Compute& compute);

}  // namespace beit::ops
