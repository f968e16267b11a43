// Images of a batch: are they what the objective expects, and how they become what a network takes.
#pragma once
#include <ATen/ATen.h>

#include <array>

namespace beit::train {

// ERR_SHAPE_MISMATCH unless `images` is (batch, 3, height, width), ERR_INVALID_ARGUMENT unless uint8 or
// float32. `batch` -1: any number of images.
void check_images(const char* name, const at::Tensor& images, int64_t batch, int64_t height, int64_t width);

// uint8 -> float32 in [0, 1] on `device`; float32 as it is. Moved before it is converted: a quarter of the
// bytes.
at::Tensor unit_pixels(const at::Tensor& images, at::Device device);

// Images as the networks of the library take them: (x - mean) / std a channel, with x in [0, 1].
class Normalisation {
 public:
  Normalisation(const std::array<double, 3>& mean, const std::array<double, 3>& std, at::Device device);

  // (B, 3, H, W) -> the same in float32 on the device: uint8 is normalised, float32 is taken as it is.
  at::Tensor operator()(const at::Tensor& images) const;

 private:
  at::Tensor mean_;  // (3, 1, 1)
  at::Tensor std_;
};

}  // namespace beit::train
