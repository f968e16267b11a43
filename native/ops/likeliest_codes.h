// The last convolution of a tokenizer, of 1x1, and the arg-max behind it, at the places that are asked for.
#pragma once
#include <ATen/ATen.h>

#include "ops/compute.h"

namespace beit::ops {

// The code of the largest logit x weight^T + bias of each row, the lowest one of equals: x (M, C), weight
// (V, C), bias (V) -> int64 (M). Without a gradient. Logits of all codes are never kept: those of bfloat16 x
// stay in the kernel of native/cuda/likeliest_codes.h, others are made in float32 for 1,024 codes at a time.
at::Tensor likeliest_codes(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           const Compute& compute);

}  // namespace beit::ops
