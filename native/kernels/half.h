// float16 held as its bits: conversions for code that has no vector instructions for them.
#pragma once
#include <bit>
#include <cstdint>

namespace beit::kernels {

using Half = uint16_t;

inline float half_to_float(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value & 0x8000) << 16;
  const uint32_t magnitude = value & 0x7fff;
  if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  // The exponent of a float16 lies 112 below that of a float32; this way subnormal numbers come out right
  // too.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(scaled));
}

// To the nearest, ties to even; beyond 65504 infinity.
inline Half float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<Half>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 steps are of 2^-24: adding 0.5 leaves the number of steps in the last bits of the sum.
    const float sum = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<Half>(std::bit_cast<uint32_t>(sum) - std::bit_cast<uint32_t>(0.5f));
  }
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return sign | static_cast<Half>((rounded - 0x38000000) >> 13);
}

}  // namespace beit::kernels
