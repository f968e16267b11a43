// Mixup (Zhang et al., arXiv 1710.09412) and CutMix (Yun et al., arXiv 1905.04899) as timm does them in mode
// 'batch': one decision for a batch, whose partner is itself in reverse order. A box is that of timm 1.0.31;
// that of earlier ones, which the original was trained with, is a pixel shorter where its side is odd. Here
// the decision alone, a pure function of seed, epoch and the batch's number; the training step carries it
// out.
#pragma once
#include <optional>

#include "data/image.h"
#include "data/philox.h"

namespace beit {

// MixSettings of lib/native.ts.
struct MixSettings {
  double mixup;   // alpha of Beta(alpha, alpha); 0: none
  double cutmix;  // likewise
  double probability;
  double switch_probability;  // of CutMix where both are on
  int height;                 // of the images
  int width;
};

// Images become lambda * image + (1 - lambda) * partner, and targets likewise. For CutMix instead the pixels
// of the box are the partner's, and lambda is the share of the others.
struct MixPlan {
  double lambda;
  std::optional<Box> box;  // CutMix
};

// Nothing for a batch that stays as it is.
std::optional<MixPlan> mix_plan(const MixSettings& settings, uint64_t seed, uint32_t epoch, uint64_t batch);

}  // namespace beit
