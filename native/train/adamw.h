// AdamW over the parameters of a module, in the two groups of the original (optim_factory.py of
// microsoft/unilm, beit/): vectors, biases, the class token and the position embedding do not decay; all else
// does, the mask token and the tables of relative position biases included.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/module.h"
#include "ops/adamw_update.h"
#include "ops/gradient_clip.h"
#include "ops/optimizer_cuda.h"

namespace beit::train {

bool decays(const std::string& name, const at::Tensor& parameter);

class AdamW {
 public:
  struct Options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
    bool fused = true;
    ops::Compute compute;
    // Layer-wise decay of the learning rate (train/layer_decay.h); none: all parameters have the same.
    std::optional<double> layer_decay;
  };

  // Allocates the moments. The parameters stay those of the module.
  AdamW(const nn::Module& module, const Options& options);

  void clear_gradients();
  // Those of the parameters in the order of entries(), undefined where there is none.
  std::vector<at::Tensor> gradients() const;

  // A recorded step was replayed, which has written `gradients`, as gradients() gave them when it was
  // recorded: they are those of the parameters, whatever came since.
  void replayed(at::TensorList gradients);

  // Of the steps that follow. On a GPU they are written to where a step reads them, so a captured step can be
  // replayed with others; this is no part of it.
  void set_rates(double learning_rate, double weight_decay);
  // Whether a step reads them there: our kernels do the work. Else it has them from the host.
  bool rates_on_device() const;

  // What the gradients that the parameters have say; `loss` (scalar) and `max_norm` as there.
  ops::GradientVerdict gradient_verdict(const at::Tensor& loss, std::optional<double> max_norm);

  // One update by the gradients the parameters have, multiplied by `gradient_scale` (float32 scalar;
  // undefined: 1) in the same pass, in place. Where `found_inf` (float32 scalar) is 1, parameters, moments
  // and step count stay as they are, decided on the device.
  void step(const at::Tensor& found_inf, const at::Tensor& gradient_scale);

  struct Entry {
    std::string name;
    at::Tensor parameter;
    at::Tensor exp_avg;
    at::Tensor exp_avg_sq;
    bool decays;
    double scale;  // of the learning rate
  };
  // In state-dict order.
  const std::vector<Entry>& entries() const { return entries_; }
  // Updates made, those left out not counted: a float32 scalar, exact to 16 million. One for all parameters.
  const at::Tensor& step_count() const { return step_; }

 private:
  // Whoever keeps something made of a parameter sees that it has changed.
  void note_changed();
  // Null unless rates_on_device().
  ops::CudaOptimizer* kernels();
  // The same, and they know where the gradients lie.
  ops::CudaOptimizer* kernels_with_gradients();

  Options options_;
  double learning_rate_ = 0.0, weight_decay_ = 0.0;
  std::vector<Entry> entries_;
  // Of parameters that are updated alike: indices into entries_.
  std::vector<std::vector<size_t>> groups_;
  at::Tensor step_;
  std::unique_ptr<ops::CudaOptimizer> kernels_;  // made when there is a step for them
  bool kernels_have_gradients_ = false;          // since these were cleared
};

}  // namespace beit::train
