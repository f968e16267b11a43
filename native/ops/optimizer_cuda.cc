#include "ops/optimizer_cuda.h"

#include <c10/core/DeviceGuard.h>

#include <limits>

namespace beit::ops {

namespace {

float* floats(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr;
}

template <class T>
const T* table(const at::Tensor& bytes) {
  return static_cast<const T*>(bytes.const_data_ptr());
}

}  // namespace

bool has_cuda_optimizer(const at::Tensor& parameter) {
  return parameter.scalar_type() == at::kFloat && cuda_operand(parameter).is_same(parameter) &&
         cuda_kernels(parameter) != nullptr;
}

CudaOptimizer::CudaOptimizer(const std::vector<Parameter>& parameters, const Settings& settings)
    : settings_(settings) {
  std::vector<cuda::OptimizedTensor> tensors;
  std::vector<cuda::OptimizerChunk> chunks;
  for (const auto& [parameter, exp_avg, exp_avg_sq, scale, decays] : parameters) {
    const int64_t count = parameter.numel();
    for (int64_t i = 0; i * cuda::kOptimizerChunk < count; i++) {
      chunks.push_back({static_cast<int32_t>(tensors.size()), static_cast<int32_t>(i)});
    }
    tensors.push_back({floats(parameter), floats(exp_avg), floats(exp_avg_sq), count,
                       static_cast<float>(scale), decays ? 1.0f : 0.0f});
  }
  chunk_count_ = static_cast<int64_t>(chunks.size());
  const auto options = parameters.front().parameter.options().requires_grad(false);
  const c10::DeviceGuard device(options.device());
  const auto bytes = [&](size_t count) {
    return at::empty({static_cast<int64_t>(count)}, options.dtype(at::kByte));
  };
  tensors_ = bytes(tensors.size() * sizeof tensors[0]);
  chunks_ = bytes(chunks.size() * sizeof chunks[0]);
  gradients_ = bytes(parameters.size() * sizeof(float*));
  partials_ = at::empty({chunk_count_}, options);
  rates_ = at::empty({2}, options);
  corrections_ = at::empty({2}, options);
  write(tensors_, tensors.data(), tensors_.nbytes());
  write(chunks_, chunks.data(), chunks_.nbytes());
}

void CudaOptimizer::set_rates(double learning_rate, double weight_decay) {
  const cuda::OptimizerRates rates{static_cast<float>(learning_rate), static_cast<float>(weight_decay)};
  write(rates_, &rates, sizeof rates);
}

void CudaOptimizer::set_gradients(const std::vector<at::Tensor>& gradients) {
  std::vector<float*> pointers;
  for (const auto& gradient : gradients) pointers.push_back(floats(gradient));
  write(gradients_, pointers.data(), gradients_.nbytes());
}

GradientVerdict CudaOptimizer::verdict(const at::Tensor& loss, std::optional<double> max_norm) {
  const c10::DeviceGuard device(partials_.device());
  const auto& kernels = *cuda_kernels(partials_);
  const auto numbers = at::empty({4}, partials_.options());
  const auto of_loss = loss.to(at::kFloat);
  const float most = max_norm ? static_cast<float>(*max_norm) : std::numeric_limits<float>::infinity();
  const cuda::GradientVerdict verdict{
      .loss = of_loss.const_data_ptr<float>(),
      .most = most,
      .partials = floats(partials_),
      .verdict = static_cast<cuda::OptimizerVerdict*>(numbers.mutable_data_ptr())};
  check_cuda(kernels, kernels.gradient_verdict(tables(), verdict, cuda_stream(partials_)),
             "gradient_verdict");
  return {.norm = numbers[0], .finite = numbers[1], .found_inf = numbers[2], .scale = numbers[3]};
}

void CudaOptimizer::step(const at::Tensor& found_inf, const at::Tensor& gradient_scale,
                         const at::Tensor& step) {
  const c10::DeviceGuard device(partials_.device());
  const auto& kernels = *cuda_kernels(partials_);
  const cuda::AdamWStep settings{.beta1 = settings_.beta1,
                                 .beta2 = settings_.beta2,
                                 .eps = static_cast<float>(settings_.eps),
                                 .rates = table<cuda::OptimizerRates>(rates_),
                                 .found_inf = floats(found_inf),
                                 .gradient_scale = floats(gradient_scale),
                                 .step = floats(step),
                                 .corrections = floats(corrections_)};
  check_cuda(kernels, kernels.adamw_step(tables(), settings, cuda_stream(partials_)), "adamw_step");
}

cuda::Optimizer CudaOptimizer::tables() const {
  return {.tensors = table<cuda::OptimizedTensor>(tensors_),
          .gradients = table<float*>(gradients_),
          .chunks = table<cuda::OptimizerChunk>(chunks_),
          .chunk_count = chunk_count_};
}

void CudaOptimizer::write(const at::Tensor& to, const void* from, size_t bytes) {
  const c10::DeviceGuard device(to.device());
  const auto& kernels = *cuda_kernels(to);
  check_cuda(kernels, kernels.write_words(to.mutable_data_ptr(), from, bytes, cuda_stream(to)),
             "write_words");
}

}  // namespace beit::ops
