// Clipping by the global norm, as PyTorch's clip_grad_norm_. Nothing here waits for the device.
#pragma once
#include <ATen/ATen.h>

namespace beit::train {

// Euclidean norm of all gradients taken as one vector: a float32 scalar on their device.
at::Tensor global_norm(at::TensorList gradients);

// Scales the gradients in place by min(1, max_norm / (norm + 1e-6)).
void clip_by_global_norm(at::TensorList gradients, const at::Tensor& norm, double max_norm);

}  // namespace beit::train
