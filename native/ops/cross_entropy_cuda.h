// The cross-entropy of logits by the kernels of native/cuda/cross_entropy.h.
#pragma once
#include <ATen/ATen.h>

#include <tuple>

#include "ops/compute.h"

namespace beit::ops {

// Whether they take logits of this type, device and width, and such targets.
bool has_cuda_cross_entropy(const at::Tensor& logits, const at::Tensor& target, const Compute& compute);

// As linear_cross_entropy of ops/linear_cross_entropy.h, of logits (M, V) that nothing else reads: they
// become their own gradient, which goes backward once. A target that is no class makes the loss NaN: the host
// does not wait to see it.
std::tuple<at::Tensor, at::Tensor> cuda_cross_entropy(const at::Tensor& logits, const at::Tensor& target);

}  // namespace beit::ops
