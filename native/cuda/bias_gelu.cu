#include "cuda/bias_gelu.h"

#include "cuda/rows.cuh"

namespace beit::cuda {

namespace {

constexpr int64_t kMostColumns = 1024;  // of a block

// The normal distribution function.
__device__ inline float below(float x) { return 0.5f * (1.0f + erff(x * 0.70710678f)); }

__device__ inline float gelu(float x) { return x * below(x); }

__device__ inline float gelu_slope(float x) { return below(x) + x * 0.39894228f * expf(-0.5f * x * x); }

// A block takes a chunk of rows of its columns, a thread four of these.
template <class T>
__global__ void bias_gelu_kernel(BiasGelu x, int64_t rows_of_chunk) {
  const int64_t column = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 4;
  if (column >= x.width) return;
  const float4 bias = load4(x.bias + column);
  const int64_t first = static_cast<int64_t>(blockIdx.y) * rows_of_chunk;
  const int64_t last = min(first + rows_of_chunk, x.rows);
  for (int64_t row = first; row < last; row++) {
    const int64_t at = row * x.width + column;
    const float4 in = load4(static_cast<const T*>(x.x) + at) + bias;
    store4(static_cast<T*>(x.out) + at, make_float4(gelu(in.x), gelu(in.y), gelu(in.z), gelu(in.w)));
  }
}

// The same, with the chunk's part of the gradient of the bias left in workspace (chunks, width).
template <class T>
__global__ void bias_gelu_backward_kernel(BiasGelu x, BiasGeluGradients gradients, int64_t rows_of_chunk) {
  const int64_t column = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 4;
  if (column >= x.width) return;
  const float4 bias = load4(x.bias + column);
  float4 of_bias = four(0);
  const int64_t first = static_cast<int64_t>(blockIdx.y) * rows_of_chunk;
  const int64_t last = min(first + rows_of_chunk, x.rows);
  for (int64_t row = first; row < last; row++) {
    const int64_t at = row * x.width + column;
    const float4 in = load4(static_cast<const T*>(x.x) + at) + bias;
    const float4 slope = make_float4(gelu_slope(in.x), gelu_slope(in.y), gelu_slope(in.z), gelu_slope(in.w));
    const float4 gradient = load4(static_cast<const T*>(gradients.out) + at) * slope;
    store4(static_cast<T*>(gradients.x) + at, gradient);
    of_bias = of_bias + gradient;
  }
  if (gradients.bias == nullptr) return;
  store4(static_cast<float*>(gradients.workspace) + blockIdx.y * x.width + column, of_bias);
}

unsigned threads(const BiasGelu& x) { return threads_of(min(x.width, kMostColumns)); }

dim3 blocks(const BiasGelu& x) {
  const int64_t columns = threads(x) * 4;
  return {static_cast<unsigned>((x.width + columns - 1) / columns), static_cast<unsigned>(chunks_of(x.rows))};
}

}  // namespace

size_t bias_gelu_workspace(const BiasGelu& x) {
  return static_cast<size_t>(chunks_of(x.rows) * x.width) * sizeof(float);
}

int bias_gelu_forward(const BiasGelu& x, void* stream) {
  return with_type(x.bf16, [&]<class T>() {
    return launch(bias_gelu_kernel<T>, blocks(x), threads(x), 0, static_cast<cudaStream_t>(stream), x,
                  rows_of_chunk(x.rows));
  });
}

int bias_gelu_backward(const BiasGelu& x, const BiasGeluGradients& gradients, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  const cudaError_t error = with_type(x.bf16, [&]<class T>() {
    return launch(bias_gelu_backward_kernel<T>, blocks(x), threads(x), 0, on, x, gradients,
                  rows_of_chunk(x.rows));
  });
  if (error != cudaSuccess || gradients.bias == nullptr) return error;
  return sum_columns(static_cast<const float*>(gradients.workspace), chunks_of(x.rows), x.width,
                     gradients.bias, on);
}

}  // namespace beit::cuda
