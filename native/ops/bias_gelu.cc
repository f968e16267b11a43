#include "ops/bias_gelu.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cuda_kernels.h"

namespace beit::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

cuda::BiasGelu kernel(const at::Tensor& x, const at::Tensor& bias) {
  return {.rows = x.numel() / x.size(-1),
          .width = x.size(-1),
          .x = x.const_data_ptr(),
          .bias = bias.const_data_ptr<float>(),
          .out = nullptr,
          .bf16 = x.scalar_type() == at::kBFloat16};
}

// What is saved is the product alone; the backward pass adds the bias again.
struct CudaBiasGelu : torch::autograd::Function<CudaBiasGelu> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& bias) {
    const c10::DeviceGuard device(x.device());
    const auto& kernels = *cuda_kernels(x);
    const auto out = at::empty_like(x);
    auto gelu = kernel(x, bias);
    gelu.out = out.mutable_data_ptr();
    check_cuda(kernels, kernels.bias_gelu_forward(gelu, cuda_stream(x)), "bias_gelu_forward");
    context->save_for_backward({x, bias});
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list given) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto& bias = saved[1];
    const c10::DeviceGuard device(x.device());
    const auto& kernels = *cuda_kernels(x);
    const auto gelu = kernel(x, bias);
    const auto of_out = cuda_operand(given[0]), of_x = at::empty_like(x);
    at::Tensor of_bias, workspace;
    if (context->needs_input_grad(1)) {
      of_bias = at::empty_like(bias);
      const auto bytes = static_cast<int64_t>(kernels.bias_gelu_workspace(gelu));
      workspace = at::empty({bytes}, x.options().dtype(at::kByte));
    }
    const cuda::BiasGeluGradients gradients{
        .out = of_out.const_data_ptr(),
        .x = of_x.mutable_data_ptr(),
        .bias = of_bias.defined() ? of_bias.mutable_data_ptr<float>() : nullptr,
        .workspace = workspace.defined() ? workspace.mutable_data_ptr() : nullptr};
    check_cuda(kernels, kernels.bias_gelu_backward(gelu, gradients, cuda_stream(x)), "bias_gelu_backward");
    return {of_x, of_bias};
  }
};

}  // namespace

bool has_bias_gelu(const at::Tensor& x, int64_t width, const Compute& compute) {
  const bool taken = x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
  return compute.optimize && taken && width % 4 == 0 && x.numel() > 0 && cuda_kernels(x) != nullptr;
}

at::Tensor bias_gelu(const at::Tensor& x, const at::Tensor& bias, const Compute& compute) {
  if (!has_bias_gelu(x, x.size(-1), compute)) return at::gelu(x + bias);
  return CudaBiasGelu::apply(cuda_operand(x), cuda_operand(bias.to(at::kFloat)));
}

}  // namespace beit::ops
