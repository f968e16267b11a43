// The pre-training objective of BEiT (https://arxiv.org/abs/2106.08254, section 2.3;
// engine_for_pretraining.py of microsoft/unilm, beit/): predict the visual tokens of the masked patches.
#pragma once
#include <array>
#include <memory>
#include <optional>

#include "models/beit_for_masked_image_modeling.h"
#include "models/image_tokenizer.h"
#include "train/early_copies.h"
#include "train/images.h"
#include "train/objective.h"

namespace beit::train {

class MaskedImageModelingStep : public Objective {
 public:
  struct Options {
    // The model's view is normalised to (x - mean) / std with x in [0, 1].
    std::array<double, 3> mean;
    std::array<double, 3> std;
    // So many patches an image are looked at whatever the masks are, padded with ones that the loss ignores:
    // shapes stay, and nothing else changes. 1 to N; none: just those that are masked. A batch with more than
    // that is not padded.
    std::optional<int64_t> masked_patches;
  };
  // Without a tokenizer every batch brings its tokens. ERR_SHAPE_MISMATCH when the vocabularies differ.
  MaskedImageModelingStep(std::shared_ptr<const models::BeitForMaskedImageModeling> model,
                          std::shared_ptr<const models::ImageTokenizer> tokenizer, const Options& options);

  const nn::Module& model() const override { return *model_; }
  void check(const MicroBatch& batch) const override;
  MicroBatch on_device(const MicroBatch& batch) const override;
  bool replayable() const override { return true; }
  // Mean cross-entropy over the masked tokens of the batch. Metrics: masked, correct.
  Loss loss(const MicroBatch& batch, const LossSettings& settings) const override;

 private:
  // On the device, of `batch.rows` (M): -1 where a patch is not masked.
  at::Tensor targets(const MicroBatch& batch, const ops::Compute& compute) const;

  std::shared_ptr<const models::BeitForMaskedImageModeling> model_;
  std::shared_ptr<const models::ImageTokenizer> tokenizer_;
  std::optional<int64_t> masked_patches_;
  Normalisation normalised_;
  EarlyCopies on_device_;
};

}  // namespace beit::train
