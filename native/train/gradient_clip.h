// Clipping by the global norm, as PyTorch's clip_grad_norm_. Nothing here waits for the device.
#pragma once
#include <ATen/ATen.h>

#include "ops/compute.h"

namespace beit::train {

// Euclidean norm of all gradients taken as one vector: a float32 scalar on their device.
at::Tensor global_norm(at::TensorList gradients, const ops::Compute& compute);

// What gradients of this norm are to be multiplied by: min(1, max_norm / (norm + 1e-6)). The optimizer does
// it, in the pass in which it reads them anyway.
at::Tensor clip_scale(const at::Tensor& norm, double max_norm);

}  // namespace beit::train
