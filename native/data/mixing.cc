#include "data/mixing.h"

#include <algorithm>
#include <cmath>

namespace beit {

namespace {

// The logarithm of a number of Gamma(shape, 1): Marsaglia and Tsang, "A Simple Method for Generating Gamma
// Variables" (2000), for shape + 1, brought down by a power of a uniform number. For small shapes the number
// itself may be less than any double.
double log_gamma_variate(double shape, SampleRandom& random) {
  const double d = shape + 1 - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = random.normal_pair()[0];
    const double cube_root = 1 + c * x;
    if (cube_root <= 0) continue;
    const double log_v = 3 * std::log(cube_root);
    const double v = std::exp(log_v);
    const double u = 1 - random.uniform();  // (0, 1]
    if (std::log(u) < 0.5 * x * x + d - d * v + d * log_v) {
      return std::log(d) + log_v + std::log(1 - random.uniform()) / shape;
    }
  }
}

double beta_variate(double alpha, SampleRandom& random) {
  const double log_x = log_gamma_variate(alpha, random);
  const double log_y = log_gamma_variate(alpha, random);
  return 1 / (1 + std::exp(log_y - log_x));
}

// A box of 1 - lambda of the area with the shape of the image, around any of its pixels; what lies outside is
// cut off.
Box cutmix_box(int height, int width, double lambda, SampleRandom& random) {
  const double side = std::sqrt(1 - lambda);
  const auto range = [&](int length) {
    const auto cut = static_cast<int>(length * side);
    const auto center = static_cast<int>(random.integer(0, length - 1));
    const int begin = std::max(center - cut / 2, 0);
    return std::array{begin, std::min(center + (cut + 1) / 2, length) - begin};
  };
  const auto [top, box_height] = range(height);
  const auto [left, box_width] = range(width);
  return {left, top, box_width, box_height};
}

}  // namespace

std::optional<MixPlan> mix_plan(const MixSettings& settings, uint64_t seed, uint32_t epoch, uint64_t batch) {
  SampleRandom random(seed, epoch, batch, Stream::kMix);
  const bool mixes = random.uniform() < settings.probability;
  const bool switches = random.uniform() < settings.switch_probability;
  if (!mixes || (settings.mixup == 0 && settings.cutmix == 0)) return std::nullopt;
  const bool cutmix = settings.cutmix > 0 && (switches || settings.mixup == 0);
  const double lambda = beta_variate(cutmix ? settings.cutmix : settings.mixup, random);
  if (!cutmix) return lambda == 1 ? std::nullopt : std::optional<MixPlan>({lambda, std::nullopt});
  const Box box = cutmix_box(settings.height, settings.width, lambda, random);
  const double area = static_cast<double>(box.height) * box.width;
  if (area == 0) return std::nullopt;
  return MixPlan{1 - area / (static_cast<double>(settings.height) * settings.width), box};
}

}  // namespace beit
