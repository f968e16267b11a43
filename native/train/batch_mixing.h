// Erasing and mixing of a batch on the device, in the order of timm: normalised images are erased one by one,
// then mixed with the batch in reverse order. What to erase and how to mix was decided before (native/data).
#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "data/mixing.h"
#include "data/random_erasing.h"

namespace beit::train {

// Random erasing of a batch: what an image loses depends on seed, epoch and its index alone.
struct BatchErasing {
  ErasingSettings settings;
  uint64_t seed;
  uint32_t epoch;
  std::vector<uint64_t> indices;  // of the images of the batch
};

// The boxes of each image, and what is written into them.
struct ErasedBoxes {
  std::vector<std::vector<Box>> of_images;
  at::Tensor noise;  // float32 of the CPU, (3, height, width) of box after box; undefined without any
};
ErasedBoxes erased_boxes(const BatchErasing& erasing, int64_t height, int64_t width);

// pixels (B, 3, H, W) float32, normalised -> the same with the noise, which was brought to their device, in
// the boxes. The argument stays as it is.
at::Tensor erased(const at::Tensor& pixels, const ErasedBoxes& boxes, const at::Tensor& noise);

// pixels (B, 3, H, W) -> each image mixed with its partner, the batch in reverse order.
at::Tensor mixed_pixels(const at::Tensor& pixels, const MixPlan& mix);

// targets (B, C): lambda * target + (1 - lambda) * that of the partner.
at::Tensor mixed_targets(const at::Tensor& targets, const MixPlan& mix);

}  // namespace beit::train
