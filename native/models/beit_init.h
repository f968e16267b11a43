// The two ways in which the original draws initial weights: modeling_pretrain.py and modeling_finetune.py of
// microsoft/unilm (beit/) differ in the truncation and in the patch embedding.
#pragma once
#include <cmath>

#include "models/beit_config.h"
#include "nn/layers.h"

namespace beit::models {

enum class InitScheme { kPretraining, kFineTuning };

constexpr double kInitStd = 0.02;

// Linear weights, tokens and absolute positions, times `scale`. Fine-tuning truncates at +-2, a hundred
// deviations out: a plain normal.
inline nn::Init matrix_init(InitScheme scheme, double scale = 1.0) {
  return scheme == InitScheme::kPretraining ? nn::truncated_normal(kInitStd, scale)
                                            : nn::normal(kInitStd * scale);
}

// The output matrices of block l (1-based) start smaller by sqrt(2 l), so that deep residual streams start
// stable.
inline nn::Init residual_init(InitScheme scheme, int64_t block) {
  return matrix_init(scheme, 1.0 / std::sqrt(2.0 * static_cast<double>(block + 1)));
}

// Fine-tuning leaves the patch embedding as PyTorch made it.
inline nn::Init patch_weight_init(InitScheme scheme, const BeitConfig& config) {
  return scheme == InitScheme::kPretraining ? matrix_init(scheme) : nn::conv_default(3, config.patch_size);
}
inline nn::Init patch_bias_init(InitScheme scheme, const BeitConfig& config) {
  return scheme == InitScheme::kPretraining ? nn::zeros() : nn::conv_default(3, config.patch_size);
}

}  // namespace beit::models
