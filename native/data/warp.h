// Affine transforms of an image as Pillow's Image.transform does them for 8-bit images: every pixel of the
// result looks up its place in the source and interpolates there, in double precision, rounded down; no
// antialiasing. Equal to Pillow bit for bit (test/data/image_ops.test.ts).
#pragma once
#include <array>
#include <cstdint>

#include "data/resample.h"

namespace beit {

// The place in the source of the result's (x, y), both measured from the corner of the image:
// (xx * x + xy * y + x0, yx * x + yy * y + y0).
struct AffineMap {
  double xx;
  double xy;
  double x0;
  double yx;
  double yy;
  double y0;
};

// By `degrees` counterclockwise around the middle of the image.
AffineMap rotation(double degrees, int width, int height);

// `source` and `result` are (3, height, width), not the same memory. Places outside the source give `fill`.
// Bilinear or bicubic; Pillow's bicubic of transforms is Keys' cubic with a = -1, unlike that of its resize.
void warp(const uint8_t* source, int height, int width, const AffineMap& map, Interpolation interpolation,
          const std::array<uint8_t, 3>& fill, uint8_t* result);

}  // namespace beit
