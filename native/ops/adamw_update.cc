#include "ops/adamw_update.h"

#include <cmath>

namespace beit::ops {

void fused_adamw_update(const AdamWTensors& tensors, const AdamWScalars& scalars,
                        const AdamWSettings& settings) {
  const std::vector<at::Tensor> steps(tensors.parameters.size(), scalars.step);
  // libtorch's divides by its scale.
  const auto divisor =
      scalars.gradient_scale.defined() ? std::optional(scalars.gradient_scale.reciprocal()) : std::nullopt;
  at::_fused_adamw_(tensors.parameters, tensors.gradients, tensors.exp_avgs, tensors.exp_avg_sqs,
                    /*max_exp_avg_sqs=*/{}, steps, settings.learning_rate, settings.beta1, settings.beta2,
                    settings.weight_decay, settings.eps, /*amsgrad=*/false, /*maximize=*/false, divisor,
                    scalars.found_inf);
}

void plain_adamw_update(const AdamWTensors& tensors, const AdamWScalars& scalars,
                        const AdamWSettings& settings) {
  if (scalars.gradient_scale.defined()) at::_foreach_mul_(tensors.gradients, scalars.gradient_scale);
  if (scalars.found_inf.item<float>() == 1.0f) return;
  const double t = scalars.step.item<float>();
  const double bias_correction1 = 1.0 - std::pow(settings.beta1, t);
  const double bias_correction2 = 1.0 - std::pow(settings.beta2, t);
  for (size_t i = 0; i < tensors.parameters.size(); i++) {
    auto parameter = tensors.parameters[i];
    auto exp_avg = tensors.exp_avgs[i];
    auto exp_avg_sq = tensors.exp_avg_sqs[i];
    const auto& gradient = tensors.gradients[i];
    parameter.mul_(1.0 - settings.learning_rate * settings.weight_decay);
    exp_avg.mul_(settings.beta1).add_(gradient, 1.0 - settings.beta1);
    exp_avg_sq.mul_(settings.beta2).addcmul_(gradient, gradient, 1.0 - settings.beta2);
    const auto deviation = exp_avg_sq.div(bias_correction2).sqrt_().add_(settings.eps);
    parameter.addcdiv_(exp_avg, deviation, -settings.learning_rate / bias_correction1);
  }
}

}  // namespace beit::ops
