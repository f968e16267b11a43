#include "train/batch_mixing.h"

#include <ATen/Parallel.h>

namespace beit::train {

namespace {

// (3, height, width) of one image: a view.
at::Tensor window(const at::Tensor& image, const Box& box) {
  return image.narrow(-2, box.top, box.height).narrow(-1, box.left, box.width);
}

// Of each image of the batch. Its noise is most of the work, and every image's is its own.
std::vector<std::vector<Erasure>> erasures_of(const BatchErasing& erasing, int height, int width) {
  const auto images = static_cast<int64_t>(erasing.indices.size());
  std::vector<std::vector<Erasure>> erasures(erasing.indices.size());
  at::parallel_for(0, images, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); i++) {
      erasures[i] =
          random_erasing(erasing.settings, height, width, erasing.seed, erasing.epoch, erasing.indices[i]);
    }
  });
  return erasures;
}

}  // namespace

at::Tensor erased(const at::Tensor& pixels, const BatchErasing& erasing) {
  const auto erasures =
      erasures_of(erasing, static_cast<int>(pixels.size(2)), static_cast<int>(pixels.size(3)));
  // The noise of all boxes goes to the device at once.
  std::vector<float> noise;
  for (const auto& of_image : erasures) {
    for (const auto& erasure : of_image)
      noise.insert(noise.end(), erasure.noise.begin(), erasure.noise.end());
  }
  if (noise.empty()) return pixels;
  const auto values = at::tensor(noise, at::kFloat).to(pixels.device());
  auto result = pixels.clone();
  int64_t offset = 0;
  for (size_t i = 0; i < erasures.size(); i++) {
    for (const auto& [box, of_box] : erasures[i]) {
      const auto count = static_cast<int64_t>(of_box.size());
      window(result[static_cast<int64_t>(i)], box)
          .copy_(values.narrow(0, offset, count).view({3, box.height, box.width}));
      offset += count;
    }
  }
  return result;
}

at::Tensor mixed_pixels(const at::Tensor& pixels, const MixPlan& mix) {
  const auto partners = pixels.flip({0});
  if (!mix.box) return pixels * mix.lambda + partners * (1.0 - mix.lambda);
  auto result = pixels.clone();
  window(result, *mix.box).copy_(window(partners, *mix.box));
  return result;
}

at::Tensor mixed_targets(const at::Tensor& targets, const MixPlan& mix) {
  return targets * mix.lambda + targets.flip({0}) * (1.0 - mix.lambda);
}

}  // namespace beit::train
