// What the attention kernels share. A block of four warps works on tiles of 64 tokens; each warp has 16 rows.
#pragma once

#include "cuda/attention.h"
#include "cuda/tensor_cores.cuh"

namespace beit::cuda {

using bf16 = __nv_bfloat16;

constexpr int kTile = 64;  // tokens
constexpr int kThreads = 128;
constexpr float kLog2E = 1.4426950408889634f;

// Elements between rows of a tile in shared memory: eight rows of 16 bytes then lie in different banks.
template <int width>
constexpr int kPitch = width + 8;
template <int width>
constexpr int kTileElements = kTile * kPitch<width>;
template <int width>
constexpr size_t kTileBytes = kTileElements<width> * sizeof(bf16);

inline int tiles_of(int64_t tokens) { return static_cast<int>((tokens + kTile - 1) / kTile); }

// The bias as the kernels read it, (H, Np, Np) with Np = N rounded up to tiles: times log2(e), and minus
// infinity in the columns beyond N, so that these get no weight. attention_bias.cu writes it.
cudaError_t pad_bias(const Attention& attention, float* padded, bool transposed, cudaStream_t stream);

// Sums the partial gradients (chunks, H, row tiles, groups of 16 columns, 2, kThreads) of float4 into (H, N,
// N).
cudaError_t sum_bias_gradients(const Attention& attention, const float4* partial, int chunks, float* gradient,
                               cudaStream_t stream);

// Begins to copy rows `begin`.. of one head of one image into a tile; zeros beyond the last token.
template <int width>
__device__ inline void load_tile(bf16* tile, const bf16* rows, int64_t row, int begin, int tokens) {
  constexpr int kPieces = width / 8;
  for (int i = static_cast<int>(threadIdx.x); i < kTile * kPieces; i += kThreads) {
    const int r = i / kPieces, piece = i % kPieces;
    const bool beyond = begin + r >= tokens;
    const bf16* from = beyond ? rows : rows + (begin + r) * row + piece * 8;
    copy_async(tile + r * kPitch<width> + piece * 8, from, beyond);
  }
}

// Left operand: 16 x 16 of a tile.
template <int width>
__device__ inline void load_left(uint32_t (&left)[4], const bf16* tile, int row, int column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  load_matrices(left, tile + (row + lane % 16) * kPitch<width> + column + lane / 16 * 8);
}

// All left operands of 16 rows.
template <int width>
__device__ inline void load_lefts(uint32_t (&left)[width / 16][4], const bf16* tile, int row) {
#pragma unroll
  for (int k = 0; k < width / 16; k++) load_left<width>(left[k], tile, row, k * 16);
}

// sums (16 x 16) += left * rows^T, with 16 rows of a tile from `row` on.
template <int width>
__device__ inline void multiply_by_rows(float (&sums)[2][4], const uint32_t (&left)[width / 16][4],
                                        const bf16* tile, int row) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const bf16* first = tile + (row + lane / 16 * 8 + lane % 8) * kPitch<width> + lane / 8 % 2 * 8;
#pragma unroll
  for (int k = 0; k < width / 16; k++) {
    uint32_t right[4];
    load_matrices(right, first + k * 16);
    multiply(sums[0], left[k], right[0], right[1]);
    multiply(sums[1], left[k], right[2], right[3]);
  }
}

// sums (16 x width) += left (16 x 16) * 16 rows of a tile from `row` on.
template <int width>
__device__ inline void multiply_by_tile(float (&sums)[width / 8][4], const uint32_t (&left)[4],
                                        const bf16* tile, int row) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const bf16* first = tile + (row + lane % 16) * kPitch<width> + lane / 16 * 8;
#pragma unroll
  for (int n = 0; n < width / 16; n++) {
    uint32_t right[4];
    load_transposed_matrices(right, first + n * 16);
    multiply(sums[2 * n], left, right[0], right[1]);
    multiply(sums[2 * n + 1], left, right[2], right[3]);
  }
}

// Sums of 16 x 16 as the left operand of the next product.
__device__ inline void as_left(uint32_t (&left)[4], const float (&sums)[2][4]) {
  left[0] = pack(sums[0][0], sums[0][1]);
  left[1] = pack(sums[0][2], sums[0][3]);
  left[2] = pack(sums[1][0], sums[1][1]);
  left[3] = pack(sums[1][2], sums[1][3]);
}

// Writes 16 x width sums, the lane's two rows times a factor each, as bfloat16; `rows` is row 0 of the head.
template <int width>
__device__ inline void store_rows(bf16* rows, int64_t row, int begin, int tokens,
                                  const float (&sums)[width / 8][4], float upper_factor, float lower_factor) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int upper = begin + lane / 4, lower = upper + 8, column = lane % 4 * 2;
#pragma unroll
  for (int n = 0; n < width / 8; n++) {
    if (upper < tokens) {
      *reinterpret_cast<uint32_t*>(rows + upper * row + n * 8 + column) =
          pack(sums[n][0] * upper_factor, sums[n][1] * upper_factor);
    }
    if (lower < tokens) {
      *reinterpret_cast<uint32_t*>(rows + lower * row + n * 8 + column) =
          pack(sums[n][2] * lower_factor, sums[n][3] * lower_factor);
    }
  }
}

// The bias of a fragment of scores, of which `bias` is this lane's first place.
__device__ inline void load_bias(float (&added)[4], const float* bias, int64_t bias_row) {
  const float2 upper = *reinterpret_cast<const float2*>(bias);
  const float2 lower = *reinterpret_cast<const float2*>(bias + 8 * bias_row);
  added[0] = upper.x;
  added[1] = upper.y;
  added[2] = lower.x;
  added[3] = lower.y;
}

// Calls `kernel.template operator()<width>()` for the width of a head.
template <class Kernel>
cudaError_t with_width(int64_t width, Kernel kernel) {
  switch (width) {
    case 16:
      return kernel.template operator()<16>();
    case 32:
      return kernel.template operator()<32>();
    case 48:
      return kernel.template operator()<48>();
    case 64:
      return kernel.template operator()<64>();
    case 80:
      return kernel.template operator()<80>();
    case 96:
      return kernel.template operator()<96>();
    case 112:
      return kernel.template operator()<112>();
    case 128:
      return kernel.template operator()<128>();
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace beit::cuda
