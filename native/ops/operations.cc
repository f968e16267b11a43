#include "ops/operations.h"

#include <cmath>

#include "engine/error.h"
#include "ops/adamw_update.h"
#include "ops/add_norm.h"
#include "ops/add_norm_cuda.h"
#include "ops/attention.h"
#include "ops/bias_gelu.h"
#include "ops/blockwise_masks.h"
#include "ops/gradient_clip.h"
#include "ops/half_matmul.h"
#include "ops/likeliest_codes.h"
#include "ops/linear.h"
#include "ops/linear_cross_entropy.h"
#include "ops/network_pixels.h"
#include "ops/optimizer_cuda.h"
#include "ops/packed_convolution.h"
#include "ops/padded_rows.h"
#include "ops/thread_scratch.h"

namespace beit::ops {

namespace {

Kernels kernels_of(const OperationArguments& a) {
  return a.number("scalar") != 0.0 ? Kernels::kPlain : Kernels::kFastest;
}

// a (M, K), b (K, N), bias or none; `arithmetic`: 0 float16, 1 bfloat16.
std::vector<at::Tensor> half_matmul_of(const OperationArguments& a) {
  const auto arithmetic =
      a.number("arithmetic") == 0.0 ? HalfArithmetic::kFloat16 : HalfArithmetic::kBfloat16;
  return {half_matmul(a.tensor(0), a.tensor(1), a.tensor(2),
                      a.compute.optimize ? arithmetic : HalfArithmetic::kNone)};
}

// x (B, H, W, in), weight, bias; `reluInput`, `scalar`: the vector kernels' twin.
std::vector<at::Tensor> conv3x3_relu_once(const OperationArguments& a) {
  const auto x = a.tensor(0), weight = a.tensor(1), bias = a.tensor(2);
  const bool relu_input = a.number("reluInput") != 0.0;
  if (!a.compute.optimize) {
    const auto images = (relu_input ? at::relu(x) : x).permute({0, 3, 1, 2});  // (B, H, W, C) -> (B, C, H, W)
    return {at::relu(at::conv2d(images, weight, bias, 1, 1)).permute({0, 2, 3, 1})};
  }
  const auto packed =
      a.compute.precision == Precision::kBf16 ? pack_half_3x3(weight, bias) : pack_3x3(weight, bias);
  const auto scratch = thread_scratch(conv3x3_scratch(packed), x.options());
  return {conv3x3_relu(x, packed, relu_input, scratch, kernels_of(a))};
}

// x (B, H, W, in), weight, bias, residual; `gain`, `scalar`.
std::vector<at::Tensor> conv1x1_once(const OperationArguments& a) {
  const auto x = a.tensor(0), weight = a.tensor(1), bias = a.tensor(2), residual = a.tensor(3);
  if (!a.compute.optimize) {
    const auto product = at::linear(x, weight.flatten(1), bias) * a.number("gain");
    return {residual.defined() ? residual + product : product};
  }
  const auto pack = a.compute.precision == Precision::kBf16 ? pack_half_1x1 : pack_1x1;
  return {conv1x1(x, pack(weight, bias, a.number("gain")), residual, kernels_of(a))};
}

at::ScalarType type_of(const OperationArguments& a) { return product_type(a.compute.precision); }

// In bf16 what a product gives is rounded, as autocast does on a GPU.
at::Tensor product_of(const OperationArguments& a, size_t index) {
  const auto x = a.tensor(index);
  return a.compute.precision == Precision::kBf16 ? x.to(at::kBFloat16) : x;
}

// Logits and targets. The fast paths write over the logits they are given, so those are a copy.
std::vector<at::Tensor> cross_entropy_of_copy(const OperationArguments& a) {
  const bool reduced = a.compute.precision == Precision::kBf16;
  const auto type = reduced ? at::kBFloat16 : a.tensor(0).scalar_type();
  const auto [loss, correct] =
      cross_entropy(a.tensor(0).to(type, /*non_blocking=*/false, /*copy=*/true), a.tensor(1), a.compute);
  return {loss, correct};
}

// x, branch, gamma, the scale of each image, weight and bias of the norm; `eps`. In bf16 the branch comes and
// the norm goes in half the bits.
std::vector<at::Tensor> add_scaled_norm(const OperationArguments& a) {
  const auto x = a.tensor(0), branch = product_of(a, 1);
  const bool reduced = a.compute.precision == Precision::kBf16 && has_cuda_add_norm(x, branch, a.compute);
  const auto [sum, normed] = reduced ? cuda_add_norm(x, branch, a.tensor(2), a.tensor(3), a.tensor(4),
                                                     a.tensor(5), a.number("eps"), at::kBFloat16)
                                     : add_norm(x, branch, a.tensor(2), a.tensor(3), a.tensor(4), a.tensor(5),
                                                a.number("eps"), a.compute);
  return {sum, normed};
}

// samples (B) int64
std::vector<at::Tensor> blockwise_masks_of(const OperationArguments& a) {
  const auto whole = [&](const char* name) { return static_cast<int>(a.number(name)); };
  // 0, 1 and 2, as they stand there.
  const MaskSettings settings{.mode = static_cast<MaskSettings::Mode>(whole("mode")),
                              .rows = whole("rows"),
                              .columns = whole("columns"),
                              .patches = whole("patches"),
                              .min_patches_per_block = whole("minPatchesPerBlock"),
                              .max_patches_per_block = whole("maxPatchesPerBlock"),
                              .min_aspect = a.number("minAspect")};
  return {blockwise_masks(a.tensor(0), settings, static_cast<uint64_t>(a.number("seed")),
                          static_cast<uint32_t>(a.number("epoch")), a.compute)};
}

// images uint8 (B, 3, H, W), mean (3), standard deviation (3)
std::vector<at::Tensor> standardised_pixels_of(const OperationArguments& a) {
  const auto numbers = [&](size_t index) {
    const auto given = a.tensor(index).to(at::kCPU, at::kDouble).contiguous();
    std::array<double, 3> of_channels;
    std::copy_n(given.const_data_ptr<double>(), 3, of_channels.begin());
    return of_channels;
  };
  return {standardised_pixels(a.tensor(0), numbers(1), numbers(2), type_of(a), a.compute)};
}

// The end of a step. The count of the steps and the loss, then parameter, gradient (or none) and both moments
// of each tensor, all changed in place; a rate of `decay` to the power of the tensor's number, and no weight
// decay for vectors. Results: the norm of the gradients, and the tensors but the loss again.
std::vector<at::Tensor> adamw(const OperationArguments& a) {
  const auto step = a.tensor(0), loss = a.tensor(1);
  const double beta1 = a.number("beta1"), beta2 = a.number("beta2"), eps = a.number("eps");
  std::vector<CudaOptimizer::Parameter> parameters;
  std::vector<at::Tensor> gradients, given;
  for (size_t i = 2; i < a.tensors.size(); i += 4) {
    const auto& parameter = a.tensors[i];
    parameters.push_back({parameter, a.tensors[i + 2], a.tensors[i + 3],
                          std::pow(a.number("decay"), static_cast<double>(parameters.size())),
                          parameter.dim() != 1});
    gradients.push_back(a.tensors[i + 1]);
    if (gradients.back().defined()) given.push_back(gradients.back());
  }
  const double rate = a.number("learningRate"), weight_decay = a.number("weightDecay");
  GradientVerdict verdict;
  if (a.compute.optimize && has_cuda_optimizer(a.tensor(2))) {
    CudaOptimizer optimizer(parameters, {beta1, beta2, eps});
    optimizer.set_rates(rate, weight_decay);
    optimizer.set_gradients(gradients);
    verdict = optimizer.verdict(loss, a.number("maxNorm"));
    optimizer.step(verdict.found_inf, verdict.scale, step);
  } else {
    verdict = gradient_verdict(given, loss, a.number("maxNorm"), a.compute);
    step.add_(1.0 - verdict.found_inf);
    for (size_t i = 0; i < parameters.size(); i++) {
      if (!gradients[i].defined()) continue;
      const auto& [parameter, exp_avg, exp_avg_sq, scale, decays] = parameters[i];
      const auto update = a.compute.optimize ? fused_adamw_update : plain_adamw_update;
      update({{parameter}, {gradients[i]}, {exp_avg}, {exp_avg_sq}}, {step, verdict.found_inf, verdict.scale},
             {rate * scale, beta1, beta2, eps, decays ? weight_decay : 0.0});
    }
  }
  std::vector<at::Tensor> results{verdict.norm, step};
  results.insert(results.end(), a.tensors.begin() + 2, a.tensors.end());
  return results;
}

// Each takes its tensors in the order of its function's arguments.
const std::map<std::string, Operation>& operations() {
  static const std::map<std::string, Operation> all{
      {"gelu",
       [](const OperationArguments& a) -> std::vector<at::Tensor> { return {at::gelu(a.tensor(0))}; }},
      {"layer_norm",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {layer_norm(a.tensor(0), a.tensor(1), a.tensor(2), a.number("eps"), a.compute)};
       }},
      {"add_norm",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         const auto [sum, normed] =
             add_norm(a.tensor(0), a.tensor(1), a.tensor(2), a.tensor(3), a.number("scale"), a.tensor(4),
                      a.tensor(5), a.number("eps"), a.compute);
         return {sum, normed};
       }},
      {"cross_entropy", cross_entropy_of_copy},
      {"linear_cross_entropy",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         const auto [loss, correct] =
             linear_cross_entropy(a.tensor(0), a.tensor(1), a.tensor(2), a.tensor(3), a.compute);
         return {loss, correct};
       }},
      {"linear",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {linear(a.tensor(0), a.tensor(1), a.tensor(2), a.compute)};
       }},
      {"linear_gelu",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {linear_gelu(a.tensor(0), a.tensor(1), a.tensor(2), a.compute)};
       }},
      {"bias_gelu",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {bias_gelu(product_of(a, 0), a.tensor(1), a.compute)};
       }},
      {"add_scaled_norm", add_scaled_norm},
      {"self_attention",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {
             self_attention(a.tensor(0), a.tensor(1), static_cast<int64_t>(a.number("heads")), a.compute)};
       }},
      {"masked_attention",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {masked_attention(a.tensor(0), a.tensor(1), a.tensor(2), a.tensor(3),
                                  static_cast<int64_t>(a.number("heads")), a.compute)};
       }},
      {"likeliest_codes",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {likeliest_codes(product_of(a, 0), product_of(a, 1), a.tensor(2), a.compute)};
       }},
      {"blockwise_masks", blockwise_masks_of},
      {"standardised_pixels", standardised_pixels_of},
      {"scaled_pixels",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {scaled_pixels(a.tensor(0), a.number("scale"), a.number("shift"), type_of(a), a.compute)};
       }},
      {"unit_pixels",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {unit_pixels(a.tensor(0), a.compute)};
       }},
      {"padded_rows",
       [](const OperationArguments& a) -> std::vector<at::Tensor> {
         return {padded_rows(a.tensor(0), static_cast<int64_t>(a.number("patches")))};
       }},
      {"adamw", adamw},
      {"half_matmul", half_matmul_of},
      {"conv3x3_relu", conv3x3_relu_once},
      {"conv1x1", conv1x1_once},
  };
  return all;
}

}  // namespace

double OperationArguments::number(const std::string& name) const {
  const auto found = numbers.find(name);
  if (found == numbers.end()) fail("ERR_INVALID_ARGUMENT", "numbers: '", name, "' is missing");
  return found->second;
}

at::Tensor OperationArguments::tensor(size_t index) const {
  return index < tensors.size() ? tensors[index] : at::Tensor();
}

Operation operation(const std::string& name) {
  const auto found = operations().find(name);
  if (found == operations().end()) fail("ERR_INVALID_ARGUMENT", "no operation is called '", name, "'");
  return found->second;
}

}  // namespace beit::ops
