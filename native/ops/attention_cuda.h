// Attention by the kernels of native/cuda: operands in bfloat16, sums and softmax in float32.
#pragma once
#include <ATen/ATen.h>

#include "ops/compute.h"

namespace beit::ops {

// Is there a kernel for heads of this width on the device of x, and may it be taken at this precision?
bool has_cuda_attention(const at::Tensor& x, int64_t width, const Compute& compute);

// As self_attention() and masked_attention() of ops/attention.h. Results have the dtype of the first
// argument.
at::Tensor cuda_self_attention(const at::Tensor& qkv, const at::Tensor& bias, int64_t heads);
at::Tensor cuda_masked_attention(const at::Tensor& q, const at::Tensor& kv, const at::Tensor& bias,
                                 const at::Tensor& rows, int64_t heads);

}  // namespace beit::ops
