// The AdamW update (Loshchilov and Hutter, arXiv 1711.05101): libtorch's fused kernel, which clips the
// gradients in the same pass, and beside it the same thing in plain operations, which the tests compare it
// with.
#pragma once
#include <ATen/ATen.h>

#include <vector>

namespace beit::ops {

struct AdamWSettings {
  double learning_rate;
  double beta1;
  double beta2;
  double eps;
  double weight_decay;
};

// Tensors that are updated alike; the lists run in parallel.
struct AdamWTensors {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> exp_avgs;
  std::vector<at::Tensor> exp_avg_sqs;
};

// Scalars that the device has; float32.
struct AdamWScalars {
  at::Tensor step;            // counts this update already
  at::Tensor found_inf;       // where it is 1 nothing is changed
  at::Tensor gradient_scale;  // the gradients are multiplied by it first, in place; undefined: 1
};

// The fused form decides on the device, the plain one reads the scalars.
using AdamWUpdate = void (*)(const AdamWTensors& tensors, const AdamWScalars& scalars,
                             const AdamWSettings& settings);

void fused_adamw_update(const AdamWTensors& tensors, const AdamWScalars& scalars,
                        const AdamWSettings& settings);
void plain_adamw_update(const AdamWTensors& tensors, const AdamWScalars& scalars,
                        const AdamWSettings& settings);

}  // namespace beit::ops
