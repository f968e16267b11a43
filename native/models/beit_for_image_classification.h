// BEiT for image classification: the pre-trained Transformer with one linear layer on its pooled output
// (https://arxiv.org/abs/2106.08254, section 2.6). Initial values and state-dict names are those of
// beit/modeling_finetune.py of microsoft/unilm.
#pragma once
#include <memory>

#include "models/beit.h"

namespace beit::models {

class BeitForImageClassification : public Beit {
 public:
  BeitForImageClassification(const BeitConfig& config, const nn::ModuleOptions& options);

  std::shared_ptr<nn::Module> clone_to(at::Device device, at::ScalarType dtype) const override;

  at::Tensor head_features(const at::Tensor& pixels, TokenPooling pooling,
                           const nn::ForwardContext& context) const override;

  // What the head sees, (B, D): the normalised mean of the patches, or the normalised class token.
  // pixels (B, 3, H, W) normalised.
  at::Tensor pooled(const at::Tensor& pixels, const nn::ForwardContext& context) const;

  // Logits (B, C).
  at::Tensor forward(const at::Tensor& pixels, const nn::ForwardContext& context) const;

 private:
  nn::LayerNorm norm_;  // named fc_norm behind mean pooling, norm before class pooling, as in the original
  nn::Linear head_;
};

}  // namespace beit::models
