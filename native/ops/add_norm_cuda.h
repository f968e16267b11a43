// Residual, drop path, LayerScale and LayerNorm by the kernels of native/cuda/add_norm.h.
#pragma once
#include <ATen/ATen.h>

#include <tuple>

#include "ops/compute.h"

namespace beit::ops {

// Whether they take a stream of this type, device and width, and such a branch (undefined: the norm alone).
bool has_cuda_add_norm(const at::Tensor& x, const at::Tensor& branch, const Compute& compute);

// What the norm after a branch is wanted as: bfloat16 where autocast would make it that in the next product.
at::ScalarType normed_type(const at::Tensor& x);

// As the functions of ops/add_norm.h. LayerNorm alone keeps the type of x, since features that nothing
// multiplies come from it; after a branch it comes as `type`.
at::Tensor cuda_layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps);
std::tuple<at::Tensor, at::Tensor> cuda_add_norm(const at::Tensor& x, const at::Tensor& branch,
                                                 const at::Tensor& gamma, const at::Tensor& scale,
                                                 const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                                 double eps, at::ScalarType type);

}  // namespace beit::ops
