#include "train/discrete_vae_step.h"

#include <cmath>

#include "engine/error.h"
#include "ops/network_pixels.h"
#include "train/autocast.h"
#include "train/images.h"
#include "train/token_counts.h"

namespace beit::train {

DiscreteVaeStep::DiscreteVaeStep(std::shared_ptr<const models::ConvDiscreteVae> model, const Options& options)
    : model_(std::move(model)), options_(options), on_device_(model_->numbered_device()) {
  const int64_t channels = options_.reconstruction == Reconstruction::kLogitLaplace ? 6 : 3;
  if (model_->config().output_channels != channels) {
    fail("ERR_INVALID_ARGUMENT", "this reconstruction loss needs a decoder of ", channels, " channels, got ",
         model_->config().output_channels, ": create the tokenizer with outputChannels: ", channels);
  }
}

void DiscreteVaeStep::check(const MicroBatch& batch) const {
  const int64_t stride = model_->stride();
  if (!batch.pixels.defined() || batch.pixels.dim() != 4 || batch.pixels.size(2) % stride != 0 ||
      batch.pixels.size(3) % stride != 0) {
    fail("ERR_SHAPE_MISMATCH", "pixels: expected (B, 3, H, W) with H and W multiples of ", stride, ", got ",
         batch.pixels.defined() ? batch.pixels.sizes() : at::IntArrayRef());
  }
  check_images("pixels", batch.pixels, -1, batch.pixels.size(2), batch.pixels.size(3));
}

// Gumbel-softmax (arXiv 1611.01144) over the codebook: (B, V, h, w) -> (B, V, h, w)
at::Tensor DiscreteVaeStep::relaxed_codes(const at::Tensor& logits, const LossSettings& settings) const {
  auto scores = logits;
  if (options_.noise && settings.forward.training) {
    scores = scores - at::empty_like(logits).exponential_(1.0, settings.forward.generator).log_();
  }
  const auto soft = at::softmax(scores / settings.temperature, 1);
  if (!options_.straight_through) return soft;
  const auto hard = at::zeros_like(soft).scatter_(1, soft.argmax(1, /*keepdim=*/true), 1.0);
  return hard - soft.detach() + soft;
}

at::Tensor DiscreteVaeStep::reconstruction_loss(const at::Tensor& decoded, const at::Tensor& pixels) const {
  switch (options_.reconstruction) {
    case Reconstruction::kMse:
      return at::mse_loss(decoded, pixels * 2 - 1);
    case Reconstruction::kSmoothL1:
      return at::smooth_l1_loss(decoded, pixels * 2 - 1);
    case Reconstruction::kLogitLaplace: {
      // Density of a logit-Laplace at x in (0.1, 0.9): 1 / (2 b x (1 - x)) exp(-|logit(x) - mu| / b),
      // appendix A.3.
      const auto x = pixels * 0.8 + 0.1;
      const auto parameters = decoded.chunk(2, 1);
      const auto& mu = parameters[0];
      const auto& log_b = parameters[1];
      const auto log_density =
          -(at::logit(x) - mu).abs() * (-log_b).exp() - log_b - std::log(2.0) - at::log(x) - at::log1p(-x);
      return -log_density.mean();
    }
  }
  fail("ERR_NATIVE", "unknown reconstruction loss");
}

Loss DiscreteVaeStep::loss(const MicroBatch& batch, const LossSettings& settings) const {
  const auto device = model_->device();
  const auto images = on_device_({batch.pixels})[0];
  const auto pixels = images.scalar_type() == at::kByte ? ops::unit_pixels(images, settings.forward.compute)
                                                        : images * 0.5 + 0.5;  // came as (x - 0.5) / 0.5

  // The networks in the precision of the run, the relaxation and the losses in float32.
  at::Tensor logits;  // (B, V, h, w)
  {
    Autocast autocast(device, settings.forward.compute.precision);
    logits = model_->logits(pixels);
  }
  logits = logits.to(at::kFloat);
  const auto codes = relaxed_codes(logits, settings);
  at::Tensor decoded;  // (B, 3 or 6, H, W)
  {
    Autocast autocast(device, settings.forward.compute.precision);
    decoded = model_->decode_soft(codes);
  }
  const auto reconstruction = reconstruction_loss(decoded.to(at::kFloat), pixels);

  const auto log_q = at::log_softmax(logits, 1);
  const double log_uniform = -std::log(static_cast<double>(model_->vocab_size()));
  const auto kl = (log_q.exp() * (log_q - log_uniform)).sum() / logits.size(0);

  return {reconstruction + settings.kl_weight * kl,
          {{"reconstruction", Metric::Over::kMean, reconstruction.detach()},
           {"kl", Metric::Over::kMean, kl.detach()}},
          token_counts(logits.detach().argmax(1), model_->vocab_size())};
}

}  // namespace beit::train
