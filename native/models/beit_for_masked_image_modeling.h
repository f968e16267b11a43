// BEiT for masked image modelling: a ViT that sees an image with some patches replaced by one learned mask
// token and predicts the visual token of each masked patch (https://arxiv.org/abs/2106.08254, section 2).
// Initial values and state-dict names are those of beit/modeling_pretrain.py of microsoft/unilm.
#pragma once
#include <memory>

#include "models/beit.h"

namespace beit::models {

class BeitForMaskedImageModeling : public Beit {
 public:
  BeitForMaskedImageModeling(const BeitConfig& config, const nn::ModuleOptions& options);

  std::shared_ptr<nn::Module> clone_to(at::Device device, at::ScalarType dtype) const override;

  // pixels (B, 3, H, W) normalised; mask (B, N) bool, or undefined for no masking.
  // Features after the final norm: (B, N + 1, D), class token first.
  at::Tensor features(const at::Tensor& pixels, const at::Tensor& mask,
                      const nn::ForwardContext& context) const;

  at::Tensor head_features(const at::Tensor& pixels, TokenPooling pooling,
                           const nn::ForwardContext& context) const override;

  // Logits of the masked patches (masked, V) in row-major order of the mask, or of all (B, N, V).
  at::Tensor forward(const at::Tensor& pixels, const at::Tensor& mask, bool all_tokens,
                     const nn::ForwardContext& context) const;

  // Features (M, D) after the final norm of the patches that `rows` (M) numbers from 0 to B N - 1, rising, on
  // the device of the model: masked_rows(mask), or more. Their logits are head() of them.
  at::Tensor masked_features(const at::Tensor& pixels, const at::Tensor& mask, const at::Tensor& rows,
                             const nn::ForwardContext& context) const;
  const nn::Linear& head() const { return lm_head_; }  // D -> V

  // Numbers of the masked patches in row-major order: (B, N) bool -> (masked) int64. On a GPU the host waits
  // for it.
  static at::Tensor masked_rows(const at::Tensor& mask);

 private:
  nn::LayerNorm norm_;
  nn::Linear lm_head_;
};

}  // namespace beit::models
