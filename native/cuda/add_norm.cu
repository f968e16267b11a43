#include "cuda/add_norm.h"

#include "cuda/rows.cuh"

namespace beit::cuda {

namespace {

__device__ inline float scale_of(const AddNorm& x, int64_t row) {
  return x.scale == nullptr ? 1.0f : x.scale[row / x.rows_of_scale];
}

__device__ inline float4 load4_or(const float* from, int column, float otherwise) {
  return from == nullptr ? four(otherwise) : load4(from + column);
}

// A block takes a row, a thread four columns of it.
template <class X, class Branch, class Normed>
__global__ void add_norm_kernel(AddNorm x) {
  __shared__ float slots[2][kMostWarps][1];
  const int width = static_cast<int>(x.width), column = static_cast<int>(threadIdx.x) * 4;
  const int64_t row = blockIdx.x, at = row * width + column;
  const bool inside = column < width;
  float4 value = inside ? load4(static_cast<const X*>(x.x) + at) : four(0);
  if (inside && x.branch != nullptr) {
    const float scale = scale_of(x, row);
    if (scale != 0) {
      const float4 branch = load4(static_cast<const Branch*>(x.branch) + at);
      value = value + scale * (load4_or(x.gamma, column, 1) * branch);
    }
    // What the backward pass reads is what the norm saw.
    value = rounded<X>(value);
    if (x.sum != nullptr) store4(static_cast<X*>(x.sum) + at, value);
  }
  if (x.weight == nullptr) return;

  float sum[1] = {sum_of(value)};
  sum_over_block(sum, slots[0]);
  const float mean = sum[0] / static_cast<float>(width);
  const float4 deviation = inside ? value - mean : four(0);
  float squares[1] = {sum_of(deviation * deviation)};
  sum_over_block(squares, slots[1]);
  const float inverse = rsqrtf(squares[0] / static_cast<float>(width) + x.eps);
  if (threadIdx.x == 0) {
    x.statistics[2 * row] = mean;
    x.statistics[2 * row + 1] = inverse;
  }
  if (!inside) return;
  const float4 normed = (inverse * deviation) * load4(x.weight + column) + load4(x.bias + column);
  store4(static_cast<Normed*>(x.normed) + at, normed);
}

// A block takes a chunk of rows one after the other, a thread four columns: it adds up the gradients of their
// parameters on the way and leaves them in partial (chunks, 3, width).
template <class X, class Branch, class Normed>
__global__ void add_norm_backward_kernel(AddNorm x, AddNormGradients gradients, int64_t rows_of_chunk) {
  __shared__ float slots[2][kMostWarps][2];
  const int width = static_cast<int>(x.width), column = static_cast<int>(threadIdx.x) * 4;
  const bool inside = column < width, has_norm = gradients.normed != nullptr;
  const float4 weight = inside && has_norm ? load4(x.weight + column) : four(0);
  const float4 gamma = inside ? load4_or(x.gamma, column, 1) : four(0);
  float4 of_weight = four(0), of_bias = four(0), of_gamma = four(0);
  const int64_t first = static_cast<int64_t>(blockIdx.x) * rows_of_chunk;
  const int64_t last = min(first + rows_of_chunk, x.rows);
  for (int64_t row = first; row < last; row++) {
    const int64_t at = row * width + column;
    float4 gradient = four(0);
    if (inside && gradients.sum != nullptr) gradient = load4(static_cast<const X*>(gradients.sum) + at);
    if (has_norm) {
      const float mean = x.statistics[2 * row], inverse = x.statistics[2 * row + 1];
      float4 normed = four(0), of_normed = four(0);  // before weight and bias; the gradient after them
      if (inside) {
        normed = inverse * (load4(static_cast<const X*>(x.sum) + at) - mean);
        of_normed = load4(static_cast<const Normed*>(gradients.normed) + at);
      }
      const float4 weighted = of_normed * weight;
      float sums[2] = {sum_of(weighted), sum_of(weighted * normed)};
      sum_over_block(sums, slots[row % 2]);
      const float share = 1.0f / static_cast<float>(width);
      gradient = gradient + inverse * ((weighted - sums[0] * share) + (-sums[1] * share) * normed);
      of_weight = of_weight + of_normed * normed;
      of_bias = of_bias + of_normed;
    }
    if (!inside) continue;
    store4(static_cast<X*>(gradients.x) + at, gradient);
    if (x.branch == nullptr) continue;
    const float scale = scale_of(x, row);
    const float4 scaled = scale * gradient;
    store4(static_cast<Branch*>(gradients.branch) + at, gamma * scaled);
    if (x.gamma != nullptr && scale != 0) {
      of_gamma = of_gamma + scaled * load4(static_cast<const Branch*>(x.branch) + at);
    }
  }
  if (!inside || gradients.parameters == nullptr) return;
  float* partial = static_cast<float*>(gradients.workspace) + static_cast<int64_t>(blockIdx.x) * 3 * width;
  store4(partial + column, of_weight);
  store4(partial + width + column, of_bias);
  store4(partial + 2 * width + column, of_gamma);
}

// Calls body<X, Branch, Normed>().
template <class Body>
cudaError_t with_types(const AddNorm& x, Body body) {
  return with_type(x.x_bf16, [&]<class X>() {
    return with_type(x.branch_bf16, [&]<class Branch>() {
      return with_type(x.normed_bf16,
                       [&]<class Normed>() { return body.template operator()<X, Branch, Normed>(); });
    });
  });
}

}  // namespace

size_t add_norm_workspace(const AddNorm& x) {
  return static_cast<size_t>(chunks_of(x.rows) * 3 * x.width) * sizeof(float);
}

int add_norm_forward(const AddNorm& x, void* stream) {
  return with_types(x, [&]<class X, class Branch, class Normed>() {
    return launch(add_norm_kernel<X, Branch, Normed>, static_cast<unsigned>(x.rows), threads_of(x.width), 0,
                  static_cast<cudaStream_t>(stream), x);
  });
}

int add_norm_backward(const AddNorm& x, const AddNormGradients& gradients, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  const int64_t chunks = chunks_of(x.rows);
  const cudaError_t error = with_types(x, [&]<class X, class Branch, class Normed>() {
    return launch(add_norm_backward_kernel<X, Branch, Normed>, static_cast<unsigned>(chunks),
                  threads_of(x.width), 0, on, x, gradients, rows_of_chunk(x.rows));
  });
  if (error != cudaSuccess || gradients.parameters == nullptr) return error;
  return sum_columns(static_cast<const float*>(gradients.workspace), chunks, 3 * x.width,
                     gradients.parameters, on);
}

}  // namespace beit::cuda
