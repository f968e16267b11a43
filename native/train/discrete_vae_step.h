// Training of a discrete VAE (DALL-E, https://arxiv.org/abs/2102.12092, section 2.1 and appendix A):
// reconstruct the image from relaxed codes and keep the codes near uniform.
#pragma once
#include <memory>
#include <string>

#include "models/conv_discrete_vae.h"
#include "train/early_copies.h"
#include "train/objective.h"

namespace beit::train {

enum class Reconstruction { kMse, kSmoothL1, kLogitLaplace };

class DiscreteVaeStep : public Objective {
 public:
  struct Options {
    Reconstruction reconstruction = Reconstruction::kMse;
    bool straight_through = false;  // decode one-hot codes, with the gradient of the relaxed ones
    bool noise = true;              // Gumbel noise while training
  };
  // ERR_INVALID_ARGUMENT when the decoder's channels (3, or 6 for logit-Laplace) do not fit the loss.
  DiscreteVaeStep(std::shared_ptr<const models::ConvDiscreteVae> model, const Options& options);

  const nn::Module& model() const override { return *model_; }
  void check(const MicroBatch& batch) const override;
  // reconstruction + kl_weight * kl. Metrics: reconstruction (mean over values), kl (KL(codes | uniform),
  // summed over positions, mean over images). Token counts are of the most probable codes, without noise.
  Loss loss(const MicroBatch& batch, const LossSettings& settings) const override;

 private:
  at::Tensor relaxed_codes(const at::Tensor& logits, const LossSettings& settings) const;
  at::Tensor reconstruction_loss(const at::Tensor& decoded, const at::Tensor& pixels) const;

  std::shared_ptr<const models::ConvDiscreteVae> model_;
  Options options_;
  EarlyCopies on_device_;
};

}  // namespace beit::train
