// Resizing with antialiasing as Pillow does it for 8-bit images: the filter is stretched when an image
// shrinks, its weights are fixed-point numbers of 22 bits, and the first pass rounds to 8 bits before the
// second. Equal to Pillow 13 bit for bit (test/data/resample.test.ts). Older versions always do the
// horizontal pass first: 2 % of the values of random crops of photographs then differ, nearly all of them by
// one.
#pragma once
#include <cstdint>

#include "data/image.h"

namespace beit {

enum class Interpolation { kBilinear, kBicubic, kLanczos };

struct ImageKernels;

// Resizes `source` to `width` x `height` and writes the part `window` of that to `planes`: (3, window.height,
// window.width). Only that part is computed. The memory of `source` goes on for Image::kPadding bytes;
// `between` is memory that calls reuse.
void resample(const ImageView& source, int width, int height, const Box& window, Interpolation interpolation,
              const ImageKernels& kernels, Image& between, uint8_t* planes);

}  // namespace beit
