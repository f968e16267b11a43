// What stands for an image: its class token, the mean of its patches, both side by side, or every patch.
#pragma once
#include <ATen/ATen.h>

namespace beit::models {

enum class TokenPooling { kCls, kMean, kConcat, kPatches };

// A residual stream (B, N + 1, D), class token first -> float32 (B, D), (B, 2D) as [class token, mean], or
// (B, N, D).
at::Tensor pool_tokens(const at::Tensor& stream, TokenPooling pooling);

}  // namespace beit::models
