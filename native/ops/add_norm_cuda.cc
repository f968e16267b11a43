#include "ops/add_norm_cuda.h"

#include <ATen/autocast_mode.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cuda_kernels.h"

namespace beit::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_bf16(const at::Tensor& x) { return x.defined() && x.scalar_type() == at::kBFloat16; }
bool is_taken(const at::Tensor& x) { return x.scalar_type() == at::kFloat || is_bf16(x); }

const void* data(const at::Tensor& x) { return x.defined() ? x.const_data_ptr() : nullptr; }
void* mutable_data(const at::Tensor& x) { return x.defined() ? x.mutable_data_ptr() : nullptr; }
const float* floats(const at::Tensor& x) { return static_cast<const float*>(data(x)); }

// Undefined where there is none: branch, gamma (D), scale (B), weight and bias (D).
struct Operands {
  at::Tensor x, branch, gamma, scale, weight, bias;
  double eps;

  int64_t width() const { return x.size(-1); }
  int64_t rows() const { return x.numel() / width(); }

  cuda::AddNorm kernel(const at::Tensor& sum, const at::Tensor& statistics, at::ScalarType normed) const {
    return {.rows = rows(),
            .width = width(),
            .x = data(x),
            .branch = data(branch),
            .gamma = floats(gamma),
            .scale = floats(scale),
            .rows_of_scale = scale.defined() ? rows() / scale.size(0) : 1,
            .sum = mutable_data(sum),
            .weight = floats(weight),
            .bias = floats(bias),
            .eps = static_cast<float>(eps),
            .normed = nullptr,
            .statistics = statistics.defined() ? statistics.mutable_data_ptr<float>() : nullptr,
            .x_bf16 = is_bf16(x),
            .branch_bf16 = is_bf16(branch),
            .normed_bf16 = normed == at::kBFloat16};
  }
};

// The results are those there are of x' and its norm, in this order.
struct CudaAddNorm : torch::autograd::Function<CudaAddNorm> {
  using Optional = std::optional<at::Tensor>;

  static variable_list forward(AutogradContext* context, const at::Tensor& x, const Optional& branch,
                               const Optional& gamma, const Optional& weight, const Optional& bias,
                               const Optional& scale, double eps, at::ScalarType type) {
    const c10::DeviceGuard device(x.device());
    const auto given = [](const Optional& tensor) { return tensor.value_or(at::Tensor()); };
    const Operands in{x, given(branch), given(gamma), given(scale), given(weight), given(bias), eps};
    at::Tensor sum, normed, statistics;
    if (branch) sum = at::empty_like(x);
    if (weight) {
      normed = at::empty_like(x, x.options().dtype(type));
      statistics = at::empty({in.rows(), 2}, x.options().dtype(at::kFloat));
    }
    const auto& kernels = *cuda_kernels(x);
    auto add_norm = in.kernel(sum, statistics, type);
    add_norm.normed = mutable_data(normed);
    check_cuda(kernels, kernels.add_norm_forward(add_norm, cuda_stream(x)), "add_norm_forward");
    context->set_materialize_grads(false);
    context->save_for_backward({branch ? sum : x, in.branch, in.gamma, in.scale, in.weight, statistics});
    context->saved_data["type"] = static_cast<int64_t>(type);
    if (!branch) return {normed};
    return weight ? variable_list{sum, normed} : variable_list{sum};
  }

  static variable_list backward(AutogradContext* context, variable_list given) {
    const auto saved = context->get_saved_variables();
    const auto& sum = saved[0];
    const auto& branch = saved[1];
    const c10::DeviceGuard device(sum.device());
    const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
    const Operands in{sum, branch, saved[2], saved[3], saved[4], {}, 0.0};
    const auto of_sum = cuda_operand(branch.defined() ? given.front() : at::Tensor());
    const auto of_normed = cuda_operand(in.weight.defined() ? given.back() : at::Tensor());
    const auto& kernels = *cuda_kernels(sum);
    const auto add_norm = in.kernel(sum, saved[5], type);
    const auto x = at::empty_like(sum);
    const auto of_branch = branch.defined() ? at::empty_like(branch) : at::Tensor();
    at::Tensor parameters, workspace;
    if (in.gamma.defined() || in.weight.defined()) {
      parameters = at::empty({3, in.width()}, sum.options().dtype(at::kFloat));
      const auto bytes = static_cast<int64_t>(kernels.add_norm_workspace(add_norm));
      workspace = at::empty({bytes}, sum.options().dtype(at::kByte));
    }
    const cuda::AddNormGradients gradients{.sum = data(of_sum),
                                           .normed = data(of_normed),
                                           .x = mutable_data(x),
                                           .branch = mutable_data(of_branch),
                                           .parameters = static_cast<float*>(mutable_data(parameters)),
                                           .workspace = mutable_data(workspace)};
    check_cuda(kernels, kernels.add_norm_backward(add_norm, gradients, cuda_stream(sum)),
               "add_norm_backward");
    const auto parameter = [&](const at::Tensor& of, int64_t row) {
      return of.defined() ? parameters[row] : at::Tensor();
    };
    return {x,  of_branch, parameter(in.gamma, 2), parameter(in.weight, 0), parameter(in.weight, 1), {},
            {}, {}};
  }
};

// An undefined tensor is no argument of an autograd function.
std::optional<at::Tensor> optional(const at::Tensor& x) {
  return x.defined() ? std::optional(cuda_operand(x)) : std::nullopt;
}
std::optional<at::Tensor> parameter(const at::Tensor& x) {
  return x.defined() ? optional(x.to(at::kFloat)) : std::nullopt;
}

}  // namespace

bool has_cuda_add_norm(const at::Tensor& x, const at::Tensor& branch, const Compute& compute) {
  return compute.optimize && is_taken(x) && (!branch.defined() || is_taken(branch)) && x.numel() > 0 &&
         x.size(-1) % 4 == 0 && x.size(-1) <= 4096 && cuda_kernels(x) != nullptr;
}

at::ScalarType normed_type(const at::Tensor& x) {
  const auto device = x.device().type();
  const bool reduced =
      at::autocast::is_autocast_enabled(device) && at::autocast::get_autocast_dtype(device) == at::kBFloat16;
  return reduced ? at::kBFloat16 : x.scalar_type();
}

at::Tensor cuda_layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           double eps) {
  return CudaAddNorm::apply(cuda_operand(x), std::nullopt, std::nullopt, parameter(weight), parameter(bias),
                            std::nullopt, eps, x.scalar_type())[0];
}

std::tuple<at::Tensor, at::Tensor> cuda_add_norm(const at::Tensor& x, const at::Tensor& branch,
                                                 const at::Tensor& gamma, const at::Tensor& scale,
                                                 const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                                 double eps, at::ScalarType type) {
  const auto results =
      CudaAddNorm::apply(cuda_operand(x), optional(branch), parameter(gamma), parameter(norm_weight),
                         parameter(norm_bias), parameter(scale), eps, type);
  return {results[0], norm_weight.defined() ? results[1] : at::Tensor()};
}

}  // namespace beit::ops
