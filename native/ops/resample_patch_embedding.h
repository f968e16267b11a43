// A patch embedding for patches of another size.
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

// Weights (D, C, p, p) -> (D, C, side, side) by the pseudo-inverse resize of FlexiViT
// (https://arxiv.org/abs/2212.08013, section 3.4). With B the antialiased bicubic resize of a patch from p to
// `side`, the new weights are (B^T)^+ w: an enlarged patch has the very embedding that the patch had, and
// for a smaller `side` the mean squared difference over white noise is least. (Resizing the weights as if
// they were an image changes the scale of the embedding.)
at::Tensor resample_patch_embedding(const at::Tensor& weight, int64_t side);

}  // namespace beit::ops
