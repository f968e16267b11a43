// The inner loops of a resize. Each exists in plain form, the reference, and vectorised; all give the same
// bits.
#pragma once
#include <cstdint>

#include "data/resample_weights.h"

namespace beit {

struct ResamplePasses {
  // One row: interleaved pixels to 3 planes of `weights.pixels()` bytes, one after the other.
  void (*row)(const uint8_t* source, const ResampleWeights& weights, uint8_t* planes);
  // One row of the result: the weighted sum of `count` rows of `length` bytes that lie `stride` bytes apart.
  void (*column)(const uint8_t* rows, int64_t stride, const int32_t* weights, int count, int length,
                 uint8_t* out);
};

extern const ResamplePasses kPlainPasses;

// The fastest that this processor runs.
const ResamplePasses& resample_passes();

}  // namespace beit
