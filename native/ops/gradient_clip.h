// What the gradients of a step say: their global norm, how they are clipped by it, as PyTorch's
// clip_grad_norm_, and whether the step is to be left out. Nothing here waits for the device.
#pragma once
#include <ATen/ATen.h>

#include <optional>

#include "ops/compute.h"

namespace beit::ops {

// Scalars on the device of the gradients.
struct GradientVerdict {
  at::Tensor norm;       // float32: Euclidean norm of all gradients taken as one vector
  at::Tensor finite;     // bool, or float32 0 or 1: whether it and the loss are
  at::Tensor found_inf;  // float32: 1 where they are not, else 0
  // What the gradients are to be multiplied by: min(1, max_norm / (norm + 1e-6)). The optimizer does it, in
  // the pass in which it reads them anyway. Undefined: 1.
  at::Tensor scale;
};

// Of at least one gradient; loss is a scalar.
GradientVerdict gradient_verdict(at::TensorList gradients, const at::Tensor& loss,
                                 std::optional<double> max_norm, const Compute& compute);

}  // namespace beit::ops
