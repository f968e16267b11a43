// Which patches of an image are masked: the blocks of BEiT (arXiv 2106.08254, section 2.3) as its released
// code draws them (microsoft/unilm, beit/masking_generator.py).
#pragma once
#include <cstdint>

#include "data/philox.h"

namespace beit {

struct MaskSettings {
  enum class Mode {
    kOriginal,  // blocks until `patches` are masked or no block fits: 1 to `patches`
    kExact,     // then single patches until there are exactly `patches`, as BEiT v2 does
    kRandom,    // `patches` single patches
  } mode;
  int rows;  // of the patch grid
  int columns;
  int patches;
  int min_patches_per_block;
  int max_patches_per_block;
  double min_aspect;  // blocks have an aspect ratio from this to 1 / this

  BEIT_HOST_DEVICE int grid_size() const { return rows * columns; }
};

// Writes the mask of a sample to `mask` (rows, columns): 1 = masked.
void blockwise_mask(const MaskSettings& settings, const SampleRandom& random, uint8_t* mask);

}  // namespace beit
