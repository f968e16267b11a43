// What the library of CUDA kernels (beit_cuda.so, or its emulated twin of the tests) gives the addon, which
// opens it at run time. Neither knows libtorch's or CUDA's types of the other.
#pragma once

#include "cuda/add_norm.h"
#include "cuda/attention.h"
#include "cuda/bias_gelu.h"
#include "cuda/blockwise_masks.h"
#include "cuda/cross_entropy.h"
#include "cuda/likeliest_codes.h"
#include "cuda/network_pixels.h"
#include "cuda/optimizer.h"

namespace beit::cuda {

// Counts changes of the table and of the structures in it. A library of another version is not used.
constexpr uint32_t kApiVersion = 7;

// Kernels are queued on a stream (a cudaStream_t) of the current device; the numbers they give are
// cudaError_t.
struct Api {
  uint32_t version;
  const char* (*error_text)(int error);
  size_t (*attention_workspace)(const Attention& attention, bool backward);
  int (*attention_forward)(const Attention& attention, void* stream);
  int (*attention_backward)(const Attention& attention, const AttentionGradients& gradients, void* stream);
  size_t (*add_norm_workspace)(const AddNorm& add_norm);
  int (*add_norm_forward)(const AddNorm& add_norm, void* stream);
  int (*add_norm_backward)(const AddNorm& add_norm, const AddNormGradients& gradients, void* stream);
  size_t (*bias_gelu_workspace)(const BiasGelu& gelu);
  int (*bias_gelu_forward)(const BiasGelu& gelu, void* stream);
  int (*bias_gelu_backward)(const BiasGelu& gelu, const BiasGeluGradients& gradients, void* stream);
  int (*cross_entropy_forward)(const CrossEntropy& cross_entropy, void* stream);
  int (*cross_entropy_backward)(const CrossEntropyGradient& gradient, void* stream);
  int (*network_pixels)(const NetworkPixels& pixels, void* stream);
  int (*blockwise_masks)(const BlockwiseMasks& masks, void* stream);
  size_t (*likeliest_codes_workspace)(const LikeliestCodes& codes);
  int (*likeliest_codes)(const LikeliestCodes& codes, void* stream);
  int (*take_in_logits)(const LogitsPiece& piece, void* stream);
  int (*gradient_verdict)(const Optimizer& optimizer, const GradientVerdict& verdict, void* stream);
  int (*adamw_step)(const Optimizer& optimizer, const AdamWStep& step, void* stream);
  int (*write_words)(void* to, const void* from, size_t bytes, void* stream);
};

}  // namespace beit::cuda

// The one symbol that the library exports.
extern "C" __attribute__((visibility("default"))) const beit::cuda::Api* beit_cuda_api();
