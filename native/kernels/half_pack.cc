#include "kernels/half_pack.h"

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

float half_scale(float largest) {
  // Zero, and what is not finite, stays as it is.
  if (!(largest > 0.0f) || !std::isfinite(largest)) return 1.0f;
  const int exponent = static_cast<int>(std::bit_cast<uint32_t>(largest) >> 23) - 127;
  return std::ldexp(1.0f, 3 - (exponent < -100 ? -100 : exponent));
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
  return panel + (k % kHalfChunk / 2 * kHalfPanel + line % kHalfPanel) * 2 + k % 2;
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

}  // namespace plain

}  // namespace beit::kernels
