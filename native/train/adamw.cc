#include "train/adamw.h"

#include <c10/core/GradMode.h>

#include <map>
#include <utility>

#include "train/layer_decay.h"

namespace beit::train {

bool decays(const std::string& name, const at::Tensor& parameter) {
  return parameter.dim() != 1 && !name.ends_with(".bias") && name != "cls_token" && name != "pos_embed";
}

AdamW::AdamW(const nn::Module& module, const Options& options)
    : options_(options), step_(at::zeros({}, at::TensorOptions().device(module.device()).dtype(at::kFloat))) {
  c10::NoGradGuard no_grad;
  std::vector<std::string> names;
  for (const auto& [name, tensor, is_buffer] : module.state()) {
    if (is_buffer) continue;
    names.push_back(name);
    entries_.push_back(
        {name, tensor, at::zeros_like(tensor), at::zeros_like(tensor), train::decays(name, tensor), 1.0});
  }
  if (options.layer_decay) {
    const auto scales = layer_decay_scales(names, *options.layer_decay);
    for (size_t i = 0; i < entries_.size(); i++) entries_[i].scale = scales[i];
  }
  std::map<std::pair<bool, double>, std::vector<size_t>> groups;
  for (size_t i = 0; i < entries_.size(); i++) groups[{entries_[i].decays, entries_[i].scale}].push_back(i);
  for (auto& [key, members] : groups) groups_.push_back(std::move(members));
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

void AdamW::step(double learning_rate, double weight_decay, const at::Tensor& found_inf,
                 const at::Tensor& gradient_scale) {
  c10::NoGradGuard no_grad;
  const AdamWUpdate update = options_.fused ? fused_adamw_update : plain_adamw_update;
  step_.add_(1.0 - found_inf);
  for (const auto& group : groups_) {
    AdamWTensors tensors;
    for (const size_t index : group) {
      const auto& entry = entries_[index];
      if (!entry.parameter.grad().defined()) continue;
      tensors.parameters.push_back(entry.parameter);
      tensors.gradients.push_back(entry.parameter.grad());
      tensors.exp_avgs.push_back(entry.exp_avg);
      tensors.exp_avg_sqs.push_back(entry.exp_avg_sq);
    }
    if (tensors.parameters.empty()) continue;
    const auto& first = entries_[group.front()];
    update(tensors, {step_, found_inf, gradient_scale},
           {learning_rate * first.scale, options_.beta1, options_.beta2, options_.eps,
            first.decays ? weight_decay : 0.0});
  }
}

}  // namespace beit::train
