// The library of own CUDA kernels, which the addon opens where it lies beside it: beit_cuda.so.
#pragma once
#include <ATen/ATen.h>

#include <string>

#include "cuda/api.h"

namespace beit::ops {

// The kernels that run on the tensor's device; null: none, libtorch's operations do the work. On the CPU
// there are none unless emulate_cuda_kernels() opened some.
const cuda::Api* cuda_kernels(const at::Tensor& tensor);

// Why the kernels for GPUs cannot be used, as far as that can be told without a GPU; empty: they can.
std::string cuda_kernels_problem();

// For tests: opens an emulated library, whose kernels take tensors of the CPU. An empty path: no longer.
// ERR_NATIVE when it cannot be opened or is of another version.
void emulate_cuda_kernels(const std::string& path);

// The current stream of the tensor's device, for a kernel; null on the CPU.
void* cuda_stream(const at::Tensor& tensor);

// The tensor as kernels read it: contiguous, and aligned to 16 bytes. An undefined one stays so.
at::Tensor cuda_operand(const at::Tensor& tensor);

// ERR_NATIVE, saying which kernel failed and why, unless `error` is 0.
void check_cuda(const cuda::Api& kernels, int error, const char* kernel);

}  // namespace beit::ops
