// The fast path of add_norm and layer_norm on a CPU: one pass over the rows forward, one backward.
#pragma once
#include <ATen/ATen.h>

#include <tuple>

#include "ops/compute.h"

namespace beit::ops {

// Whether the kernels take these: all of them float32 on the CPU, or undefined.
bool has_norm_kernel(at::ArrayRef<at::Tensor> tensors, const Compute& compute);

// As ops/add_norm.h, with a norm.
at::Tensor layer_norm_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps);
std::tuple<at::Tensor, at::Tensor> add_norm_rows(const at::Tensor& x, const at::Tensor& branch,
                                                 const at::Tensor& gamma, const at::Tensor& kept,
                                                 double scale, const at::Tensor& weight,
                                                 const at::Tensor& bias, double eps);

}  // namespace beit::ops
