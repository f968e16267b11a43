// The AdamW update (Loshchilov and Hutter, arXiv 1711.05101): libtorch's fused kernel, and beside it the same
// thing in plain operations, which the tests compare it with.
#pragma once
#include <ATen/ATen.h>

#include <vector>

namespace beit::train {

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

// `step` (float32 scalar) counts this update already. Where `found_inf` (float32 scalar) is 1 nothing is
// changed; the fused form decides that on the device, the plain one reads it.
using AdamWUpdate = void (*)(const AdamWTensors& tensors, const at::Tensor& step, const at::Tensor& found_inf,
                             const AdamWSettings& settings);

void fused_adamw_update(const AdamWTensors& tensors, const at::Tensor& step, const at::Tensor& found_inf,
                        const AdamWSettings& settings);
void plain_adamw_update(const AdamWTensors& tensors, const at::Tensor& step, const at::Tensor& found_inf,
                        const AdamWSettings& settings);

}  // namespace beit::train
