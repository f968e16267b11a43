// Images of a batch: are they what the objective expects, and how they become what a network takes.
#pragma once
#include <ATen/ATen.h>

#include <array>

#include "ops/compute.h"

namespace beit::train {

// ERR_SHAPE_MISMATCH unless `images` is (batch, 3, height, width), ERR_INVALID_ARGUMENT unless uint8 or
// float32. `batch` -1: any number of images.
void check_images(const char* name, const at::Tensor& images, int64_t batch, int64_t height, int64_t width);

// Images as the networks of the library take them: (x - mean) / std a channel, with x in [0, 1].
class Normalisation {
 public:
  Normalisation(const std::array<double, 3>& mean, const std::array<double, 3>& std, at::Device device)
      : mean_(mean), std_(std), device_(device) {}

  // (B, 3, H, W) -> the same on the device: uint8 is normalised in float32 and rounded to `type`, float32 is
  // taken as it is. Moved before it is converted: a quarter of the bytes.
  at::Tensor operator()(const at::Tensor& images, const ops::Compute& compute,
                        at::ScalarType type = at::kFloat) const;

 private:
  std::array<double, 3> mean_, std_;
  at::Device device_;
};

}  // namespace beit::train
