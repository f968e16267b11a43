// Filter weights of a resize along one axis, in fixed point.
#pragma once
#include <cstdint>
#include <vector>

#include "data/resample.h"

namespace beit {

// How each pixel of a line of the result is made from a line of the source.
struct ResampleWeights {
  // Bits after the point. A sum of weights times 255 then fits 31 bits, with two bits for negative lobes.
  static constexpr int kPrecision = 32 - 8 - 2;

  int stride = 0;              // weights a pixel; those after its count are 0
  std::vector<int> first;      // first source pixel
  std::vector<int> count;      // source pixels
  std::vector<int32_t> fixed;  // (pixels, stride)

  int pixels() const { return static_cast<int>(first.size()); }
  const int32_t* of(int pixel) const { return fixed.data() + static_cast<size_t>(pixel) * stride; }
};

// Weights of the pixels `begin` to `begin + pixels` when a line of `source` pixels is resized to `size`.
ResampleWeights resample_weights(int source, int size, int begin, int pixels, Interpolation interpolation);

}  // namespace beit
