// CUDA without a GPU, for tests: a kernel file compiles as plain C++ with this header in the place of nvcc's,
// and its blocks run one after the other on the CPU. What is checked is the arithmetic, every index, and that
// threads wait for one another where they must; speed and memory ordering between blocks are not.
//
// - A block's threads are fibers of one thread (fibers.h). A warp goes on as far as it can without the
// others,
//   its lanes change only where they wait for one another. In the reversed order
//   (BEIT_EMULATOR_ORDER=reversed) the last warp and the last lane go first: a kernel that lacks a barrier
//   gives other bits then.
// - Shared memory holds NaN patterns when a block starts.
// - Asynchronous copies happen as late as they may, or at once in the reversed order
// (emulated_tensor_cores.h).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "cuda_types.h"
#include "fibers.h"

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

#define threadIdx (emulator::self().thread)
#define blockIdx (emulator::self().block)
#define blockDim (emulator::block_size())
#define gridDim (emulator::grid_size())
constexpr int warpSize = 32;

inline void __syncthreads() { emulator::wait_for_block(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { emulator::exchange(mask, nullptr, 0); }

// Each lane gives `value` and takes that of lane `source(lane)`.
template <class T, class Source>
T emulated_shuffle(unsigned mask, T value, Source source) {
  const auto lanes = emulator::exchange(mask, &value, sizeof value);
  const int from = source(emulator::self().lane);
  T taken;
  std::memcpy(&taken, lanes[from], sizeof taken);
  return taken;
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return emulated_shuffle(mask, value, [=](int lane) { return lane / width * width + source % width; });
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  return emulated_shuffle(mask, value, [=](int lane) {
    const int from = lane ^ bits;
    return from / width == lane / width ? from : lane;
  });
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32) {
  return emulated_shuffle(mask, value, [=](int lane) {
    return lane % width + static_cast<int>(distance) < width ? lane + static_cast<int>(distance) : lane;
  });
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32) {
  return emulated_shuffle(mask, value, [=](int lane) {
    return lane % width >= static_cast<int>(distance) ? lane - static_cast<int>(distance) : lane;
  });
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  const unsigned char mine = predicate != 0;
  const auto lanes = emulator::exchange(mask, &mine, 1);
  unsigned bits = 0;
  for (int lane = 0; lane < 32; lane++) {
    if ((mask >> lane & 1) != 0 && lanes[lane][0] != 0) bits |= 1u << lane;
  }
  return bits;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }

// Blocks run one after the other and fibers change at barriers only: plain reads and writes are atomic.
template <class T>
T atomicAdd(T* address, T value) {
  const T before = *address;
  *address = before + value;
  return before;
}
template <class T>
T atomicMax(T* address, T value) {
  const T before = *address;
  if (value > before) *address = value;
  return before;
}
template <class T>
T atomicOr(T* address, T value) {
  const T before = *address;
  *address = before | value;
  return before;
}

inline void __threadfence() {}
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __clz(int bits) { return bits == 0 ? 32 : __builtin_clz(static_cast<unsigned>(bits)); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32);
}
template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class To, class From>
To emulated_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
inline float __uint_as_float(unsigned bits) { return emulated_bits<float>(bits); }
inline float __int_as_float(int bits) { return emulated_bits<float>(bits); }
inline unsigned __float_as_uint(float value) { return emulated_bits<unsigned>(value); }
inline int __float_as_int(float value) { return emulated_bits<int>(value); }

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
using std::max;
using std::min;
