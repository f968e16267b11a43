// What the library of CUDA kernels (beit_cuda.so, or its emulated twin of the tests) gives the addon, which
// opens it at run time. Neither knows libtorch's or CUDA's types of the other.
#pragma once

#include "cuda/attention.h"

namespace beit::cuda {

// Counts changes of the table and of the structures in it. A library of another version is not used.
constexpr uint32_t kApiVersion = 1;

// Kernels are queued on a stream (a cudaStream_t) of the current device; the numbers they give are
// cudaError_t.
struct Api {
  uint32_t version;
  const char* (*error_text)(int error);
  size_t (*attention_workspace)(const Attention& attention, bool backward);
  int (*attention_forward)(const Attention& attention, void* stream);
  int (*attention_backward)(const Attention& attention, const AttentionGradients& gradients, void* stream);
};

}  // namespace beit::cuda

// The one symbol that the library exports.
extern "C" __attribute__((visibility("default"))) const beit::cuda::Api* beit_cuda_api();
