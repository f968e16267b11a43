// The part that every BEiT shares: patches and tokens to a residual stream, through Transformer blocks
// (https://arxiv.org/abs/2106.08254, section 2). Architecture and state-dict names are those of
// beit/modeling_pretrain.py and beit/modeling_finetune.py of microsoft/unilm; what follows the last block is
// the subclass's.
#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "models/beit_block.h"
#include "models/beit_config.h"
#include "models/beit_init.h"
#include "models/fast_block.h"
#include "models/token_pooling.h"
#include "nn/layers.h"
#include "nn/module.h"

namespace beit::models {

class Beit : public nn::Module {
 public:
  const BeitConfig& config() const { return config_; }

  // The residual stream after each of `blocks` (0-based), without a norm: (B, N + 1, D) each, class token
  // first. pixels (B, 3, H, W) normalised; mask (B, N) bool, or undefined for no masking. B images of N
  // patches.
  std::vector<at::Tensor> block_features(const at::Tensor& pixels, const at::Tensor& mask,
                                         const std::vector<int64_t>& blocks,
                                         const nn::ForwardContext& context) const;

  // The same pooled over the tokens as it goes, so that no stream is kept: float32 (B, blocks, D), 2D of both
  // poolings, or (B, blocks, N, D).
  at::Tensor pooled_block_features(const at::Tensor& pixels, const std::vector<int64_t>& blocks,
                                   TokenPooling pooling, const nn::ForwardContext& context) const;

  // The attention of `block` (0-based): (B, H, N + 1, N + 1), rows are queries and sum to 1.
  at::Tensor attention_probabilities(const at::Tensor& pixels, const at::Tensor& mask, int64_t block,
                                     const nn::ForwardContext& context) const;

  // What follows the last block, without the head: float32 (B, D), (B, 2D) or (B, N, D). A classifier pools
  // as its head does, whatever `pooling`.
  virtual at::Tensor head_features(const at::Tensor& pixels, TokenPooling pooling,
                                   const nn::ForwardContext& context) const = 0;

 protected:
  enum class MaskToken { kNone, kLearned };
  Beit(const BeitConfig& config, const nn::ModuleOptions& options, InitScheme scheme, MaskToken mask_token);

  // The residual stream after the last block: (B, N + 1, D).
  at::Tensor stream(const at::Tensor& pixels, const at::Tensor& mask,
                    const nn::ForwardContext& context) const;
  // `norm` of the same at some patches alone: `rows` (M) int64, rising, of the B * N -> (M, D).
  at::Tensor normed_patches(const at::Tensor& pixels, const at::Tensor& mask, const at::Tensor& rows,
                            const nn::LayerNorm& norm, const nn::ForwardContext& context) const;

 private:
  // Calls `visit` with the number of each block up to `last` and the stream after it.
  void visit_blocks(const at::Tensor& pixels, const at::Tensor& mask, int64_t last,
                    const nn::ForwardContext& context,
                    const std::function<void(int64_t, const at::Tensor&)>& visit) const;
  // The same by fast blocks, without block `last`: the stream before it.
  NormedStream visit_fast_blocks(const at::Tensor& pixels, const at::Tensor& mask, int64_t last,
                                 const at::Tensor& shared_bias, const nn::ForwardContext& context,
                                 const std::function<void(int64_t, const at::Tensor&)>& visit) const;
  at::Tensor patches(const at::Tensor& pixels, const ops::Compute& compute) const;  // (B, N, D)
  at::Tensor embed(const at::Tensor& pixels, const at::Tensor& mask,
                   const ops::Compute& compute) const;  // (B, N + 1, D)

  // In state-dict order: a member's parameters are made when it is.
  BeitConfig config_;
  at::Tensor cls_token_;   // (1, 1, D)
  at::Tensor mask_token_;  // (1, 1, D), or undefined
  at::Tensor pos_embed_;   // (1, N + 1, D), or undefined
  nn::Conv2d patch_embed_;
  RelativePositionBias shared_position_bias_;
  std::vector<BeitBlock> blocks_;
};

}  // namespace beit::models
