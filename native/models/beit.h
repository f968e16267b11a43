// BEiT for masked image modelling: a ViT that sees an image with some patches replaced by one learned mask
// token and predicts the visual token of each masked patch (https://arxiv.org/abs/2106.08254, section 2).
// Architecture, initial values and state-dict names are those of beit/modeling_pretrain.py of
// microsoft/unilm.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "models/beit_block.h"
#include "models/beit_config.h"
#include "nn/layers.h"
#include "nn/module.h"

namespace beit::models {

class BeitForMaskedImageModeling : public nn::Module {
 public:
  BeitForMaskedImageModeling(const BeitConfig& config, const nn::ModuleOptions& options);

  const BeitConfig& config() const { return config_; }
  std::shared_ptr<nn::Module> clone_to(at::Device device, at::ScalarType dtype) const override;

  // pixels (B, 3, H, W) normalised; mask (B, N) bool, or undefined for no masking. B images of N patches.
  // Features after the final norm: (B, N + 1, D), class token first.
  at::Tensor features(const at::Tensor& pixels, const at::Tensor& mask,
                      const nn::ForwardContext& context) const;

  // The residual stream after each of `blocks` (0-based), without a norm: (B, N + 1, D) each.
  std::vector<at::Tensor> block_features(const at::Tensor& pixels, const at::Tensor& mask,
                                         const std::vector<int64_t>& blocks,
                                         const nn::ForwardContext& context) const;

  // Logits of the masked patches (masked, V) in row-major order of the mask, or of all (B, N, V).
  at::Tensor forward(const at::Tensor& pixels, const at::Tensor& mask, bool all_tokens,
                     const nn::ForwardContext& context) const;

 private:
  at::Tensor embed(const at::Tensor& pixels, const at::Tensor& mask) const;  // (B, N + 1, D)

  // In state-dict order: a member's parameters are made when it is.
  BeitConfig config_;
  at::Tensor cls_token_;   // (1, 1, D)
  at::Tensor mask_token_;  // (1, 1, D)
  at::Tensor pos_embed_;   // (1, N + 1, D), or undefined
  nn::Conv2d patch_embed_;
  RelativePositionBias shared_position_bias_;
  std::vector<BeitBlock> blocks_;
  nn::LayerNorm norm_;
  nn::Linear lm_head_;
};

}  // namespace beit::models
