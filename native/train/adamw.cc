#include "train/adamw.h"

#include <c10/core/GradMode.h>

namespace beit::train {

bool decays(const std::string& name, const at::Tensor& parameter) {
  return parameter.dim() != 1 && !name.ends_with(".bias") && name != "cls_token" && name != "pos_embed";
}

AdamW::AdamW(const nn::Module& module, const Options& options)
    : options_(options), step_(at::zeros({}, at::TensorOptions().device(module.device()).dtype(at::kFloat))) {
  c10::NoGradGuard no_grad;
  for (const auto& [name, tensor, is_buffer] : module.state()) {
    if (is_buffer) continue;
    entries_.push_back(
        {name, tensor, at::zeros_like(tensor), at::zeros_like(tensor), train::decays(name, tensor)});
  }
}

std::vector<at::Tensor> AdamW::gradients() const {
  std::vector<at::Tensor> result;
  for (const auto& entry : entries_) {
    if (entry.parameter.grad().defined()) result.push_back(entry.parameter.grad());
  }
  return result;
}

void AdamW::clear_gradients() {
  // Not zeroed: backward then hands its buffers over instead of adding to these, and the forward pass has
  // their memory.
  for (auto& entry : entries_) entry.parameter.mutable_grad().reset();
}

void AdamW::step(double learning_rate, double weight_decay, const at::Tensor& found_inf) {
  c10::NoGradGuard no_grad;
  const AdamWUpdate update = options_.fused ? fused_adamw_update : plain_adamw_update;
  step_.add_(1.0 - found_inf);
  for (bool group : {false, true}) {
    AdamWTensors tensors;
    for (const auto& entry : entries_) {
      if (entry.decays != group || !entry.parameter.grad().defined()) continue;
      tensors.parameters.push_back(entry.parameter);
      tensors.gradients.push_back(entry.parameter.grad());
      tensors.exp_avgs.push_back(entry.exp_avg);
      tensors.exp_avg_sqs.push_back(entry.exp_avg_sq);
    }
    if (tensors.parameters.empty()) continue;
    update(tensors, step_, found_inf,
           {learning_rate, options_.beta1, options_.beta2, options_.eps, group ? weight_decay : 0.0});
  }
}

}  // namespace beit::train
