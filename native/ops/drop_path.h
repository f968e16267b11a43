// Stochastic depth: the residual branch of some samples is left out.
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

// x (B, ...): each sample is kept with probability 1 - rate and then divided by it. The draws are made on the
// generator's device, so a CPU generator gives the same draws wherever x lies.
at::Tensor drop_path(const at::Tensor& x, double rate, at::Generator generator);

}  // namespace beit::ops
