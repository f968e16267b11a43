// Matrices of float32 as the packed, scaled float16 operands of half_gemm.h.
#pragma once
#include <cstdint>

#include "kernels/half.h"

namespace beit::kernels {

// Lines of numbers in memory: number k of line i is data[i * line_stride + k * step]. One of the strides
// is 1.
struct HalfSource {
  const float* data;
  int64_t lines, length;
  int64_t line_stride, step;
};

// Lines are rows of the left operand, or columns of the right one. Each is multiplied by a power of two that
// brings its largest number just below 8; `scale` (lines) gets the inverse, by which the product's row or
// column is to be multiplied. Lines [begin, end), which begin and, but for the last, end at a multiple of
// kHalfPackLines.
inline constexpr int64_t kHalfPackLines = 32;
void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);

// A matrix that is packed as two left operands: by its rows and, transposed, by its columns. Rows are
// `stride` apart.
struct HalfMatrix {
  const float* data;
  int64_t rows, columns, stride;
};

// Rows [begin, end): the scale of each, and of each column what these rows have: its largest size and its
// sum.
void half_scan(const HalfMatrix& matrix, int64_t begin, int64_t end, float* row_scale, float* column_largest,
               float* column_sum);

// What part of both operands a tile of kHalfTileRows x kHalfTileColumns is, the one that begins at `row` and
// `column`.
inline constexpr int64_t kHalfTileRows = 128;
inline constexpr int64_t kHalfTileColumns = 256;
void half_pack_tile(const HalfMatrix& matrix, int64_t row, int64_t column, const float* row_scale,
                    const float* column_scale, Half* by_rows, Half* by_columns);

// The power of two that brings `largest` into [4, 8).
float half_scale(float largest);

namespace plain {
void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
void half_scan(const HalfMatrix& matrix, int64_t begin, int64_t end, float* row_scale, float* column_largest,
               float* column_sum);
void half_pack_tile(const HalfMatrix& matrix, int64_t row, int64_t column, const float* row_scale,
                    const float* column_scale, Half* by_rows, Half* by_columns);
}  // namespace plain

namespace avx512fp16 {
void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
void half_scan(const HalfMatrix& matrix, int64_t begin, int64_t end, float* row_scale, float* column_largest,
               float* column_sum);
void half_pack_tile(const HalfMatrix& matrix, int64_t row, int64_t column, const float* row_scale,
                    const float* column_scale, Half* by_rows, Half* by_columns);
}  // namespace avx512fp16

}  // namespace beit::kernels
