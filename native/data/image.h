// An 8-bit RGB image in memory: rows from top to bottom, red, green, blue side by side, no gaps.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace beit {

// Pixels that someone else owns.
struct ImageView {
  const uint8_t* rgb;
  int width;
  int height;

  const uint8_t* row(int y) const { return rgb + static_cast<size_t>(y) * width * 3; }
};

// Buffers are reused from image to image, so that a thread allocates only when an image is larger than any
// before.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;

  void resize(int new_width, int new_height) {
    width = new_width;
    height = new_height;
    // Kernels may load a whole vector register at the last pixel.
    rgb.resize(static_cast<size_t>(width) * height * 3 + kPadding);
  }
  uint8_t* row(int y) { return rgb.data() + static_cast<size_t>(y) * width * 3; }
  ImageView view() const { return {rgb.data(), width, height}; }

  static constexpr size_t kPadding = 32;
};

// A rectangle of pixels.
struct Box {
  int left;
  int top;
  int width;
  int height;
};

}  // namespace beit
