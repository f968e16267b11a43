#include "train/classification_targets.h"

#include "engine/error.h"

namespace beit::train {

void check_targets(const at::Tensor& targets, int64_t images, int64_t classes) {
  if (!targets.defined()) fail("ERR_INVALID_ARGUMENT", "targets: classification needs them, got null");
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

at::Tensor class_weights(const at::Tensor& targets, int64_t classes) {
  if (!are_class_ids(targets)) return targets;
  // (B) -> (B, C); at::one_hot would wait for the device to check its range.
  return at::zeros({targets.size(0), classes}, targets.options().dtype(at::kFloat))
      .scatter_(1, targets.unsqueeze(1), 1.0);
}

}  // namespace beit::train
