#include "data/rand_augment.h"

#include <algorithm>
#include <cmath>

namespace beit {

namespace {

constexpr double kFullScale = 10;

double random_magnitude(const RandAugmentSettings& settings, SampleRandom& random) {
  const double normal = random.normal_pair()[0];
  const double share = random.uniform();
  const double magnitude = std::isinf(settings.magnitude_std)
                               ? settings.magnitude * share
                               : settings.magnitude + settings.magnitude_std * normal;
  return std::clamp(magnitude, 0.0, settings.max_magnitude);
}

}  // namespace

double argument_of(ImageOpKind kind, double magnitude, bool negative, bool increasing) {
  const double level = magnitude / kFullScale;
  const double sign = negative ? -1 : 1;
  const auto whole = [&](double scale) { return std::trunc(level * scale); };
  switch (kind) {
    case ImageOpKind::kAutoContrast:
    case ImageOpKind::kEqualize:
    case ImageOpKind::kInvert:
      return 0;
    case ImageOpKind::kRotate:
      return sign * level * 30;
    case ImageOpKind::kPosterize:
      return std::clamp(increasing ? 4 - whole(4) : whole(4), 0.0, 8.0);
    case ImageOpKind::kSolarize: {
      const double values = std::min(256.0, whole(256));
      return increasing ? 256 - values : values;
    }
    case ImageOpKind::kSolarizeAdd:
      return std::min(128.0, whole(110));
    case ImageOpKind::kColor:
    case ImageOpKind::kContrast:
    case ImageOpKind::kBrightness:
    case ImageOpKind::kSharpness:
      return increasing ? std::max(0.1, 1 + sign * level * 0.9) : level * 1.8 + 0.1;
    case ImageOpKind::kShearX:
    case ImageOpKind::kShearY:
      return sign * level * 0.3;
    case ImageOpKind::kTranslateX:
    case ImageOpKind::kTranslateY:
      return sign * level * 0.45;
  }
  return 0;
}

std::vector<ImageOp> rand_augment(const RandAugmentSettings& settings, SampleRandom random) {
  std::vector<ImageOp> ops;
  for (int layer = 0; layer < settings.layers; layer++) {
    // Drawn whether they are needed or not: no decision moves the numbers of the next.
    const auto kind = static_cast<ImageOpKind>(random.integer(0, kImageOpKinds - 1));
    const bool skipped = random.uniform() >= settings.probability;
    const double magnitude = random_magnitude(settings, random);
    const bool negative = random.uniform() < 0.5;
    const bool bilinear = random.uniform() < 0.5;
    if (skipped) continue;
    ops.push_back(
        {kind, argument_of(kind, magnitude, negative, settings.increasing),
         settings.interpolation.value_or(bilinear ? Interpolation::kBilinear : Interpolation::kBicubic)});
  }
  return ops;
}

}  // namespace beit
