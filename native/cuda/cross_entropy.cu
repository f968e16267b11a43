#include "cuda/cross_entropy.h"

#include "cuda/rows.cuh"

namespace beit::cuda {

namespace {

constexpr int kThreads = 1024;       // of a block that sums over all rows
constexpr int kValuesOfThread = 32;  // of a row, in registers
static_assert(kMostClasses == kValuesOfThread * kThreads);

// The largest of the block's values for all its threads; a NaN is none. One barrier inside.
__device__ inline float largest_of_block(float value, float* slots) {
  for (int bits = 16; bits > 0; bits /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, bits));
  if (threadIdx.x % 32 == 0) slots[threadIdx.x / 32] = value;
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x) / 32;
  for (int w = 0; w < warps; w++) value = fmaxf(value, slots[w]);
  return value;
}

__global__ void __launch_bounds__(kThreads) count_rows_kernel(CrossEntropy x) {
  __shared__ float slots[kMostWarps][1];
  float counted[1] = {0};
  for (int64_t row = threadIdx.x; row < x.rows; row += kThreads)
    counted[0] += x.targets[row] != kIgnoredTarget;
  sum_over_block(counted, slots);
  if (threadIdx.x == 0) *x.counted = counted[0];
}

// A block takes a row: every thread 16 bytes of each piece of blockDim.x times as many.
template <class T>
__global__ void __launch_bounds__(kThreads) cross_entropy_kernel(CrossEntropy x) {
  __shared__ float largest_of_warps[kMostWarps], slots[kMostWarps][2];
  constexpr int kWidth = kWidthOf16Bytes<T>, kPieces = kValuesOfThread / kWidth;
  const int64_t row = blockIdx.x, target = x.targets[row];
  const int classes = static_cast<int>(x.classes);
  T* logits = static_cast<T*>(x.logits) + row * x.classes;
  const auto column_of = [&](int piece) {
    return (piece * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x)) * kWidth;
  };
  float values[kPieces][kWidth];

  if (target == kIgnoredTarget) {
    if (threadIdx.x == 0) *reinterpret_cast<float2*>(x.of_rows + 2 * row) = make_float2(0, 0);
    if (!x.gradient) return;
#pragma unroll
    for (int i = 0; i < kWidth; i++) values[0][i] = 0;
    for (int piece = 0; piece < kPieces && column_of(piece) < classes; piece++) {
      store16(logits + column_of(piece), values[0]);
    }
    return;
  }

  // Whoever writes over it does so behind a barrier.
  const bool is_class = target >= 0 && target < classes;
  const float of_target = is_class ? static_cast<float>(logits[target]) : __int_as_float(0x7fc00000);  // NaN
  float largest = -INFINITY;
#pragma unroll
  for (int piece = 0; piece < kPieces; piece++) {
    const bool inside = column_of(piece) < classes;
    if (inside) load16(logits + column_of(piece), values[piece]);
#pragma unroll
    for (int i = 0; i < kWidth; i++) {
      if (!inside) values[piece][i] = -INFINITY;
      largest = fmaxf(largest, values[piece][i]);
    }
  }
  largest = largest_of_block(largest, largest_of_warps);

  // The sum of the weights, and how many classes before the target are as likely, if it is of the likeliest.
  float sums[2] = {0, 0};
  const bool is_likeliest = of_target == largest;
#pragma unroll
  for (int piece = 0; piece < kPieces; piece++) {
#pragma unroll
    for (int i = 0; i < kWidth; i++) {
      if (is_likeliest) sums[1] += values[piece][i] == largest && column_of(piece) + i < target;
      values[piece][i] = expf(values[piece][i] - largest);
      sums[0] += values[piece][i];
    }
  }
  sum_over_block(sums, slots);
  if (threadIdx.x == 0) {
    *reinterpret_cast<float2*>(x.of_rows + 2 * row) =
        make_float2(logf(sums[0]) + (largest - of_target), is_likeliest && sums[1] == 0 ? 1 : 0);
  }
  if (!x.gradient) return;

  const float share = 1.0f / *x.counted, factor = share / sums[0];
#pragma unroll
  for (int piece = 0; piece < kPieces; piece++) {
    if (column_of(piece) >= classes) continue;
#pragma unroll
    for (int i = 0; i < kWidth; i++) {
      values[piece][i] *= factor;
      if (column_of(piece) + i == target) values[piece][i] -= share;
    }
    store16(logits + column_of(piece), values[piece]);
  }
}

__global__ void __launch_bounds__(kThreads) sum_rows_kernel(CrossEntropy x) {
  __shared__ float slots[kMostWarps][2];
  float sums[2] = {0, 0};
  for (int64_t row = threadIdx.x; row < x.rows; row += kThreads) {
    const float2 of_row = *reinterpret_cast<const float2*>(x.of_rows + 2 * row);
    sums[0] += of_row.x;
    sums[1] += of_row.y;
  }
  sum_over_block(sums, slots);
  if (threadIdx.x > 0) return;
  *x.loss = sums[0] / *x.counted;
  *x.correct = static_cast<int64_t>(sums[1]);
}

constexpr int kScalingThreads = 256;

template <class T>
__global__ void scale_kernel(CrossEntropyGradient x) {
  const float upstream = *x.upstream;
  if (upstream == 1) return;
  const int64_t at = (static_cast<int64_t>(blockIdx.x) * kScalingThreads + threadIdx.x) * kWidthOf16Bytes<T>;
  if (at >= x.count) return;
  T* numbers = static_cast<T*>(x.logits) + at;
  float values[kWidthOf16Bytes<T>];
  load16(numbers, values);
#pragma unroll
  for (float& value : values) value *= upstream;
  store16(numbers, values);
}

}  // namespace

int cross_entropy_forward(const CrossEntropy& x, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  cudaError_t error = launch(count_rows_kernel, 1, kThreads, 0, on, x);
  if (error != cudaSuccess) return error;
  constexpr int64_t kOfWarp = 32 * kValuesOfThread;
  const auto threads = static_cast<unsigned>((x.classes + kOfWarp - 1) / kOfWarp * 32);
  error = with_type(x.bf16, [&]<class T>() {
    return launch(cross_entropy_kernel<T>, static_cast<unsigned>(x.rows), threads, 0, on, x);
  });
  if (error != cudaSuccess) return error;
  return launch(sum_rows_kernel, 1, kThreads, 0, on, x);
}

int cross_entropy_backward(const CrossEntropyGradient& x, void* stream) {
  return with_type(x.bf16, [&]<class T>() {
    constexpr int64_t kOfBlock = kScalingThreads * kWidthOf16Bytes<T>;
    return launch(scale_kernel<T>, static_cast<unsigned>((x.count + kOfBlock - 1) / kOfBlock),
                  kScalingThreads, 0, static_cast<cudaStream_t>(stream), x);
  });
}

}  // namespace beit::cuda
