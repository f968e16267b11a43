#include "ops/linear.h"

namespace beit::ops {

namespace {

at::Tensor half(const at::Tensor& x) { return x.defined() ? x.to(at::kBFloat16) : x; }

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const Compute& compute) {
  // On a GPU, and without fast paths, autocast decides (train/autocast.h).
  const bool in_half = compute.precision == Precision::kBf16 && compute.optimize && x.is_cpu() &&
                       x.scalar_type() == at::kFloat;
  if (!in_half) return at::linear(x, weight, bias);
  return at::linear(half(x), half(weight), half(bias)).to(at::kFloat);
}

at::Tensor linear_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const Compute& compute) {
  return at::gelu(linear(x, weight, bias, compute));
}

}  // namespace beit::ops
