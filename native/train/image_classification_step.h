// Fine-tuning of a classifier (engine_for_finetuning.py of microsoft/unilm, beit/): images erased and mixed
// as the batch says, against class ids or weights of the classes.
#pragma once
#include <array>
#include <memory>

#include "models/beit_for_image_classification.h"
#include "train/classification_loss.h"
#include "train/early_copies.h"
#include "train/images.h"
#include "train/objective.h"

namespace beit::train {

class ImageClassificationStep : public Objective {
 public:
  struct Options {
    std::array<double, 3> mean;  // of the normalisation of uint8 pixels
    std::array<double, 3> std;
    ClassificationLoss loss = ClassificationLoss::kCrossEntropy;
    double label_smoothing = 0.0;  // targets become (1 - smoothing) * target + smoothing / C
  };
  ImageClassificationStep(std::shared_ptr<const models::BeitForImageClassification> model,
                          const Options& options);

  const nn::Module& model() const override { return *model_; }
  void check(const MicroBatch& batch) const override;
  // Mean over the images (binary cross-entropy: over images and classes). Metrics: images; correct, those
  // whose likeliest class has the largest weight in their target as it was mixed.
  Loss loss(const MicroBatch& batch, const LossSettings& settings) const override;

 private:
  // What the loss takes: int64 (B) where they are ids that nothing has mixed, else float32 (B, C).
  at::Tensor targets(const at::Tensor& given, const std::optional<MixPlan>& mix) const;
  at::Tensor loss(const at::Tensor& logits, const at::Tensor& targets) const;

  std::shared_ptr<const models::BeitForImageClassification> model_;
  Options options_;
  Normalisation normalised_;
  EarlyCopies on_device_;
};

}  // namespace beit::train
