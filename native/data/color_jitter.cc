#include "data/color_jitter.h"

#include <algorithm>
#include <utility>

namespace beit {

namespace {

// The mean grey, rounded, of `image` after `blends`.
int mean_grey(const ImageView& image, const std::vector<PixelBlend>& blends, const ImageKernels& kernels) {
  // A few thousand pixels at a time stay in the cache while the blends before the contrast are applied to a
  // copy.
  constexpr int64_t kChunk = 4096;
  std::vector<uint8_t> copy(blends.empty() ? 0 : kChunk * 3);
  const int64_t pixels = int64_t{image.width} * image.height;
  int64_t sum = 0;
  for (int64_t begin = 0; begin < pixels; begin += kChunk) {
    const int64_t count = std::min(kChunk, pixels - begin);
    const uint8_t* rgb = image.rgb + begin * 3;
    if (!blends.empty()) {
      std::copy_n(rgb, count * 3, copy.data());
      blend_pixels(blends, kernels, copy.data(), count);
      rgb = copy.data();
    }
    sum += kernels.sum_grey(rgb, count);
  }
  return static_cast<int>(static_cast<double>(sum) / static_cast<double>(pixels) + 0.5);
}

}  // namespace

std::vector<JitterStep> random_jitter(const std::array<double, 3>& strength, SampleRandom random) {
  using Kind = JitterStep::Kind;
  std::vector<JitterStep> steps;
  for (const Kind kind : {Kind::kBrightness, Kind::kContrast, Kind::kSaturation}) {
    const double x = strength[static_cast<size_t>(kind)];
    if (x == 0) continue;
    steps.push_back({kind, static_cast<float>(random.uniform(std::max(0.0, 1 - x), 1 + x))});
  }
  for (size_t i = steps.size(); i > 1; i--) {
    std::swap(steps[i - 1], steps[static_cast<size_t>(random.integer(0, static_cast<int64_t>(i) - 1))]);
  }
  return steps;
}

std::vector<PixelBlend> pixel_blends(const ImageView& image, const std::vector<JitterStep>& steps,
                                     const ImageKernels& kernels) {
  std::vector<PixelBlend> blends;
  for (const auto& step : steps) {
    switch (step.kind) {
      case JitterStep::Kind::kBrightness:
        blends.push_back({false, 0, step.factor});
        break;
      case JitterStep::Kind::kContrast:
        blends.push_back({false, mean_grey(image, blends, kernels), step.factor});
        break;
      case JitterStep::Kind::kSaturation:
        blends.push_back({true, 0, step.factor});
        break;
    }
  }
  return blends;
}

void blend_pixels(const std::vector<PixelBlend>& blends, const ImageKernels& kernels, uint8_t* rgb,
                  int64_t pixels) {
  for (const auto& blend : blends) {
    if (blend.with_own_grey) {
      kernels.blend_own_grey(blend.factor, rgb, pixels);
    } else {
      kernels.blend(blend.grey, blend.factor, rgb, pixels * 3);
    }
  }
}

}  // namespace beit
