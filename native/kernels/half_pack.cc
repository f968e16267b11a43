#include "kernels/half_pack.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/half_gemm.h"

namespace beit::kernels {

namespace {

int64_t chunks_of(int64_t depth) { return (depth + kHalfChunk - 1) / kHalfChunk; }

}  // namespace

void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (has_half_gemm()) return avx512fp16::half_pack_left(source, begin, end, packed, scale);
#endif
  plain::half_pack_left(source, begin, end, packed, scale);
}

void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (has_half_gemm()) return avx512fp16::half_pack_right(source, begin, end, packed, scale);
#endif
  plain::half_pack_right(source, begin, end, packed, scale);
}

void half_scan(const HalfMatrix& matrix, int64_t begin, int64_t end, float* row_scale, float* column_largest,
               float* column_sum) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (has_half_gemm()) {
    return avx512fp16::half_scan(matrix, begin, end, row_scale, column_largest, column_sum);
  }
#endif
  plain::half_scan(matrix, begin, end, row_scale, column_largest, column_sum);
}

void half_pack_tile(const HalfMatrix& matrix, int64_t row, int64_t column, const float* row_scale,
                    const float* column_scale, Half* by_rows, Half* by_columns) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (has_half_gemm()) {
    return avx512fp16::half_pack_tile(matrix, row, column, row_scale, column_scale, by_rows, by_columns);
  }
#endif
  plain::half_pack_tile(matrix, row, column, row_scale, column_scale, by_rows, by_columns);
}

float half_scale(float largest) {
  // Zero, and what is not finite, stays as it is.
  if (!(largest > 0.0f) || !std::isfinite(largest)) return 1.0f;
  const int exponent = static_cast<int>(std::bit_cast<uint32_t>(largest) >> 23) - 127;
  return std::bit_cast<float>(static_cast<uint32_t>(127 + 2 - std::max(exponent, -100)) << 23);
}

namespace plain {

namespace {

float number(const HalfSource& source, int64_t line, int64_t k) {
  return source.data[line * source.line_stride + k * source.step];
}

// Where number k of a line goes.
using Place = int64_t (*)(const HalfSource& source, int64_t line, int64_t k);

int64_t left_place(const HalfSource& source, int64_t line, int64_t k) {
  return k / kHalfChunk * half_left_size(source.lines, kHalfChunk) + line * kHalfChunk + k % kHalfChunk;
}

int64_t right_place(const HalfSource& source, int64_t line, int64_t k) {
  const int64_t panel = k / kHalfChunk * half_right_size(kHalfChunk, source.lines) +
                        line / kHalfPanel * kHalfPanel * kHalfChunk;
  return panel + half_right_place(line % kHalfPanel, k % kHalfChunk);
}

void pack(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale, Place place) {
  for (int64_t line = begin; line < end; line++) {
    float largest = 0.0f;
    for (int64_t k = 0; k < source.length; k++) {
      const float size = std::fabs(number(source, line, k));
      if (size > largest) largest = size;
    }
    const float by = half_scale(largest);
    scale[line] = 1.0f / by;
    for (int64_t k = 0; k < chunks_of(source.length) * kHalfChunk; k++) {
      const float value = k < source.length ? number(source, line, k) * by : 0.0f;
      packed[place(source, line, k)] = float_to_half(value);
    }
  }
}

}  // namespace

void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
  pack(source, begin, end, packed, scale, left_place);
}

void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
  pack(source, begin, end, packed, scale, right_place);
}

void half_scan(const HalfMatrix& m, int64_t begin, int64_t end, float* row_scale, float* column_largest,
               float* column_sum) {
  std::fill_n(column_largest, m.columns, 0.0f);
  std::fill_n(column_sum, m.columns, 0.0f);
  for (int64_t r = begin; r < end; r++) {
    float largest = 0.0f;
    for (int64_t c = 0; c < m.columns; c++) {
      const float value = m.data[r * m.stride + c], size = std::fabs(value);
      if (size > largest) largest = size;
      if (size > column_largest[c]) column_largest[c] = size;
      column_sum[c] += value;
    }
    row_scale[r] = 1.0f / half_scale(largest);
  }
}

void half_pack_tile(const HalfMatrix& m, int64_t row, int64_t column, const float* row_scale,
                    const float* column_scale, Half* by_rows, Half* by_columns) {
  const HalfSource rows{m.data, m.rows, m.columns, m.stride, 1};
  const HalfSource columns{m.data, m.columns, m.rows, 1, m.stride};
  for (int64_t r = row; r < row + kHalfTileRows; r++) {
    for (int64_t c = column; c < column + kHalfTileColumns; c++) {
      // Beyond the matrix, zeros to the end of the chunk.
      const bool row_there = r < m.rows, column_there = c < m.columns;
      const float value = row_there && column_there ? m.data[r * m.stride + c] : 0.0f;
      if (row_there && c < chunks_of(m.columns) * kHalfChunk) {
        by_rows[left_place(rows, r, c)] = float_to_half(value / row_scale[r]);
      }
      if (column_there) by_columns[left_place(columns, c, r)] = float_to_half(value / column_scale[c]);
    }
  }
}

}  // namespace plain

}  // namespace beit::kernels
