// One operation by itself, plain or fast, with its gradients: for tests and benchmarks.
#include <c10/core/GradMode.h>

#include "bindings/async.h"
#include "bindings/register.h"
#include "bindings/training_values.h"
#include "ops/cuda_kernels.h"
#include "ops/device_rates.h"
#include "ops/operations.h"

namespace beit::bindings {

namespace {

struct OperationResult {
  std::vector<at::Tensor> outputs;
  std::vector<at::Tensor> gradients;  // of the tensors given, undefined where there is none
};

std::vector<at::Tensor> tensors_of(const std::vector<SlotPtr>& slots) {
  std::vector<at::Tensor> tensors;
  for (const auto& slot : slots) tensors.push_back(slot ? slot->get() : at::Tensor());
  return tensors;
}

// The gradients of sum(outputs * weights) for every floating-point tensor given.
std::vector<at::Tensor> gradients_of(const std::vector<at::Tensor>& inputs,
                                     const std::vector<at::Tensor>& outputs,
                                     const std::vector<at::Tensor>& weights) {
  at::Tensor total;
  for (size_t i = 0; i < std::min(outputs.size(), weights.size()); i++) {
    if (!weights[i].defined()) continue;
    const auto term = (outputs[i] * weights[i]).sum();
    total = total.defined() ? total + term : term;
  }
  if (!total.defined()) return {};
  total.backward();
  std::vector<at::Tensor> gradients;
  for (const auto& input : inputs) gradients.push_back(input.defined() ? input.grad() : at::Tensor());
  return gradients;
}

OperationResult run(ops::Operation operation, ops::OperationArguments arguments,
                    const std::vector<at::Tensor>& weights) {
  c10::AutoGradMode with_gradient(!weights.empty());
  for (auto& tensor : arguments.tensors) {
    if (!tensor.defined()) continue;
    tensor = tensor.detach();
    if (!weights.empty() && tensor.is_floating_point()) tensor.requires_grad_();
  }
  OperationResult result;
  result.outputs = operation(arguments);
  result.gradients = gradients_of(arguments.tensors, result.outputs, weights);
  return result;
}

Napi::Value tensors_to_js(Napi::Env env, const std::vector<at::Tensor>& tensors) {
  auto array = Napi::Array::New(env, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); i++) {
    array.Set(i, tensors[i].defined() ? tensor_to_js(env, tensors[i].detach()) : env.Null());
  }
  return array;
}

// runOperation(name, tensors, numbers, { precision, optimize, gradients }): Promise<{ outputs, gradients }>
Napi::Value run_operation(const Napi::CallbackInfo& info) {
  const auto operation = ops::operation(string_from(info[0], "name"));
  const auto slots = optional_tensors_from(info[1], "tensors");
  ops::OperationArguments arguments;
  const auto numbers = object_from(info[2], "numbers");
  for (const auto& name : numbers.GetPropertyNames()) {
    const auto key = name.second.operator Napi::Value().As<Napi::String>().Utf8Value();
    arguments.numbers[key] = number_from(numbers.Get(key), key.c_str());
  }
  const auto settings = object_from(info[3], "settings");
  arguments.compute = compute_from(settings);
  std::vector<SlotPtr> weights;
  if (const auto given = settings.Get("gradients"); !is_absent(given))
    weights = optional_tensors_from(given, "gradients");
  return on_engine(
      info.Env(),
      [=]() mutable {
        arguments.tensors = tensors_of(slots);
        return run(operation, arguments, tensors_of(weights));
      },
      [](Napi::Env env, const OperationResult& result) -> Napi::Value {
        auto object = Napi::Object::New(env);
        object.Set("outputs", tensors_to_js(env, result.outputs));
        object.Set("gradients", tensors_to_js(env, result.gradients));
        return object;
      });
}

// cudaKernelsProblem(): Promise<string | null>
Napi::Value cuda_kernels_problem(const Napi::CallbackInfo& info) {
  return on_engine(
      info.Env(), [] { return ops::cuda_kernels_problem(); },
      [](Napi::Env env, const std::string& problem) -> Napi::Value {
        return problem.empty() ? env.Null() : Napi::String::New(env, problem);
      });
}

// emulateCudaKernels(path: string | null): Promise<void>
Napi::Value emulate_cuda_kernels(const Napi::CallbackInfo& info) {
  const auto path = is_absent(info[0]) ? std::string() : string_from(info[0], "path");
  return on_engine(info.Env(), [path] { ops::emulate_cuda_kernels(path); });
}

// deviceRates(device: string, side: number, bytes: number): Promise<{ arithmetic, memory }>
Napi::Value device_rates(const Napi::CallbackInfo& info) {
  const auto device = device_from_name(string_from(info[0], "device"));
  const auto side = integer_between(info[1], "side", 1, kMaxInteger);
  const auto bytes = integer_between(info[2], "bytes", 1, kMaxInteger);
  return on_engine(
      info.Env(), [=] { return ops::measure_device_rates(device, side, bytes); },
      [](Napi::Env env, const ops::DeviceRates& rates) -> Napi::Value {
        auto object = Napi::Object::New(env);
        object.Set("arithmetic", rates.arithmetic);
        object.Set("memory", rates.memory);
        return object;
      });
}

}  // namespace

void register_operation(Napi::Env env, Napi::Object exports) {
  export_function<run_operation>(env, exports, "runOperation");
  export_function<cuda_kernels_problem>(env, exports, "cudaKernelsProblem");
  export_function<emulate_cuda_kernels>(env, exports, "emulateCudaKernels");
  export_function<device_rates>(env, exports, "deviceRates");
}

}  // namespace beit::bindings
