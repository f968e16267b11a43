// What stands for an image in a probe: its class token, the mean of its patches, or both side by side.
#pragma once
#include <ATen/ATen.h>

namespace beit::models {

enum class TokenPooling { kCls, kMean, kConcat };

// A residual stream (B, N + 1, D), class token first -> float32 (B, D), or (B, 2D) as [class token, mean].
at::Tensor pool_tokens(const at::Tensor& stream, TokenPooling pooling);

}  // namespace beit::models
