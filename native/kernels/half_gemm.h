// Matrix products of float16 operands with float32 results: out = left x right.
//
// On processors with float16 arithmetic (AVX512-FP16) and no matrix tiles it takes half the time of a float32
// product. At most 64 products are summed one after the other in float16, and at most six such sums are added
// up before they are added to a float32: the error stays below that of rounding the operands to bfloat16.
// Operands are packed first, and scaled by powers of two so that every value is less than 8 (half_pack.h):
// 384 products are then less than 24576, far from float16's limit of 65504.
//
// Packed layouts, depth in chunks of 128, unused places zero or never read:
//   left  (rows, depth):    [chunk][row, padded to a multiple of 4][128]
//   right (depth, columns): [chunk][panel of 32 columns][64 pairs of depth][even columns, odd columns][16][2]
#pragma once
#include <cstdint>

#include "kernels/half.h"

namespace beit::kernels {

inline constexpr int64_t kHalfChunk = 128;
inline constexpr int64_t kHalfPanel = 32;
inline constexpr int64_t kHalfRowGroup = 4;

// Numbers of float16 values that packed operands hold.
int64_t half_left_size(int64_t rows, int64_t depth);
int64_t half_right_size(int64_t depth, int64_t columns);

// Where column `column` of a panel has number k of a chunk.
constexpr int64_t half_right_place(int64_t column, int64_t k) {
  return k / 2 * 2 * kHalfPanel + column % 2 * kHalfPanel + column / 2 * 2 + k % 2;
}

// One product: out[r][c] = sum over k of left[r][k] right[k][c], times row_scale[r] column_scale[c], plus
// bias[c], plus residual[r][c]. Scales, bias and residual may be null.
struct HalfProduct {
  int64_t rows = 0, columns = 0, depth = 0;
  const Half* left = nullptr;
  const Half* right = nullptr;
  float* out = nullptr;
  int64_t out_stride = 0;
  const float* row_scale = nullptr;
  const float* column_scale = nullptr;
  const float* bias = nullptr;
  const float* residual = nullptr;  // as `out`, which it may be
};

// The result is made block by block (at most 192 x 256): each is one task, alone with its part of `out`.
// Results do not depend on how tasks are spread over threads.
struct HalfBlock {
  int64_t row_begin, row_end, column_begin, column_end;
};
int64_t half_tasks(const HalfProduct& product);
HalfBlock half_block(const HalfProduct& product, int64_t task);

// Computes tasks begin <= task < end. Several products, as of a batch, are several calls.
void half_gemm(const HalfProduct& product, int64_t begin, int64_t end);

// Whether half_gemm is the fast one: float16 arithmetic is there.
bool has_half_gemm();

namespace plain {
// The same from packed operands with every sum in float32.
void half_gemm(const HalfProduct& product, int64_t begin, int64_t end);
}  // namespace plain

namespace avx512fp16 {
void half_gemm(const HalfProduct& product, int64_t begin, int64_t end);
}  // namespace avx512fp16

}  // namespace beit::kernels
