// Images of a batch: are they what the objective expects, and how they become what a network takes.
#pragma once
#include <ATen/ATen.h>

namespace beit::train {

// ERR_SHAPE_MISMATCH unless `images` is (batch, 3, height, width), ERR_INVALID_ARGUMENT unless uint8 or
// float32. `batch` -1: any number of images.
void check_images(const char* name, const at::Tensor& images, int64_t batch, int64_t height, int64_t width);

// uint8 -> float32 in [0, 1] on `device`; float32 as it is. Moved before it is converted: a quarter of the
// bytes.
at::Tensor unit_pixels(const at::Tensor& images, at::Device device);

}  // namespace beit::train
