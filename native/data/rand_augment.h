// RandAugment (Cubuk et al., arXiv 1909.13719) with the operations and magnitudes of timm, which the original
// fine-tunes with: for each image a few of 15 operations, each carried out or not, with a random sign where
// it has one and a magnitude that may be random.
#pragma once
#include <optional>
#include <vector>

#include "data/image_ops.h"
#include "data/philox.h"

namespace beit {

// RandAugmentSettings of lib/native.ts.
struct RandAugmentSettings {
  double magnitude;
  double magnitude_std;  // infinite: uniform from 0 to `magnitude`
  double max_magnitude;
  int layers;
  double probability;
  bool increasing;
  std::optional<Interpolation> interpolation;  // none: bilinear or bicubic at random
  std::array<uint8_t, 3> fill;
};

// The operation of `kind` at `magnitude`, of which 10 is timm's full scale. `negative` where it has a sign.
double argument_of(ImageOpKind kind, double magnitude, bool negative, bool increasing);

// What is carried out on an image, in this order.
std::vector<ImageOp> rand_augment(const RandAugmentSettings& settings, SampleRandom random);

}  // namespace beit
