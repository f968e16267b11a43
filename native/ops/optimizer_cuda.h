// The end of a step by the kernels of native/cuda/optimizer.h: the norm of the gradients and AdamW over all
// parameters, in few launches whatever their number.
#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "ops/cuda_kernels.h"
#include "ops/gradient_clip.h"

namespace beit::ops {

// Whether the kernels take a parameter: float32, contiguous, aligned, where there are kernels.
bool has_cuda_optimizer(const at::Tensor& parameter);

class CudaOptimizer {
 public:
  struct Parameter {
    at::Tensor parameter, exp_avg, exp_avg_sq;
    double scale;  // of the learning rate
    bool decays;
  };
  struct Settings {
    double beta1, beta2, eps;
  };

  // At least one parameter, each with has_cuda_optimizer(). Nothing waits for the device, here or below.
  CudaOptimizer(const std::vector<Parameter>& parameters, const Settings& settings);

  // Of the steps that follow. A step reads them on the device: one in a CUDA graph is replayed with others
  // when this is called before the replay, outside the graph.
  void set_rates(double learning_rate, double weight_decay);

  // Of the step that follows: one a parameter, each a cuda_operand(), or undefined: the parameter stays as it
  // is. To be told anew for each step: where the last one had them is not where the one in a graph has them.
  void set_gradients(const std::vector<at::Tensor>& gradients);

  GradientVerdict verdict(const at::Tensor& loss, std::optional<double> max_norm);

  // One update in place. Where `found_inf` (float32 scalar) is 1 nothing changes. The gradients are
  // multiplied by `gradient_scale` first (float32 scalar; undefined: 1), and `step` (float32 scalar) is
  // counted up.
  void step(const at::Tensor& found_inf, const at::Tensor& gradient_scale, const at::Tensor& step);

 private:
  cuda::Optimizer tables() const;
  void write(const at::Tensor& to, const void* from, size_t bytes);

  Settings settings_;
  // On the device of the parameters.
  at::Tensor tensors_, chunks_, gradients_, partials_, rates_, corrections_;
  int64_t chunk_count_ = 0;
};

}  // namespace beit::ops
