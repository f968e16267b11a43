#include "nn/layers.h"

#include <cmath>

#include "engine/interruptible.h"
#include "ops/add_norm.h"
#include "ops/linear.h"

namespace beit::nn {

Linear::Linear(ParameterStore& store, const Path& path, int64_t in, int64_t out, Bias bias_kind,
               const Init& init)
    : weight(store.parameter(path / "weight", {out, in}, init)) {
  if (bias_kind == Bias::kZeros) bias = store.parameter(path / "bias", {out}, zeros());
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return interruptible(at::linear(x, weight, bias));
}

at::Tensor Linear::operator()(const at::Tensor& x, const ops::Compute& compute) const {
  return interruptible(ops::linear(x, weight, bias, compute));
}

LayerNorm::LayerNorm(ParameterStore& store, const Path& path, int64_t size, double eps)
    : weight(store.parameter(path / "weight", {size}, ones())),
      bias(store.parameter(path / "bias", {size}, zeros())),
      eps(eps) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps);
}

at::Tensor LayerNorm::operator()(const at::Tensor& x, const ops::Compute& compute) const {
  return ops::layer_norm(x, weight, bias, eps, compute);
}

Init conv_default(int64_t fan_in_channels, int64_t kernel) {
  return uniform(1.0 / std::sqrt(static_cast<double>(fan_in_channels * kernel * kernel)));
}

Conv2d::Conv2d(ParameterStore& store, const Path& path, int64_t in, int64_t out, ConvOptions options,
               const Init& weight_init, const Init& bias_init)
    : weight(store.parameter(path / "weight", {out, in, options.kernel, options.kernel}, weight_init)),
      bias(store.parameter(path / "bias", {out}, bias_init)),
      options(options) {}

at::Tensor Conv2d::operator()(const at::Tensor& x) const {
  return interruptible(at::conv2d(x, weight, bias, options.stride, options.padding));
}

ConvTranspose2d::ConvTranspose2d(ParameterStore& store, const Path& path, int64_t in, int64_t out,
                                 ConvOptions options, const Init& weight_init, const Init& bias_init)
    : weight(store.parameter(path / "weight", {in, out, options.kernel, options.kernel}, weight_init)),
      bias(store.parameter(path / "bias", {out}, bias_init)),
      options(options) {}

at::Tensor ConvTranspose2d::operator()(const at::Tensor& x) const {
  return interruptible(at::conv_transpose2d(x, weight, bias, options.stride, options.padding));
}

}  // namespace beit::nn
