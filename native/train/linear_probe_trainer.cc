#include "train/linear_probe_trainer.h"

#include <c10/core/GradMode.h>

#include "engine/error.h"

namespace beit::train {

LinearProbeTrainer::LinearProbeTrainer(std::shared_ptr<const models::LinearProbe> probe,
                                       const AdamW::Options& options)
    : probe_(std::move(probe)),
      optimizer_(*probe_, options),
      totals_(at::zeros({2, probe_->config().layers},
                        at::TensorOptions().device(probe_->device()).dtype(at::kDouble))) {}

void LinearProbeTrainer::step(const ProbeBatch& batch, double learning_rate, double weight_decay) {
  c10::AutoGradMode with_gradient(true);
  optimizer_.clear_gradients();
  losses(gathered(batch)).sum().backward();
  optimizer_.set_rates(learning_rate, weight_decay);
  optimizer_.step(at::zeros_like(optimizer_.step_count()), /*gradient_scale=*/{});
}

void LinearProbeTrainer::evaluate(const ProbeBatch& batch) {
  c10::NoGradGuard no_gradient;
  losses(gathered(batch));
}

ProbeTotals LinearProbeTrainer::take_totals() {
  c10::NoGradGuard no_gradient;
  const auto numbers = totals_.cpu();
  const double* first = numbers.const_data_ptr<double>();
  const int64_t layers = probe_->config().layers;
  ProbeTotals result{{first, first + layers}, {first + layers, first + 2 * layers}, images_};
  totals_.zero_();
  images_ = 0;
  return result;
}

int64_t LinearProbeTrainer::bytes() const {
  int64_t bytes = 0;
  // A parameter and its two moments.
  for (const auto& entry : probe_->state()) bytes += 3 * static_cast<int64_t>(entry.tensor.nbytes());
  return bytes;
}

ProbeBatch LinearProbeTrainer::gathered(const ProbeBatch& batch) const {
  const auto& [layers, width, classes] = probe_->config();
  const auto& features = batch.features;
  if (features.dim() != 3 || features.size(1) != layers || features.size(2) != width) {
    fail("ERR_SHAPE_MISMATCH", "features: expected (B, ", layers, ", ", width, "), got ", features.sizes());
  }
  if (batch.targets.dim() != 1 || batch.targets.size(0) > features.size(0) ||
      batch.targets.scalar_type() != at::kLong) {
    fail("ERR_SHAPE_MISMATCH", "targets: expected int64 of at most ", features.size(0), ", got ",
         batch.targets.scalar_type(), " ", batch.targets.sizes());
  }
  const auto take = [&](const at::Tensor& tensor) {
    const auto taken = batch.rows.defined() ? tensor.index_select(0, batch.rows.to(tensor.device()))
                                            : tensor.slice(0, 0, batch.targets.size(0));
    // Moved only then: the features of a data set need not fit on the device.
    return taken.to(probe_->device());
  };
  return {take(features), take(batch.targets), {}};
}

at::Tensor LinearProbeTrainer::losses(const ProbeBatch& batch) {
  const int64_t layers = probe_->config().layers, images = batch.targets.size(0);
  const auto logits = probe_->logits(batch.features);  // (L, B, C)
  const auto targets = batch.targets.view({1, images, 1}).expand({layers, images, 1});
  const auto losses = -at::log_softmax(logits, -1).gather(2, targets).mean({1, 2});  // (L)

  c10::NoGradGuard no_gradient;
  const auto correct = logits.argmax(-1).eq(batch.targets).sum(1);  // (L, B) -> (L)
  totals_.add_(at::stack({losses.detach() * images, correct.to(losses.scalar_type())}));
  images_ += images;
  return losses;
}

}  // namespace beit::train
