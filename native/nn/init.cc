#include "nn/init.h"

#include <cmath>

namespace beit::nn {

Init constant(double value) {
  return [=](at::Tensor& tensor, at::Generator&) { tensor.fill_(value); };
}

Init normal(double std) {
  return [=](at::Tensor& tensor, at::Generator& generator) { tensor.normal_(0.0, std, generator); };
}

Init uniform(double bound) {
  return [=](at::Tensor& tensor, at::Generator& generator) { tensor.uniform_(-bound, bound, generator); };
}

Init truncated_normal(double std, double scale) {
  return [=](at::Tensor& tensor, at::Generator& generator) {
    // Inverse transform: P(|z| < 1) = erf(1 / sqrt(2)), and z = sqrt(2) erfinv(u) for u uniform in that
    // range.
    const double bound = std::erf(std::sqrt(0.5));
    tensor.uniform_(-bound, bound, generator).erfinv_().mul_(std * std::sqrt(2.0));
    tensor.clamp_(-std, std).mul_(scale);
  };
}

}  // namespace beit::nn
