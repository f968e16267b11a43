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

ErasedBoxes erased_boxes(const BatchErasing& erasing, int64_t height, int64_t width) {
  ErasedBoxes boxes;
  std::vector<float> noise;
  for (const auto& of_image : erasures_of(erasing, static_cast<int>(height), static_cast<int>(width))) {
    auto& of = boxes.of_images.emplace_back();
    for (const auto& erasure : of_image) {
      of.push_back(erasure.box);
      noise.insert(noise.end(), erasure.noise.begin(), erasure.noise.end());
    }
  }
  if (!noise.empty()) boxes.noise = at::tensor(noise, at::kFloat);
  return boxes;
}

at::Tensor erased(const at::Tensor& pixels, const ErasedBoxes& boxes, const at::Tensor& noise) {
  auto result = pixels.clone();
  int64_t offset = 0;
  for (size_t i = 0; i < boxes.of_images.size(); i++) {
    for (const auto& box : boxes.of_images[i]) {
      const int64_t count = int64_t{3} * box.height * box.width;
      window(result[static_cast<int64_t>(i)], box)
          .copy_(noise.narrow(0, offset, count).view({3, box.height, box.width}));
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
