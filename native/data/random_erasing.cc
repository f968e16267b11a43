#include "data/random_erasing.h"

#include <cmath>
#include <optional>

namespace beit {

namespace {

constexpr int kAttempts = 10;

std::optional<Box> random_box(const ErasingSettings& settings, int height, int width, double share,
                              SampleRandom& random) {
  const double area = static_cast<double>(height) * width * share;
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    const double target = area * random.uniform(settings.min_area, settings.max_area);
    const double aspect =
        std::exp(random.uniform(std::log(settings.min_aspect), std::log(settings.max_aspect)));
    const auto h = static_cast<int>(std::nearbyint(std::sqrt(target * aspect)));
    const auto w = static_cast<int>(std::nearbyint(std::sqrt(target / aspect)));
    if (h < 1 || w < 1 || h >= height || w >= width) continue;
    const auto top = static_cast<int>(random.integer(0, height - h));
    const auto left = static_cast<int>(random.integer(0, width - w));
    return Box{left, top, w, h};
  }
  return std::nullopt;
}

std::vector<float> normal_noise(size_t count, SampleRandom& random) {
  std::vector<float> noise(count);
  for (size_t i = 0; i < count; i += 2) {
    const auto pair = random.normal_pair();
    noise[i] = static_cast<float>(pair[0]);
    if (i + 1 < count) noise[i + 1] = static_cast<float>(pair[1]);
  }
  return noise;
}

}  // namespace

std::vector<Erasure> random_erasing(const ErasingSettings& settings, int height, int width, uint64_t seed,
                                    uint32_t epoch, uint64_t index) {
  SampleRandom random(seed, epoch, index, Stream::kErase);
  std::vector<Erasure> erasures;
  if (random.uniform() >= settings.probability) return erasures;
  const auto boxes = static_cast<int>(random.integer(1, settings.count));
  for (int i = 0; i < boxes; i++) {
    const auto box = random_box(settings, height, width, 1.0 / boxes, random);
    if (!box) continue;
    const size_t values = size_t{3} * static_cast<size_t>(box->height) * static_cast<size_t>(box->width);
    erasures.push_back({*box, normal_noise(values, random)});
  }
  return erasures;
}

}  // namespace beit
