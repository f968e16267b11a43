#include "train/masked_image_modeling_step.h"

#include <c10/core/GradMode.h>

#include "engine/error.h"
#include "ops/linear_cross_entropy.h"
#include "ops/padded_rows.h"
#include "train/autocast.h"
#include "train/token_counts.h"

namespace beit::train {

MaskedImageModelingStep::MaskedImageModelingStep(
    std::shared_ptr<const models::BeitForMaskedImageModeling> model,
    std::shared_ptr<const models::ImageTokenizer> tokenizer, const Options& options)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      masked_patches_(options.masked_patches),
      normalised_(options.mean, options.std, model_->device()),
      on_device_(model_->numbered_device()) {
  const int64_t patches = model_->config().patches();
  if (masked_patches_ && (*masked_patches_ < 1 || *masked_patches_ > patches)) {
    fail("ERR_INVALID_ARGUMENT", "maskedPatches: expected 1 to ", patches, ", the patches of an image, got ",
         *masked_patches_);
  }
  if (!tokenizer_) return;
  if (tokenizer_->vocab_size() != model_->config().vocab_size) {
    fail("ERR_SHAPE_MISMATCH", "the model predicts ", model_->config().vocab_size,
         " tokens, but the tokenizer has ", tokenizer_->vocab_size(),
         ": create the model with the vocabSize of the tokenizer");
  }
  const auto expected = model_->numbered_device(), actual = tokenizer_->numbered_device();
  if (actual != expected || tokenizer_->dtype() != at::kFloat) {
    fail("ERR_INVALID_ARGUMENT", "tokenizer: expected float32 on ", expected, " like the model, got ",
         tokenizer_->dtype(), " on ", actual, ": move it with to()");
  }
}

void MaskedImageModelingStep::check(const MicroBatch& batch) const {
  const auto& config = model_->config();
  check_images("pixels", batch.pixels, -1, config.image_height, config.image_width);
  const int64_t images = batch.pixels.size(0);
  const std::vector<int64_t> grid{images, config.patches()};
  if (!batch.mask.defined()) fail("ERR_INVALID_ARGUMENT", "mask: masked image modelling needs one, got null");
  if (batch.mask.scalar_type() != at::kBool || batch.mask.sizes() != grid) {
    fail("ERR_SHAPE_MISMATCH", "mask: expected bool ", at::IntArrayRef(grid), ", got ",
         batch.mask.scalar_type(), " ", batch.mask.sizes());
  }
  if (!batch.mask.any().item<bool>()) {
    fail("ERR_INVALID_ARGUMENT", "mask: no patch of the ", images,
         " images is masked, so there is nothing to predict; raise the number of masked patches or lower the "
         "smallest block");
  }
  if (!batch.tokens.defined()) {
    if (!tokenizer_) fail("ERR_INVALID_ARGUMENT", "tokens: needed, because the trainer has no tokenizer");
    check_images("tokenPixels", batch.token_pixels, images, config.rows() * tokenizer_->stride(),
                 config.columns() * tokenizer_->stride());
    return;
  }
  if (batch.tokens.scalar_type() != at::kLong || batch.tokens.sizes() != grid) {
    fail("ERR_SHAPE_MISMATCH", "tokens: expected int64 ", at::IntArrayRef(grid), ", got ",
         batch.tokens.scalar_type(), " ", batch.tokens.sizes());
  }
  const auto [least, greatest] = at::aminmax(batch.tokens);
  if (least.item<int64_t>() < 0 || greatest.item<int64_t>() >= config.vocab_size) {
    fail("ERR_INVALID_ARGUMENT", "tokens: expected ids from 0 to ", config.vocab_size - 1, ", got ",
         least.item<int64_t>(), " to ", greatest.item<int64_t>());
  }
}

MicroBatch MaskedImageModelingStep::on_device(const MicroBatch& batch) const {
  // The rows come from the mask as it came, on the CPU: on a GPU the host would wait to learn how many they
  // are.
  auto rows = masked_patches_ ? ops::padded_rows(batch.mask, *masked_patches_) : at::Tensor();
  if (!rows.defined()) rows = models::BeitForMaskedImageModeling::masked_rows(batch.mask);
  const auto copies = on_device_({batch.mask, rows, batch.pixels, batch.tokens, batch.token_pixels});
  MicroBatch result;
  result.mask = copies[0];
  result.rows = copies[1];
  result.pixels = copies[2];
  result.tokens = copies[3];
  result.token_pixels = copies[4];
  return result;
}

at::Tensor MaskedImageModelingStep::targets(const MicroBatch& batch, const ops::Compute& compute) const {
  c10::NoGradGuard no_grad;
  const auto of_rows = [&](const at::Tensor& x) { return x.flatten().index_select(0, batch.rows); };
  const auto tokens = batch.tokens.defined()
                          ? of_rows(batch.tokens)
                          : tokenizer_->encode_rows(batch.token_pixels, batch.rows, compute);
  if (!masked_patches_) return tokens;
  return tokens.masked_fill(of_rows(batch.mask).logical_not(), ops::kIgnoredTarget);
}

Loss MaskedImageModelingStep::loss(const MicroBatch& batch, const LossSettings& settings) const {
  const auto& compute = settings.forward.compute;
  const auto pixels =
      normalised_(batch.pixels, compute, Autocast::transformer_type(model_->device(), compute));
  settings.mark("images");
  const auto target = targets(batch, compute);
  settings.mark("tokenizer");
  const auto autocast = Autocast::for_transformer(model_->device(), compute);
  const auto features = model_->masked_features(pixels, batch.mask, batch.rows, settings.forward);  // (M, D)
  const auto& head = model_->head();
  const auto [loss, correct] = ops::linear_cross_entropy(features, head.weight, head.bias, target, compute);
  return {loss,
          {{"masked", Metric::Over::kSum, target.ne(ops::kIgnoredTarget).sum()},
           {"correct", Metric::Over::kSum, correct}},
          token_counts(target, model_->config().vocab_size)};
}

}  // namespace beit::train
