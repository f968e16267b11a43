#include "train/gradient_clip.h"

namespace beit::train {

at::Tensor global_norm(at::TensorList gradients) {
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients)));
}

void clip_by_global_norm(at::TensorList gradients, const at::Tensor& norm, double max_norm) {
  at::_foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp_max(1.0));
}

}  // namespace beit::train
