#include "train/adamw.h"

#include <c10/core/GradMode.h>

#include <algorithm>
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

void AdamW::clear_gradients() {
  // Not zeroed: backward then hands its buffers over instead of adding to these, and the forward pass has
  // their memory.
  for (auto& entry : entries_) entry.parameter.mutable_grad().reset();
  kernels_have_gradients_ = false;
}

std::vector<at::Tensor> AdamW::gradients() const {
  std::vector<at::Tensor> result;
  for (const auto& entry : entries_) result.push_back(entry.parameter.grad());
  return result;
}

void AdamW::replayed(at::TensorList gradients) {
  for (size_t i = 0; i < entries_.size(); i++) entries_[i].parameter.mutable_grad() = gradients[i];
  note_changed();
}

void AdamW::set_rates(double learning_rate, double weight_decay) {
  learning_rate_ = learning_rate;
  weight_decay_ = weight_decay;
  if (auto* const optimizer = kernels()) optimizer->set_rates(learning_rate, weight_decay);
}

bool AdamW::rates_on_device() const {
  return options_.fused && options_.compute.optimize && !entries_.empty() &&
         std::all_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return ops::has_cuda_optimizer(entry.parameter); });
}

ops::GradientVerdict AdamW::gradient_verdict(const at::Tensor& loss, std::optional<double> max_norm) {
  c10::NoGradGuard no_grad;
  if (auto* const optimizer = kernels_with_gradients()) return optimizer->verdict(loss, max_norm);
  std::vector<at::Tensor> gradients;
  for (const auto& entry : entries_) {
    if (entry.parameter.grad().defined()) gradients.push_back(entry.parameter.grad());
  }
  return ops::gradient_verdict(gradients, loss, max_norm, options_.compute);
}

void AdamW::step(const at::Tensor& found_inf, const at::Tensor& gradient_scale) {
  c10::NoGradGuard no_grad;
  if (auto* const optimizer = kernels_with_gradients()) {
    optimizer->step(found_inf, gradient_scale, step_);
    note_changed();
    return;
  }
  const ops::AdamWUpdate update = options_.fused ? ops::fused_adamw_update : ops::plain_adamw_update;
  step_.add_(1.0 - found_inf);
  for (const auto& group : groups_) {
    ops::AdamWTensors tensors;
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
           {learning_rate_ * first.scale, options_.beta1, options_.beta2, options_.eps,
            first.decays ? weight_decay_ : 0.0});
  }
}

void AdamW::note_changed() {
  for (auto& entry : entries_) entry.parameter.unsafeGetTensorImpl()->bump_version();
}

ops::CudaOptimizer* AdamW::kernels() {
  if (!rates_on_device()) return nullptr;
  if (!kernels_) {
    std::vector<ops::CudaOptimizer::Parameter> parameters;
    for (const auto& entry : entries_) {
      parameters.push_back({entry.parameter, entry.exp_avg, entry.exp_avg_sq, entry.scale, entry.decays});
    }
    kernels_ = std::make_unique<ops::CudaOptimizer>(
        parameters, ops::CudaOptimizer::Settings{options_.beta1, options_.beta2, options_.eps});
  }
  return kernels_.get();
}

ops::CudaOptimizer* AdamW::kernels_with_gradients() {
  auto* const optimizer = kernels();
  if (optimizer == nullptr || kernels_have_gradients_) return optimizer;
  std::vector<at::Tensor> gradients;
  for (auto& entry : entries_) {
    // What the step clips is the parameter's own.
    auto& gradient = entry.parameter.mutable_grad();
    gradient = ops::cuda_operand(gradient);
    gradients.push_back(gradient);
  }
  optimizer->set_gradients(gradients);
  kernels_have_gradients_ = true;
  return optimizer;
}

}  // namespace beit::train
