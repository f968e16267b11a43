#include "train/image_classification_step.h"

#include "engine/error.h"

namespace beit::train {

namespace {

void check_mix(const MixPlan& mix, int64_t height, int64_t width) {
  if (!(mix.lambda >= 0.0 && mix.lambda <= 1.0)) {
    fail("ERR_INVALID_ARGUMENT", "mix.lambda: expected 0 to 1, got ", mix.lambda);
  }
  if (!mix.box) return;
  const auto& [left, top, box_width, box_height] = *mix.box;
  if (left < 0 || top < 0 || box_width < 0 || box_height < 0 || int64_t{left} + box_width > width ||
      int64_t{top} + box_height > height) {
    fail("ERR_INVALID_ARGUMENT", "mix.box: expected [top, left, height, width] within ", height, " x ", width,
         " pixels, got [", top, ", ", left, ", ", box_height, ", ", box_width, "]");
  }
}

}  // namespace

ImageClassificationStep::ImageClassificationStep(
    std::shared_ptr<const models::BeitForImageClassification> model, const Options& options)
    : model_(std::move(model)), options_(options), normalised_(options.mean, options.std, model_->device()) {}

void ImageClassificationStep::check(const MicroBatch& batch) const {
  const auto& config = model_->config();
  check_images("pixels", batch.pixels, -1, config.image_height, config.image_width);
  const int64_t images = batch.pixels.size(0);
  check_targets(batch.targets, images);
  if (batch.mix) check_mix(*batch.mix, config.image_height, config.image_width);
  if (batch.erase && static_cast<int64_t>(batch.erase->indices.size()) != images) {
    fail("ERR_SHAPE_MISMATCH", "erase.indices: expected ", images, " numbers, one an image, got ",
         batch.erase->indices.size());
  }
}

void ImageClassificationStep::check_targets(const at::Tensor& targets, int64_t images) const {
  if (!targets.defined()) fail("ERR_INVALID_ARGUMENT", "targets: classification needs them, got null");
  const int64_t classes = model_->config().num_classes;
  const bool is_ids = targets.scalar_type() == at::kLong && targets.sizes() == at::IntArrayRef{images};
  const bool is_weights =
      targets.scalar_type() == at::kFloat && targets.sizes() == at::IntArrayRef{images, classes};
  if (!is_ids && !is_weights) {
    fail("ERR_SHAPE_MISMATCH", "targets: expected int64 [", images, "] or float32 [", images, ", ", classes,
         "], got ", targets.scalar_type(), " ", targets.sizes());
  }
  const auto [least, greatest] = at::aminmax(targets);
  if (is_ids) {
    if (least.item<int64_t>() >= 0 && greatest.item<int64_t>() < classes) return;
    fail("ERR_INVALID_ARGUMENT", "targets: expected class ids from 0 to ", classes - 1, ", got ",
         least.item<int64_t>(), " to ", greatest.item<int64_t>());
  }
  // Not a number compares false.
  if (least.item<float>() >= 0.0f && greatest.item<float>() <= 1.0f) return;
  fail("ERR_INVALID_ARGUMENT", "targets: expected weights from 0 to 1, got ", least.item<float>(), " to ",
       greatest.item<float>());
}

at::Tensor ImageClassificationStep::targets(const MicroBatch& batch) const {
  const auto given = batch.targets.to(model_->device());
  const bool is_ids = given.dim() == 1;
  if (is_ids && !batch.mix && options_.loss == ClassificationLoss::kCrossEntropy) return given;
  const int64_t classes = model_->config().num_classes;
  // (B) -> (B, C); at::one_hot would wait for the device to check its range.
  const auto weights = is_ids ? at::zeros({given.size(0), classes}, given.options().dtype(at::kFloat))
                                    .scatter_(1, given.unsqueeze(1), 1.0)
                              : given;
  return batch.mix ? mixed_targets(weights, *batch.mix) : weights;
}

// Smoothing is linear, so smoothed targets that are mixed are mixed targets that are smoothed.
at::Tensor ImageClassificationStep::loss(const at::Tensor& logits, const at::Tensor& targets) const {
  const double smoothing = options_.label_smoothing;
  if (options_.loss == ClassificationLoss::kCrossEntropy) {
    return at::cross_entropy_loss(logits, targets, /*weight=*/{}, at::Reduction::Mean, /*ignore_index=*/-100,
                                  smoothing);
  }
  const auto smoothed = targets * (1.0 - smoothing) + smoothing / static_cast<double>(logits.size(1));
  return at::binary_cross_entropy_with_logits(logits, smoothed);
}

Loss ImageClassificationStep::loss(const MicroBatch& batch, const LossSettings& settings) const {
  auto pixels = normalised_(batch.pixels);
  if (batch.erase) pixels = erased(pixels, *batch.erase);
  if (batch.mix) pixels = mixed_pixels(pixels, *batch.mix);
  const auto target = targets(batch);
  at::Tensor logits;  // (B, C)
  {
    Autocast autocast(model_->device(), settings.precision);
    logits = model_->forward(pixels, settings.forward);
  }
  logits = logits.to(at::kFloat);

  const auto likeliest = logits.detach().argmax(1);  // (B)
  at::Tensor hits;                                   // (B) bool
  if (target.dim() == 1) {
    hits = likeliest.eq(target);
  } else {
    // Not by arg-max of the target, which says one class where several weigh the same; nothing is right for
    // an image of no class.
    const auto weight = target.gather(1, likeliest.unsqueeze(1)).squeeze(1);
    hits = weight.eq(target.amax(1)).logical_and(weight.gt(0));
  }
  const auto images = at::full({}, target.size(0), likeliest.options());
  return {loss(logits, target),
          {{"images", Metric::Over::kSum, images}, {"correct", Metric::Over::kSum, hits.sum()}},
          at::empty({0}, likeliest.options())};
}

}  // namespace beit::train
