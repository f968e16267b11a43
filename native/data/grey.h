// The grey of a pixel, and blends with a grey, as Pillow computes them for 8-bit images.
#pragma once
#include <algorithm>
#include <cstdint>

namespace beit {

// ITU-R 601-2 luma in 16-bit fixed point, as PIL converts to mode L.
inline int grey_of(int red, int green, int blue) {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

// grey + factor * (value - grey), rounded down.
inline uint8_t blended(int grey, int value, float factor) {
  const float result = static_cast<float>(grey) + factor * static_cast<float>(value - grey);
  return static_cast<uint8_t>(std::clamp(result, 0.0F, 255.0F));
}

}  // namespace beit
