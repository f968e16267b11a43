#include "train/image_classification_step.h"

#include "engine/error.h"
#include "train/autocast.h"
#include "train/classification_targets.h"

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
    : model_(std::move(model)),
      options_(options),
      normalised_(options.mean, options.std, model_->device()),
      on_device_(model_->numbered_device()) {}

void ImageClassificationStep::check(const MicroBatch& batch) const {
  const auto& config = model_->config();
  check_images("pixels", batch.pixels, -1, config.image_height, config.image_width);
  const int64_t images = batch.pixels.size(0);
  check_targets(batch.targets, images, config.num_classes);
  if (batch.mix) check_mix(*batch.mix, config.image_height, config.image_width);
  if (batch.erase && static_cast<int64_t>(batch.erase->indices.size()) != images) {
    fail("ERR_SHAPE_MISMATCH", "erase.indices: expected ", images, " numbers, one an image, got ",
         batch.erase->indices.size());
  }
}

at::Tensor ImageClassificationStep::targets(const at::Tensor& given,
                                            const std::optional<MixPlan>& mix) const {
  if (are_class_ids(given) && !mix && options_.loss == ClassificationLoss::kCrossEntropy) return given;
  const auto weights = class_weights(given, model_->config().num_classes);  // (B, C)
  return mix ? mixed_targets(weights, *mix) : weights;
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
  const auto boxes =
      batch.erase ? erased_boxes(*batch.erase, batch.pixels.size(2), batch.pixels.size(3)) : ErasedBoxes();
  const auto copies = on_device_({batch.pixels, batch.targets, boxes.noise});
  auto pixels = normalised_(copies[0], settings.forward.compute);
  if (boxes.noise.defined()) pixels = erased(pixels, boxes, copies[2]);
  if (batch.mix) pixels = mixed_pixels(pixels, *batch.mix);
  const auto target = targets(copies[1], batch.mix);
  settings.mark("images");
  at::Tensor logits;  // (B, C)
  {
    const auto autocast = Autocast::for_transformer(model_->device(), settings.forward.compute);
    logits = model_->forward(pixels, settings.forward);
  }
  logits = logits.to(at::kFloat);

  const auto likeliest = logits.detach().argmax(1);  // (B)
  at::Tensor hits;                                   // (B) bool
  if (are_class_ids(target)) {
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
