#include "ops/cuda_kernels.h"

#include <ATen/DeviceAccelerator.h>

#include "engine/error.h"
#include "engine/own_library.h"

namespace beit::ops {

namespace {

struct Library {
  const cuda::Api* kernels = nullptr;
  std::string problem;
};

Library open_library(const std::string& path) {
  const auto symbol = library_symbol(path, "beit_cuda_api");
  if (symbol.address == nullptr) return {nullptr, symbol.problem};
  const cuda::Api* kernels = reinterpret_cast<decltype(&beit_cuda_api)>(symbol.address)();
  if (kernels->version != cuda::kApiVersion) {
    return {nullptr, path + " is of version " + std::to_string(kernels->version) + ", expected " +
                         std::to_string(cuda::kApiVersion)};
  }
  return {kernels, ""};
}

const Library& of_gpus() {
  static const Library library = open_library(beside_addon("beit_cuda.so"));
  return library;
}

const cuda::Api*& emulated() {
  static const cuda::Api* kernels = nullptr;
  return kernels;
}

}  // namespace

const cuda::Api* cuda_kernels(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return emulated();
  return tensor.is_cuda() ? of_gpus().kernels : nullptr;
}

std::string cuda_kernels_problem() { return of_gpus().problem; }

void emulate_cuda_kernels(const std::string& path) {
  emulated() = nullptr;
  if (path.empty()) return;
  const auto library = open_library(path);
  if (library.kernels == nullptr) fail("ERR_NATIVE", "cannot open the emulated kernels: ", library.problem);
  emulated() = library.kernels;
}

void* cuda_stream(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return nullptr;
  return at::accelerator::getCurrentStream(tensor.device().index()).native_handle();
}

at::Tensor cuda_operand(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  const auto result = tensor.contiguous();
  const bool aligned = reinterpret_cast<uintptr_t>(result.const_data_ptr()) % 16 == 0;
  return aligned ? result : result.clone();
}

void check_cuda(const cuda::Api& kernels, int error, const char* kernel) {
  if (error != 0) fail("ERR_NATIVE", "the CUDA kernel '", kernel, "' failed: ", kernels.error_text(error));
}

}  // namespace beit::ops
