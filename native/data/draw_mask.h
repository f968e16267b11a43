// The rule of blockwise_mask.h, for the CPU and for the CUDA kernel of native/cuda/blockwise_masks.cu.
#pragma once
#include <cmath>

#include "data/blockwise_mask.h"
#include "data/exponential.h"

namespace beit {

// Draws the mask of one sample, a patch after the other.
class MaskDrawer {
 public:
  // `log_min_aspect`: std::log of that of the settings. `mask` (rows, columns) is written; `open` has room
  // for as many numbers, and is not used in mode kOriginal.
  BEIT_HOST_DEVICE MaskDrawer(const MaskSettings& settings, double log_min_aspect, const SampleRandom& random,
                              uint8_t* mask, int32_t* open)
      : settings_(settings), log_min_aspect_(log_min_aspect), random_(random), mask_(mask), open_(open) {}

  BEIT_HOST_DEVICE void draw() {
    using Mode = MaskSettings::Mode;
    for (int i = 0; i < settings_.grid_size(); i++) mask_[i] = 0;
    int masked = 0;
    if (settings_.mode != Mode::kRandom) masked = add_blocks();
    if (settings_.mode != Mode::kOriginal) {
      add_single_patches(settings_.patches - masked);
      return;
    }
    for (int round = 1; masked == 0 && round < kRounds; round++) masked = add_blocks();
  }

 private:
  static constexpr int kAttempts = 10;
  // The original leaves an image without a mask when no attempt for its first block succeeds. Here it draws
  // again. lib/data/masks.ts refuses settings where that happens to more than one image in 10,000, so this is
  // never too few.
  static constexpr int kRounds = 16;

  // Rounds half to even, as Python does.
  BEIT_HOST_DEVICE static int rounded(double x) { return static_cast<int>(nearbyint(x)); }

  // Tries to mask one more block of at most `cap` new patches; returns how many patches it masked.
  BEIT_HOST_DEVICE int add_block(int cap) {
    for (int attempt = 0; attempt < kAttempts; attempt++) {
      // With a cap below the smallest block the range is reversed, and blocks shrink towards the cap.
      const double area = random_.uniform(settings_.min_patches_per_block, cap);
      const double aspect = exponential(random_.uniform(log_min_aspect_, -log_min_aspect_));
      const int height = rounded(sqrt(area * aspect));
      const int width = rounded(sqrt(area / aspect));
      // Never a whole row or column.
      if (height >= settings_.rows || width >= settings_.columns) continue;
      const auto top = static_cast<int>(random_.integer(0, settings_.rows - height));
      const auto left = static_cast<int>(random_.integer(0, settings_.columns - width));
      uint8_t* corner = mask_ + top * settings_.columns + left;
      int masked = 0;
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) masked += corner[y * settings_.columns + x];
      }
      const int added = height * width - masked;
      if (added <= 0 || added > cap) continue;
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) corner[y * settings_.columns + x] = 1;
      }
      return added;
    }
    return 0;
  }

  // Masks blocks until enough patches are masked or no block fits; returns how many patches it masked.
  BEIT_HOST_DEVICE int add_blocks() {
    int masked = 0;
    while (masked < settings_.patches) {
      const int left = settings_.patches - masked;
      const int added =
          add_block(left < settings_.max_patches_per_block ? left : settings_.max_patches_per_block);
      if (added == 0) break;
      masked += added;
    }
    return masked;
  }

  // Masks `count` of the patches that are not masked yet, all choices equally likely.
  BEIT_HOST_DEVICE void add_single_patches(int count) {
    int last = -1;
    for (int i = 0; i < settings_.grid_size(); i++) {
      if (mask_[i] == 0) open_[++last] = i;
    }
    for (int i = 0; i < count; i++) {
      const auto chosen = static_cast<int>(random_.integer(i, last));
      mask_[open_[chosen]] = 1;
      open_[chosen] = open_[i];
    }
  }

  const MaskSettings& settings_;
  double log_min_aspect_;
  SampleRandom random_;
  uint8_t* mask_;
  int32_t* open_;
};

}  // namespace beit
