// Multi-head attention with an additive position bias (https://arxiv.org/abs/2106.08254, section 2.2).
#pragma once
#include <ATen/ATen.h>

#include "ops/compute.h"

namespace beit::ops {

// softmax(q k^T / sqrt(D / H) + bias) v of each head. qkv (B, N, 3 D): queries, keys and values side by side,
// the heads side by side in each; bias (H, N, N) or undefined -> (B, N, D)
at::Tensor self_attention(const at::Tensor& qkv, const at::Tensor& bias, int64_t heads,
                          const Compute& compute);

// The same for some queries alone: q (M, D), keys and values kv (B, N, 2 D), `rows` (M) int64: which of the B
// * N tokens each query belongs to, rising -> (M, D)
at::Tensor masked_attention(const at::Tensor& q, const at::Tensor& kv, const at::Tensor& bias,
                            const at::Tensor& rows, int64_t heads, const Compute& compute);

}  // namespace beit::ops
