#include "cuda/network_pixels.h"

#include "cuda/rows.cuh"

namespace beit::cuda {

namespace {

constexpr int kValues = 256;  // of a byte, and threads of a block
constexpr int kTile = 16 * kValues;

__device__ inline float of_value(const NetworkPixels& x, int channel, int value) {
  const float unit = static_cast<float>(value) / 255.0f;
  if (x.is_scaled) return unit * x.first[channel] + x.second[channel];
  return (unit - x.first[channel]) / x.second[channel];
}

// As many numbers as 16 bytes hold, of bytes in shared memory.
__device__ inline float4 look_up4(const float* table, const uint8_t* bytes) {
  const uchar4 of = *reinterpret_cast<const uchar4*>(bytes);
  return make_float4(table[of.x], table[of.y], table[of.z], table[of.w]);
}
__device__ inline void write16(float* to, const float* table, const uint8_t* bytes) {
  store4(to, look_up4(table, bytes));
}
__device__ inline void write16(bf16* to, const float* table, const uint8_t* bytes) {
  alignas(16) bf16 kept[8];
  store4(kept, look_up4(table, bytes));
  store4(kept + 4, look_up4(table, bytes + 4));
  *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(kept);
}

// A block takes a tile of one channel of one image. What each of the 256 values becomes is computed once; the
// bytes pass through shared memory, so that neighbours write next to one another.
template <class T>
__global__ void __launch_bounds__(kValues) network_pixels_kernel(NetworkPixels x) {
  __shared__ float table[kValues];
  __shared__ uint4 tile[kValues];
  const int thread = static_cast<int>(threadIdx.x), channel = static_cast<int>(blockIdx.y);
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * kTile;
  const int count = static_cast<int>(min(x.plane - begin, static_cast<int64_t>(kTile)));
  const int64_t at = (static_cast<int64_t>(blockIdx.z) * 3 + channel) * x.plane + begin;
  if (thread * 16 < count) tile[thread] = *reinterpret_cast<const uint4*>(x.bytes + at + thread * 16);
  table[thread] = of_value(x, channel, thread);
  __syncthreads();
  constexpr int kOfThread = 16 / static_cast<int>(sizeof(T));
  const auto* bytes = reinterpret_cast<const uint8_t*>(tile);
  for (int i = thread * kOfThread; i < count; i += kValues * kOfThread) {
    write16(static_cast<T*>(x.out) + at + i, table, bytes + i);
  }
}

}  // namespace

int network_pixels(const NetworkPixels& x, void* stream) {
  const dim3 blocks(static_cast<unsigned>((x.plane + kTile - 1) / kTile), 3, static_cast<unsigned>(x.images));
  return with_type(x.bf16, [&]<class T>() {
    return launch(network_pixels_kernel<T>, blocks, kValues, 0, static_cast<cudaStream_t>(stream), x);
  });
}

}  // namespace beit::cuda
