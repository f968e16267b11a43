// Work on rows of numbers, four columns a thread: loads and stores in float32 or bfloat16, sums over a block,
// and sums over rows without atomic operations.
#pragma once

#include "cuda/launch.cuh"

namespace beit::cuda {

using bf16 = __nv_bfloat16;

__device__ inline float4 operator+(float4 a, float4 b) {
  return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}
__device__ inline float4 operator-(float4 a, float b) {
  return make_float4(a.x - b, a.y - b, a.z - b, a.w - b);
}
__device__ inline float4 operator*(float4 a, float4 b) {
  return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}
__device__ inline float4 operator*(float a, float4 b) {
  return make_float4(a * b.x, a * b.y, a * b.z, a * b.w);
}
__device__ inline float sum_of(float4 a) { return (a.x + a.y) + (a.z + a.w); }
__device__ inline float4 four(float value) { return make_float4(value, value, value, value); }

__device__ inline float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }
__device__ inline float4 load4(const bf16* from) {
  const auto* pairs = reinterpret_cast<const __nv_bfloat162*>(from);
  const float2 first = __bfloat1622float2(pairs[0]), second = __bfloat1622float2(pairs[1]);
  return make_float4(first.x, first.y, second.x, second.y);
}

__device__ inline void store4(float* to, float4 values) { *reinterpret_cast<float4*>(to) = values; }
__device__ inline void store4(bf16* to, float4 values) {
  auto* pairs = reinterpret_cast<__nv_bfloat162*>(to);
  pairs[0] = __floats2bfloat162_rn(values.x, values.y);
  pairs[1] = __floats2bfloat162_rn(values.z, values.w);
}

// How many numbers of a type 16 bytes hold, the most that a thread reads at once, and those as float32.
template <class T>
constexpr int kWidthOf16Bytes = 16 / sizeof(T);

__device__ inline void load16(const float* from, float* values) {
  const float4 four = load4(from);
  values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
}
__device__ inline void load16(const bf16* from, float* values) {
  const uint4 packed = *reinterpret_cast<const uint4*>(from);
  const unsigned words[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
  for (int i = 0; i < 4; i++) {
    values[2 * i] = __uint_as_float(words[i] << 16);
    values[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
  }
}

__device__ inline void store16(float* to, const float* values) {
  store4(to, make_float4(values[0], values[1], values[2], values[3]));
}
__device__ inline void store16(bf16* to, const float* values) {
  alignas(16) __nv_bfloat162 pairs[4];
#pragma unroll
  for (int i = 0; i < 4; i++) pairs[i] = __floats2bfloat162_rn(values[2 * i], values[2 * i + 1]);
  *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(pairs);
}

// The values as a T holds them.
template <class T>
__device__ inline float4 rounded(float4 values) {
  alignas(16) T kept[4];
  store4(kept, values);
  return load4(kept);
}

constexpr int kMostWarps = 32;

// Adds up each of `values` over the block's threads, whole warps, and gives all of them the sums. One barrier
// inside: between two calls with the same `slots` there must be another one.
template <int count>
__device__ inline void sum_over_block(float (&values)[count], float (*slots)[count]) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < count; i++) {
    for (int bits = 16; bits > 0; bits /= 2) values[i] += __shfl_xor_sync(0xffffffffu, values[i], bits);
    if (lane == 0) slots[warp][i] = values[i];
  }
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x) / 32;
#pragma unroll
  for (int i = 0; i < count; i++) {
    values[i] = 0;
    for (int w = 0; w < warps; w++) values[i] += slots[w][i];
  }
}

// Threads for `columns` columns, four each, in whole warps.
inline unsigned threads_of(int64_t columns) { return static_cast<unsigned>((columns + 127) / 128 * 32); }

// How many consecutive rows one block adds up: shapes alone decide, so that sums do not depend on the GPU.
inline int64_t rows_of_chunk(int64_t rows) {
  constexpr int64_t kMostChunks = 1024, kFewestRows = 8;
  const int64_t needed = (rows + kMostChunks - 1) / kMostChunks;
  return needed < kFewestRows ? kFewestRows : needed;
}
inline int64_t chunks_of(int64_t rows) { return (rows + rows_of_chunk(rows) - 1) / rows_of_chunk(rows); }

// sums (columns) = the sum over the rows of partial (rows, columns), in a fixed order.
cudaError_t sum_columns(const float* partial, int64_t rows, int64_t columns, float* sums,
                        cudaStream_t stream);

// Calls body<T>() with the type of the numbers.
template <class Body>
auto with_type(bool is_bf16, Body body) {
  return is_bf16 ? body.template operator()<bf16>() : body.template operator()<float>();
}

}  // namespace beit::cuda
