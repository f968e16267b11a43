#include "ops/cross_entropy_cuda.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cuda_kernels.h"
#include "ops/linear_cross_entropy.h"

namespace beit::ops {

static_assert(kIgnoredTarget == cuda::kIgnoredTarget);

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_bf16(const at::Tensor& x) { return x.scalar_type() == at::kBFloat16; }

struct CudaCrossEntropy : torch::autograd::Function<CudaCrossEntropy> {
  static variable_list forward(AutogradContext* context, const at::Tensor& logits, const at::Tensor& target) {
    const c10::DeviceGuard device(logits.device());
    const auto& kernels = *cuda_kernels(logits);
    const int64_t rows = logits.size(0);
    const auto floats = logits.options().dtype(at::kFloat);
    const auto of_rows = at::empty({rows, 2}, floats), counted = at::empty({}, floats),
               loss = at::empty({}, floats);
    const auto correct = at::empty({}, target.options());
    const cuda::CrossEntropy cross_entropy{.rows = rows,
                                           .classes = logits.size(1),
                                           .logits = logits.mutable_data_ptr(),
                                           .targets = target.const_data_ptr<int64_t>(),
                                           .bf16 = is_bf16(logits),
                                           .gradient = logits.requires_grad(),
                                           .of_rows = of_rows.mutable_data_ptr<float>(),
                                           .counted = counted.mutable_data_ptr<float>(),
                                           .loss = loss.mutable_data_ptr<float>(),
                                           .correct = correct.mutable_data_ptr<int64_t>()};
    check_cuda(kernels, kernels.cross_entropy_forward(cross_entropy, cuda_stream(logits)),
               "cross_entropy_forward");
    context->save_for_backward({logits.detach()});
    context->mark_non_differentiable({correct});
    return {loss, correct};
  }

  static variable_list backward(AutogradContext* context, variable_list given) {
    const auto gradient = context->get_saved_variables()[0];
    const c10::DeviceGuard device(gradient.device());
    const auto& kernels = *cuda_kernels(gradient);
    const auto upstream = cuda_operand(given[0]);
    const cuda::CrossEntropyGradient scaled{.logits = gradient.mutable_data_ptr(),
                                            .count = gradient.numel(),
                                            .bf16 = is_bf16(gradient),
                                            .upstream = upstream.const_data_ptr<float>()};
    check_cuda(kernels, kernels.cross_entropy_backward(scaled, cuda_stream(gradient)),
               "cross_entropy_backward");
    return {gradient, {}};
  }
};

}  // namespace

bool has_cuda_cross_entropy(const at::Tensor& logits, const at::Tensor& target, const Compute& compute) {
  const bool taken = logits.scalar_type() == at::kFloat || is_bf16(logits);
  return compute.optimize && taken && target.scalar_type() == at::kLong && logits.numel() > 0 &&
         logits.size(1) <= cuda::kMostClasses &&
         logits.size(1) * static_cast<int64_t>(logits.element_size()) % 16 == 0 &&
         cuda_kernels(logits) != nullptr;
}

std::tuple<at::Tensor, at::Tensor> cuda_cross_entropy(const at::Tensor& logits, const at::Tensor& target) {
  const auto results = CudaCrossEntropy::apply(cuda_operand(logits), cuda_operand(target));
  return {results[0], results[1]};
}

}  // namespace beit::ops
