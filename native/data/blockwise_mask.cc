#include "data/blockwise_mask.h"

#include <algorithm>
#include <cmath>

namespace beit {

namespace {

constexpr int kAttempts = 10;
// The original leaves an image without a mask when no attempt for its first block succeeds. Here it draws
// again. lib/data/masks.ts refuses settings where that happens to more than one image in 10,000, so this is
// never too few.
constexpr int kRounds = 16;

// Rounds half to even, as Python does.
int rounded(double x) { return static_cast<int>(std::nearbyint(x)); }

// Tries to mask one more block of at most `cap` new patches; returns how many patches it masked.
int add_block(const MaskSettings& settings, int cap, SampleRandom& random, uint8_t* mask) {
  const double log_aspect = std::log(settings.min_aspect);
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    // With a cap below the smallest block the range is reversed, and blocks shrink towards the cap.
    const double area = random.uniform(settings.min_patches_per_block, cap);
    const double aspect = std::exp(random.uniform(log_aspect, -log_aspect));
    const int height = rounded(std::sqrt(area * aspect));
    const int width = rounded(std::sqrt(area / aspect));
    // Never a whole row or column.
    if (height >= settings.rows || width >= settings.columns) continue;
    const auto top = static_cast<int>(random.integer(0, settings.rows - height));
    const auto left = static_cast<int>(random.integer(0, settings.columns - width));
    uint8_t* corner = mask + top * settings.columns + left;
    int masked = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) masked += corner[y * settings.columns + x];
    }
    const int added = height * width - masked;
    if (added <= 0 || added > cap) continue;
    for (int y = 0; y < height; y++) std::fill_n(corner + y * settings.columns, width, uint8_t{1});
    return added;
  }
  return 0;
}

// Masks blocks until enough patches are masked or no block fits; returns how many patches it masked.
int add_blocks(const MaskSettings& settings, SampleRandom& random, uint8_t* mask) {
  int masked = 0;
  while (masked < settings.patches) {
    const int cap = std::min(settings.patches - masked, settings.max_patches_per_block);
    const int added = add_block(settings, cap, random, mask);
    if (added == 0) break;
    masked += added;
  }
  return masked;
}

// Masks `count` of the patches that are not masked yet, all choices equally likely.
void add_single_patches(const MaskSettings& settings, int count, SampleRandom& random, uint8_t* mask) {
  std::vector<int> open;
  for (int i = 0; i < settings.grid_size(); i++) {
    if (mask[i] == 0) open.push_back(i);
  }
  const int last = static_cast<int>(open.size()) - 1;
  for (int i = 0; i < count; i++) {
    std::swap(open[i], open[static_cast<size_t>(random.integer(i, last))]);
    mask[open[i]] = 1;
  }
}

}  // namespace

void blockwise_mask(const MaskSettings& settings, SampleRandom random, uint8_t* mask) {
  using Mode = MaskSettings::Mode;
  std::fill_n(mask, settings.grid_size(), uint8_t{0});
  int masked = 0;
  if (settings.mode != Mode::kRandom) masked = add_blocks(settings, random, mask);
  if (settings.mode != Mode::kOriginal) {
    add_single_patches(settings, settings.patches - masked, random, mask);
    return;
  }
  for (int round = 1; masked == 0 && round < kRounds; round++) masked = add_blocks(settings, random, mask);
}

}  // namespace beit
