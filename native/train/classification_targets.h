// What a classifier is to say of a batch: int64 (B) class ids, or float32 (B, C) weights of the classes.
#pragma once
#include <ATen/ATen.h>

namespace beit::train {

// ERR_INVALID_ARGUMENT unless ids are in 0..C-1 and weights in 0..1, ERR_SHAPE_MISMATCH unless they are of
// `images` images.
void check_targets(const at::Tensor& targets, int64_t images, int64_t classes);

inline bool are_class_ids(const at::Tensor& targets) { return targets.dim() == 1; }

// Ids as weights, float32 (B, C) with a single 1 in each row; weights as they are.
at::Tensor class_weights(const at::Tensor& targets, int64_t classes);

}  // namespace beit::train
