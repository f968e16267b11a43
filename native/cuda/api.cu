#include "cuda/api.h"

#include "cuda/launch.cuh"

namespace beit::cuda {

namespace {

const char* error_text(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

constexpr Api kApi{
    .version = kApiVersion,
    .error_text = error_text,
    .attention_workspace = attention_workspace,
    .attention_forward = attention_forward,
    .attention_backward = attention_backward,
    .add_norm_workspace = add_norm_workspace,
    .add_norm_forward = add_norm_forward,
    .add_norm_backward = add_norm_backward,
    .bias_gelu_workspace = bias_gelu_workspace,
    .bias_gelu_forward = bias_gelu_forward,
    .bias_gelu_backward = bias_gelu_backward,
    .cross_entropy_forward = cross_entropy_forward,
    .cross_entropy_backward = cross_entropy_backward,
    .network_pixels = network_pixels,
    .blockwise_masks = blockwise_masks,
    .likeliest_codes_workspace = likeliest_codes_workspace,
    .likeliest_codes = likeliest_codes,
    .take_in_logits = take_in_logits,
    .gradient_verdict = gradient_verdict,
    .adamw_step = adamw_step,
    .write_words = write_words,
};

}  // namespace

}  // namespace beit::cuda

const beit::cuda::Api* beit_cuda_api() { return &beit::cuda::kApi; }
