// AdamW over the parameters of a module, in the two groups of the original (optim_factory.py of
// microsoft/unilm, beit/): vectors, biases, the class token and the position embedding do not decay; all else
// does, the mask token and the tables of relative position biases included.
#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <vector>

#include "nn/module.h"
#include "train/adamw_update.h"

namespace beit::train {

bool decays(const std::string& name, const at::Tensor& parameter);

class AdamW {
 public:
  struct Options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
    bool fused = true;
    // Layer-wise decay of the learning rate (train/layer_decay.h); none: all parameters have the same.
    std::optional<double> layer_decay;
  };

  // Allocates the moments. The parameters stay those of the module.
  AdamW(const nn::Module& module, const Options& options);

  // Of the parameters that have one.
  std::vector<at::Tensor> gradients() const;
  void clear_gradients();

  // One update by the gradients the parameters have, multiplied by `gradient_scale` (float32 scalar;
  // undefined: 1) in the same pass, in place. Where `found_inf` (float32 scalar) is 1, parameters, moments
  // and step count stay as they are, decided on the device.
  void step(double learning_rate, double weight_decay, const at::Tensor& found_inf,
            const at::Tensor& gradient_scale);

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
  Options options_;
  std::vector<Entry> entries_;
  // Of parameters that are updated alike: indices into entries_.
  std::vector<std::vector<size_t>> groups_;
  at::Tensor step_;
};

}  // namespace beit::train
