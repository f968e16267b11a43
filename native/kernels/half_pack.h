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
// brings its largest number just below 16; `scale` (lines) gets the inverse, by which the product's row or
// column is to be multiplied. Lines [begin, end), which begin and, but for the last, end at a multiple of
// kHalfPackLines.
inline constexpr int64_t kHalfPackLines = 32;
void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);

// The power of two that brings `largest` into [8, 16).
float half_scale(float largest);

namespace plain {
void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
}  // namespace plain

namespace avx512fp16 {
void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale);
}  // namespace avx512fp16

}  // namespace beit::kernels
