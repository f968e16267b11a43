#include "cuda/optimizer.h"

#include <algorithm>
#include <cstring>

#include "cuda/rows.cuh"

namespace beit::cuda {

namespace {

constexpr int kThreads = 256;         // of a block that takes a chunk
constexpr int kThreadsOfSums = 1024;  // of the one that adds up what those leave
constexpr int kWordsOfLaunch = 960;   // the parameters of a kernel are 4 KiB at most

// Calls body4(i) for every four numbers of a chunk from i on, and body(i) for each of the last ones.
template <class Body4, class Body>
__device__ inline void for_numbers(int64_t count, Body4 body4, Body body) {
  const int whole = static_cast<int>(count) / 4 * 4, rest = static_cast<int>(count) - whole;
#pragma unroll 4
  for (int i = static_cast<int>(threadIdx.x) * 4; i < whole; i += kThreads * 4) body4(i);
  if (static_cast<int>(threadIdx.x) < rest) body(whole + static_cast<int>(threadIdx.x));
}

// Where the block's chunk begins in its tensor, and how long it is.
struct Chunk {
  OptimizedTensor of;
  float* gradient;
  int64_t first, count;
};

__device__ inline Chunk chunk_of_block(const Optimizer& x) {
  const OptimizerChunk chunk = x.chunks[blockIdx.x];
  const OptimizedTensor of = x.tensors[chunk.tensor];
  const int64_t first = chunk.index * kOptimizerChunk;
  float* gradient = x.gradients[chunk.tensor];
  return {of, gradient == nullptr ? nullptr : gradient + first, first,
          min(kOptimizerChunk, of.count - first)};
}

__global__ void __launch_bounds__(kThreads) sum_squares_kernel(Optimizer x, float* partials) {
  __shared__ float slots[kMostWarps][1];
  const Chunk chunk = chunk_of_block(x);
  float4 squares = four(0);
  float rest = 0;
  if (chunk.gradient != nullptr) {
    for_numbers(
        chunk.count,
        [&](int i) {
          const float4 gradient = load4(chunk.gradient + i);
          squares = squares + gradient * gradient;
        },
        [&](int i) { rest = chunk.gradient[i] * chunk.gradient[i]; });
  }
  float sum[1] = {sum_of(squares) + rest};
  sum_over_block(sum, slots);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum[0];
}

__device__ inline bool is_finite(float x) { return fabsf(x) < INFINITY; }

// One block.
__global__ void __launch_bounds__(kThreadsOfSums) verdict_kernel(GradientVerdict x, int64_t chunks) {
  __shared__ double of_warps[kMostWarps];
  double sum = 0;
  for (int64_t i = threadIdx.x; i < chunks; i += kThreadsOfSums) sum += static_cast<double>(x.partials[i]);
  for (int bits = 16; bits > 0; bits /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, bits);
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x > 0) return;
  for (int w = 1; w < kThreadsOfSums / 32; w++) sum += of_warps[w];
  const auto norm = static_cast<float>(sqrt(sum));
  const bool finite = is_finite(norm) && is_finite(*x.loss);
  *x.verdict = {norm, finite ? 1.0f : 0.0f, finite ? 0.0f : 1.0f, fminf(x.most / (norm + 1e-6f), 1.0f)};
}

// One thread.
__global__ void count_step_kernel(AdamWStep x) {
  const float step = *x.step + (1 - *x.found_inf);
  *x.step = step;
  x.corrections[0] = static_cast<float>(1 - pow(x.beta1, static_cast<double>(step)));
  x.corrections[1] = static_cast<float>(1 - pow(x.beta2, static_cast<double>(step)));
}

// What is the same for all numbers of a tensor.
struct Factors {
  float gradient, kept, of_gradient, of_square, step, root, eps;
};

__device__ inline void update(const Factors& by, float gradient, float& parameter, float& exp_avg,
                              float& exp_avg_sq) {
  exp_avg += by.of_gradient * (gradient - exp_avg);
  exp_avg_sq += by.of_square * (gradient * gradient - exp_avg_sq);
  parameter = by.kept * parameter - by.step * exp_avg / (sqrtf(exp_avg_sq) * by.root + by.eps);
}

__global__ void __launch_bounds__(kThreads) adamw_kernel(Optimizer x, AdamWStep settings) {
  if (*settings.found_inf != 0) return;
  const Chunk chunk = chunk_of_block(x);
  if (chunk.gradient == nullptr) return;
  const float rate = settings.rates->learning_rate * chunk.of.scale;
  const Factors by{.gradient = settings.gradient_scale == nullptr ? 1 : *settings.gradient_scale,
                   .kept = 1 - rate * settings.rates->weight_decay * chunk.of.decays,
                   .of_gradient = static_cast<float>(1 - settings.beta1),
                   .of_square = static_cast<float>(1 - settings.beta2),
                   .step = rate / settings.corrections[0],
                   .root = rsqrtf(settings.corrections[1]),
                   .eps = settings.eps};
  float* const parameters = chunk.of.parameter + chunk.first;
  float* const exp_avgs = chunk.of.exp_avg + chunk.first;
  float* const exp_avg_sqs = chunk.of.exp_avg_sq + chunk.first;
  for_numbers(
      chunk.count,
      [&](int i) {
        float4 gradient = load4(chunk.gradient + i), parameter = load4(parameters + i);
        float4 exp_avg = load4(exp_avgs + i), exp_avg_sq = load4(exp_avg_sqs + i);
        if (by.gradient != 1) {
          gradient = by.gradient * gradient;
          store4(chunk.gradient + i, gradient);
        }
        update(by, gradient.x, parameter.x, exp_avg.x, exp_avg_sq.x);
        update(by, gradient.y, parameter.y, exp_avg.y, exp_avg_sq.y);
        update(by, gradient.z, parameter.z, exp_avg.z, exp_avg_sq.z);
        update(by, gradient.w, parameter.w, exp_avg.w, exp_avg_sq.w);
        store4(parameters + i, parameter);
        store4(exp_avgs + i, exp_avg);
        store4(exp_avg_sqs + i, exp_avg_sq);
      },
      [&](int i) {
        const float gradient = by.gradient * chunk.gradient[i];
        chunk.gradient[i] = gradient;
        update(by, gradient, parameters[i], exp_avgs[i], exp_avg_sqs[i]);
      });
}

struct Words {
  uint32_t words[kWordsOfLaunch];
};

__global__ void write_words_kernel(uint32_t* to, Words from, int count) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < count) to[i] = from.words[i];
}

}  // namespace

int gradient_verdict(const Optimizer& x, const GradientVerdict& verdict, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  const cudaError_t error =
      launch(sum_squares_kernel, static_cast<unsigned>(x.chunk_count), kThreads, 0, on, x, verdict.partials);
  if (error != cudaSuccess) return error;
  return launch(verdict_kernel, 1, kThreadsOfSums, 0, on, verdict, x.chunk_count);
}

int adamw_step(const Optimizer& x, const AdamWStep& step, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  const cudaError_t error = launch(count_step_kernel, 1, 1, 0, on, step);
  if (error != cudaSuccess) return error;
  return launch(adamw_kernel, static_cast<unsigned>(x.chunk_count), kThreads, 0, on, x, step);
}

int write_words(void* to, const void* from, size_t bytes, void* stream) {
  for (size_t at = 0; at < bytes; at += sizeof(Words)) {
    Words words{};
    const size_t piece = std::min(sizeof words, bytes - at);
    std::memcpy(&words, static_cast<const char*>(from) + at, piece);
    const cudaError_t error =
        launch(write_words_kernel, 1, kWordsOfLaunch, 0, static_cast<cudaStream_t>(stream),
               reinterpret_cast<uint32_t*>(static_cast<char*>(to) + at), words,
               static_cast<int>(piece / sizeof(uint32_t)));
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

}  // namespace beit::cuda
