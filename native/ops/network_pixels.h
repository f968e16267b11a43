// uint8 images as networks take them: on a GPU by the kernel of native/cuda/network_pixels.h.
#pragma once
#include <ATen/ATen.h>

#include <array>

#include "ops/compute.h"

namespace beit::ops {

// uint8 (B, 3, H, W) -> x = byte / 255 in float32.
at::Tensor unit_pixels(const at::Tensor& images, const Compute& compute);

// (x - mean) / std of each channel, computed in float32 and rounded to `type`: float32 or bfloat16.
at::Tensor standardised_pixels(const at::Tensor& images, const std::array<double, 3>& mean,
                               const std::array<double, 3>& std, at::ScalarType type, const Compute& compute);

// x * scale + shift, likewise.
at::Tensor scaled_pixels(const at::Tensor& images, double scale, double shift, at::ScalarType type,
                         const Compute& compute);

}  // namespace beit::ops
