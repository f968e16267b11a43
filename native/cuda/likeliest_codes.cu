// A block takes 128 rows and walks over a chunk of the codes, 128 at a time, with the largest logit of each
// row kept in registers; a second kernel compares the chunks. Chunks of one tile of rows run side by side, so
// that its rows are read once and the weights stay in the second cache.
#include "cuda/likeliest_codes.h"

#include "cuda/attention_tile.cuh"

namespace beit::cuda {

namespace {

constexpr int kDepth = 32;   // columns of a step
constexpr int kBlock = 128;  // rows, and codes at a time
constexpr int kWarp = 64;    // of them a warp's: two by two warps
constexpr int kTilesOfChunk = 8;
constexpr int kChunk = kTilesOfChunk * kBlock;
constexpr int kStages = 4;
constexpr int kOperand = kBlock / kTile * kTileElements<kDepth>;  // elements of 128 rows in shared memory
constexpr size_t kSharedBytes = 2 * kStages * kOperand * sizeof(bf16);

struct Candidate {
  float logit;
  int code;
};

__device__ inline bool is_better(Candidate a, Candidate b) {
  return a.logit > b.logit || (a.logit == b.logit && a.code < b.code);
}

// The better one of the two that lanes `bits` apart have.
__device__ inline Candidate better_of_lanes(Candidate mine, int bits) {
  const Candidate other{__shfl_xor_sync(0xffffffffu, mine.logit, bits),
                        __shfl_xor_sync(0xffffffffu, mine.code, bits)};
  return is_better(other, mine) ? other : mine;
}

// Less than any logit: what is no number is never taken.
__device__ inline Candidate nothing_yet(int code) { return {__int_as_float(0xff800000), code}; }

// Of a warp: 64 rows by 64 codes.
using Sums = float[kWarp / 16][kWarp / 8][4];

__device__ inline void clear(Sums& sums) {
#pragma unroll
  for (int m = 0; m < kWarp / 16; m++) {
#pragma unroll
    for (int n = 0; n < kWarp / 8; n++) {
      for (int i = 0; i < 4; i++) sums[m][n][i] = 0;
    }
  }
}

// Begins to copy `kDepth` columns of 128 rows of a matrix of `count` rows.
__device__ inline void load_operand(bf16* operand, const bf16* columns, int64_t width, int begin, int count) {
  for (int half = 0; half < kBlock / kTile; half++) {
    load_tile<kDepth>(operand + half * kTileElements<kDepth>, columns, width, begin + half * kTile, count);
  }
}

// sums += the warp's rows of one operand * its rows of the other, transposed
__device__ inline void multiply_step(Sums& sums, const bf16* rows, const bf16* codes) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const bf16* first = codes + (lane / 16 * 8 + lane % 8) * kPitch<kDepth> + lane / 8 % 2 * 8;
#pragma unroll
  for (int k = 0; k < kDepth; k += 16) {
    uint32_t left[kWarp / 16][4];
#pragma unroll
    for (int m = 0; m < kWarp / 16; m++) load_left<kDepth>(left[m], rows, m * 16, k);
#pragma unroll
    for (int n = 0; n < kWarp / 16; n++) {
      uint32_t right[4];
      load_matrices(right, first + n * 16 * kPitch<kDepth> + k);
#pragma unroll
      for (int m = 0; m < kWarp / 16; m++) {
        multiply(sums[m][2 * n], left[m], right[0], right[1]);
        multiply(sums[m][2 * n + 1], left[m], right[2], right[3]);
      }
    }
  }
}

// The best of a lane's rows: of each 16 two, eight apart.
using Best = Candidate[kWarp / 16][2];

// Takes in the sums of 64 codes from `first` on, in rising order.
__device__ inline void take_in(Best& best, const Sums& sums, const float* bias, int first, int codes) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int n = 0; n < kWarp / 8; n++) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int code = first + n * 8 + lane % 4 * 2 + i;
      if (code >= codes) continue;
      const float added = bias[code];
#pragma unroll
      for (int m = 0; m < kWarp / 16; m++) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
          const float logit = sums[m][n][2 * half + i] + added;
          if (logit > best[m][half].logit) best[m][half] = {logit, code};
        }
      }
    }
  }
}

// Leaves the best of each chunk of codes in best (rows, chunks).
__global__ void __launch_bounds__(kThreads)
    best_of_chunks_kernel(LikeliestCodes x, Candidate* best_of_chunks) {
  __shared__ Candidate of_other_codes[kBlock];
  bf16* row_operands = dynamic_shared<bf16>();
  bf16* code_operands = row_operands + kStages * kOperand;
  const int rows = static_cast<int>(x.rows), codes = static_cast<int>(x.codes);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int first_code = static_cast<int>(blockIdx.x) * kChunk;
  const int first_row = static_cast<int>(blockIdx.y) * kBlock;
  const int warp_row = warp / 2 * kWarp, warp_code = warp % 2 * kWarp;  // within the block's
  const int of_tile = static_cast<int>(x.width) / kDepth;
  const int tiles = min(kTilesOfChunk, (codes - first_code + kBlock - 1) / kBlock);
  const int steps = tiles * of_tile;
  const auto load = [&](int step) {
    if (step < steps) {
      const int at = step % kStages * kOperand, column = step % of_tile * kDepth;
      load_operand(row_operands + at, static_cast<const bf16*>(x.x) + column, x.width, first_row, rows);
      load_operand(code_operands + at, static_cast<const bf16*>(x.weight) + column, x.width,
                   first_code + step / of_tile * kBlock, codes);
    }
    commit_copies();
  };

  Best best;
  for (int m = 0; m < kWarp / 16; m++) best[m][0] = best[m][1] = nothing_yet(first_code);
  Sums sums;
  clear(sums);
  for (int step = 0; step < kStages - 1; step++) load(step);
  for (int step = 0; step < steps; step++) {
    wait_for_copies<kStages - 2>();
    __syncthreads();
    load(step + kStages - 1);  // where the step before was: the barrier says that nobody reads it any more
    const int at = step % kStages * kOperand;
    multiply_step(sums, row_operands + at + warp_row * kPitch<kDepth>,
                  code_operands + at + warp_code * kPitch<kDepth>);
    if (step % of_tile + 1 < of_tile) continue;
    take_in(best, sums, x.bias, first_code + step / of_tile * kBlock + warp_code, codes);
    clear(sums);
  }

  // First over the four lanes that share a row, then over the two warps.
#pragma unroll
  for (int m = 0; m < kWarp / 16; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      best[m][half] = better_of_lanes(better_of_lanes(best[m][half], 1), 2);
      const int row = warp_row + m * 16 + half * 8 + lane / 4;
      if (warp_code > 0 && lane % 4 == 0) of_other_codes[row] = best[m][half];
    }
  }
  __syncthreads();
  if (warp_code > 0 || lane % 4 != 0) return;
#pragma unroll
  for (int m = 0; m < kWarp / 16; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = warp_row + m * 16 + half * 8 + lane / 4;
      if (first_row + row >= rows) continue;
      const Candidate other = of_other_codes[row], mine = best[m][half];
      best_of_chunks[static_cast<int64_t>(first_row + row) * gridDim.x + blockIdx.x] =
          is_better(other, mine) ? other : mine;
    }
  }
}

__global__ void best_of_rows_kernel(const Candidate* best_of_chunks, int64_t rows, int chunks,
                                    int64_t* likeliest) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  Candidate best = best_of_chunks[row * chunks];
  for (int chunk = 1; chunk < chunks; chunk++) {
    const Candidate next = best_of_chunks[row * chunks + chunk];
    if (is_better(next, best)) best = next;
  }
  likeliest[row] = best.code;
}

// A warp takes a row.
__global__ void take_in_logits_kernel(LogitsPiece x) {
  const int64_t row = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  if (row >= x.rows) return;
  const float* logits = x.logits + row * x.codes;
  Candidate best = nothing_yet(0);
  for (int code = lane; code < x.codes; code += 32) {
    if (logits[code] > best.logit) best = {logits[code], code};
  }
  for (int bits = 16; bits > 0; bits /= 2) best = better_of_lanes(best, bits);
  if (lane > 0 || (x.first > 0 && !(best.logit > x.largest[row]))) return;
  x.largest[row] = best.logit;
  x.likeliest[row] = x.first + best.code;
}

unsigned blocks(int64_t count, int64_t of_block) {
  return static_cast<unsigned>((count + of_block - 1) / of_block);
}

}  // namespace

size_t likeliest_codes_workspace(const LikeliestCodes& x) {
  return static_cast<size_t>(x.rows) * blocks(x.codes, kChunk) * sizeof(Candidate);
}

int likeliest_codes(const LikeliestCodes& x, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  auto* best = static_cast<Candidate*>(x.workspace);
  const dim3 grid(blocks(x.codes, kChunk), blocks(x.rows, kBlock));
  const cudaError_t error = launch(best_of_chunks_kernel, grid, kThreads, kSharedBytes, on, x, best);
  if (error != cudaSuccess) return error;
  return launch(best_of_rows_kernel, blocks(x.rows, kThreads), kThreads, 0, on, best, x.rows, grid.x,
                x.likeliest);
}

int take_in_logits(const LogitsPiece& x, void* stream) {
  return launch(take_in_logits_kernel, blocks(x.rows, kThreads / 32), kThreads, 0,
                static_cast<cudaStream_t>(stream), x);
}

}  // namespace beit::cuda
