// GELU (https://arxiv.org/abs/1606.08415; the exact one, by erf) of a matrix product and its bias, and the
// gradients of both. Arithmetic in float32; sums over rows in a fixed order. Plain C++; the kernels are in
// bias_gelu.cu.
#pragma once

#include <cstddef>
#include <cstdint>

namespace beit::cuda {

// Rows of `width` numbers, a multiple of 4, in float32 or bfloat16. All pointers are aligned to 16 bytes.
struct BiasGelu {
  int64_t rows, width;
  const void* x;      // (rows, width)
  const float* bias;  // (width)
  void* out;          // (rows, width), written forward
  bool bf16;          // x, out and their gradients
};

struct BiasGeluGradients {
  const void* out;  // (rows, width), given
  void* x;          // (rows, width)
  float* bias;      // (width), or null: not wanted
  void* workspace;  // bias_gelu_workspace() bytes; null without a gradient of the bias
};

size_t bias_gelu_workspace(const BiasGelu& gelu);

// Queue the kernels on a stream (a cudaStream_t) and give a cudaError_t: 0 is success.
int bias_gelu_forward(const BiasGelu& gelu, void* stream);
int bias_gelu_backward(const BiasGelu& gelu, const BiasGeluGradients& gradients, void* stream);

}  // namespace beit::cuda
