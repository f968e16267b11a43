// One linear classifier for each layer of a frozen model, all of them in one batched matrix product
// (run_linear_eval.py of microsoft/unilm, beit/).
#pragma once
#include <ATen/ATen.h>

#include <memory>

#include "nn/module.h"

namespace beit::models {

struct LinearProbeConfig {
  int64_t layers;
  int64_t features;  // F
  int64_t classes;   // C
};

// State: weight (L, C, F), bias (L, C). Weights begin normal with deviation 0.01, biases at 0.
class LinearProbe : public nn::Module {
 public:
  LinearProbe(const LinearProbeConfig& config, const nn::ModuleOptions& options);

  std::shared_ptr<nn::Module> clone_to(at::Device device, at::ScalarType dtype) const override;

  // Features (B, L, F), as a frozen model gives them -> logits (L, B, C).
  at::Tensor logits(const at::Tensor& features) const;
  const LinearProbeConfig& config() const { return config_; }

 private:
  LinearProbeConfig config_;
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace beit::models
