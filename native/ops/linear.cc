#include "ops/linear.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/bias_gelu.h"
#include "ops/half_matmul.h"

namespace beit::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The layer and its gradients by products in half the bits; what is saved and what comes out is float32.
struct HalfLinear : torch::autograd::Function<HalfLinear> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    return half_matmul(x, weight.t(), bias.value_or(at::Tensor()));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto gradient = gradients[0].contiguous();  // (M, out)
    const bool has_bias = context->saved_data["bias"].toBool();
    if (context->needs_input_grad(0) && context->needs_input_grad(1)) {
      const auto all = half_linear_gradients(gradient, saved[0], saved[1], has_bias);
      return {all.x, all.weight, all.bias};
    }
    at::Tensor x, weight, bias;
    if (context->needs_input_grad(0)) x = half_matmul(gradient, saved[1]);
    if (context->needs_input_grad(1)) weight = half_matmul(gradient.t(), saved[0]);
    if (has_bias && context->needs_input_grad(2)) bias = gradient.sum(0);
    return {x, weight, bias};
  }
};

bool in_half(const at::Tensor& x, const Compute& compute) {
  // On a GPU, and without fast paths, autocast decides (train/autocast.h).
  return compute.precision == Precision::kBf16 && compute.optimize && x.is_cpu() &&
         x.scalar_type() == at::kFloat && half_arithmetic() != HalfArithmetic::kNone;
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const Compute& compute) {
  if (!in_half(x, compute)) return at::linear(x, weight, bias);
  auto shape = x.sizes().vec();
  shape.back() = weight.size(0);
  // An undefined tensor is no argument of an autograd function.
  const auto added = bias.defined() ? std::optional(bias) : std::nullopt;
  return HalfLinear::apply(x.reshape({-1, x.size(-1)}), weight, added).view(shape);
}

at::Tensor linear_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const Compute& compute) {
  if (bias.defined() && has_bias_gelu(x, weight.size(0), compute)) {
    return bias_gelu(linear(x, weight, {}, compute), bias, compute);
  }
  return at::gelu(linear(x, weight, bias, compute));
}

}  // namespace beit::ops
