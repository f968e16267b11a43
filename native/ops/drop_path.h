// Stochastic depth: the residual branch of some samples is left out.
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

// Which of `images` keep their branch: (images) float32, 0 or 1, on the generator's device. A CPU generator
// gives the same draws wherever the images lie.
at::Tensor kept_images(int64_t images, double rate, at::Generator generator);

// x (B, ...): each sample is kept with probability 1 - rate and then divided by it.
at::Tensor drop_path(const at::Tensor& x, double rate, at::Generator generator);

}  // namespace beit::ops
