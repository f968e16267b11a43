// The layers that the models are made of: each holds its tensors and is called like a function.
#pragma once
#include <ATen/ATen.h>

#include "nn/parameter_store.h"
#include "ops/compute.h"

namespace beit::nn {

struct Linear {
  at::Tensor weight;  // (out, in)
  at::Tensor bias;    // (out), or undefined
  enum class Bias { kNone, kZeros };

  Linear(ParameterStore& store, const Path& path, int64_t in, int64_t out, Bias bias, const Init& init);
  // (..., in) -> (..., out)
  at::Tensor operator()(const at::Tensor& x) const;
  at::Tensor operator()(const at::Tensor& x, const ops::Compute& compute) const;
};

// Over the last dimension.
struct LayerNorm {
  at::Tensor weight;
  at::Tensor bias;
  double eps;

  LayerNorm(ParameterStore& store, const Path& path, int64_t size, double eps);
  at::Tensor operator()(const at::Tensor& x) const;
  at::Tensor operator()(const at::Tensor& x, const ops::Compute& compute) const;
};

struct ConvOptions {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;
};

// The initial values of PyTorch's convolutions: uniform in +-1/sqrt(fan in), weight and bias alike.
Init conv_default(int64_t fan_in_channels, int64_t kernel);

struct Conv2d {
  at::Tensor weight;  // (out, in, k, k)
  at::Tensor bias;    // (out)
  ConvOptions options;

  Conv2d(ParameterStore& store, const Path& path, int64_t in, int64_t out, ConvOptions options,
         const Init& weight_init, const Init& bias_init);
  at::Tensor operator()(const at::Tensor& x) const;  // (B, in, H, W) -> (B, out, H', W')
};

struct ConvTranspose2d {
  at::Tensor weight;  // (in, out, k, k)
  at::Tensor bias;    // (out)
  ConvOptions options;

  ConvTranspose2d(ParameterStore& store, const Path& path, int64_t in, int64_t out, ConvOptions options,
                  const Init& weight_init, const Init& bias_init);
  at::Tensor operator()(const at::Tensor& x) const;
};

}  // namespace beit::nn
