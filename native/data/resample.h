// Resizing with antialiasing as Pillow does it for 8-bit images: the filter is stretched when an image
// shrinks, its weights are fixed-point numbers of 22 bits, and the horizontal pass rounds to 8 bits before
// the vertical one. Equal to Pillow up to version 12, the original's, bit for bit
// (test/data/resample.test.ts). Pillow 13 does the vertical pass first where the height shrinks more, which
// rounds some values up or down by one.
#pragma once
#include <cstdint>
#include <vector>

#include "data/image.h"

namespace beit {

enum class Interpolation { kBilinear, kBicubic, kLanczos };

struct ImageKernels;

// Memory that calls reuse.
struct ResampleScratch {
  std::vector<uint8_t> rows;
};

// Resizes `source` to `width` x `height` and writes the part `window` of that to `planes`: (3, window.height,
// window.width). Only that part is computed. The memory of `source` goes on for Image::kPadding bytes.
void resample(const ImageView& source, int width, int height, const Box& window, Interpolation interpolation,
              const ImageKernels& kernels, ResampleScratch& scratch, uint8_t* planes);

}  // namespace beit
