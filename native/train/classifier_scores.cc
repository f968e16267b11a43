#include "train/classifier_scores.h"

#include <c10/core/GradMode.h>

#include "engine/error.h"
#include "train/classification_targets.h"
#include "train/images.h"

namespace beit::train {

namespace {

// logits (B, C) float64 -> (B)
at::Tensor losses_of(const at::Tensor& logits, const at::Tensor& targets, ClassificationLoss loss) {
  const auto wanted = targets.to(logits.device());
  if (loss == ClassificationLoss::kCrossEntropy) {
    const auto log_probabilities = at::log_softmax(logits, 1);
    if (are_class_ids(wanted)) return -log_probabilities.gather(1, wanted.unsqueeze(1)).squeeze(1);
    return -(wanted.to(at::kDouble) * log_probabilities).sum(1);
  }
  const auto weights = class_weights(wanted, logits.size(1)).to(at::kDouble);
  return at::binary_cross_entropy_with_logits(logits, weights, /*weight=*/{}, /*pos_weight=*/{},
                                              at::Reduction::None)
      .mean(1);
}

}  // namespace

ClassifierScores classifier_scores(const models::BeitForImageClassification& model, const at::Tensor& pixels,
                                   const at::Tensor& targets, const ClassifierScoring& scoring) {
  const auto& config = model.config();
  check_images("pixels", pixels, -1, config.image_height, config.image_width);
  const int64_t images = pixels.size(0), classes = config.num_classes;
  if (targets.defined()) check_targets(targets, images, classes);
  const int64_t kept = scoring.top_k.value_or(classes);
  if (kept < 1 || kept > classes)
    fail("ERR_INVALID_ARGUMENT", "topK: expected 1 to ", classes, ", got ", kept);

  c10::NoGradGuard no_gradient;
  nn::ForwardContext context;
  context.compute.precision = scoring.precision;
  const auto x = Normalisation(scoring.mean, scoring.std, model.device())(pixels, context.compute);
  at::Tensor logits;  // (B, C)
  {
    const auto autocast = Autocast::for_transformer(model.device(), context.compute);
    logits = model.forward(x.to(model.dtype()), context).to(at::kDouble);
  }

  auto probabilities =
      scoring.loss == ClassificationLoss::kCrossEntropy ? at::softmax(logits, 1) : at::sigmoid(logits);
  // One tensor to read back: [losses | classes |] probabilities, (B, 1 + K + K). Ids are whole in float64.
  std::vector<at::Tensor> columns;
  if (targets.defined()) columns.push_back(losses_of(logits, targets, scoring.loss).unsqueeze(1));
  if (scoring.top_k) {
    // By logits, which differ where probabilities have all become 0 or 1; topk gives equals in any order.
    const auto order = std::get<1>(at::sort(logits, /*stable=*/true, /*dim=*/1, /*descending=*/true));
    const auto best = order.slice(1, 0, kept);
    columns.push_back(best.to(at::kDouble));
    probabilities = probabilities.gather(1, best);
  }
  columns.push_back(probabilities);
  const auto table = at::cat(columns, 1).cpu();

  ClassifierScores scores;
  scores.classes_per_image = kept;
  const double* value = table.const_data_ptr<double>();
  for (int64_t image = 0; image < images; image++) {
    if (targets.defined()) scores.losses.push_back(*value++);
    for (int64_t i = 0; scoring.top_k && i < kept; i++)
      scores.classes.push_back(static_cast<int32_t>(*value++));
    for (int64_t i = 0; i < kept; i++) scores.probabilities.push_back(static_cast<float>(*value++));
  }
  return scores;
}

}  // namespace beit::train
