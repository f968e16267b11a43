#include "ops/resample_patch_embedding.h"

#include "engine/error.h"

namespace beit::ops {

namespace {

// (to, from): a column of `from` pixels to one of `to`.
at::Tensor resize_matrix(int64_t from, int64_t to) {
  const auto basis = at::eye(from, at::kDouble).view({1, 1, from, from});  // each column one pixel
  return at::_upsample_bicubic2d_aa(basis, {to, from}, /*align_corners=*/false).view({to, from});
}

}  // namespace

at::Tensor resample_patch_embedding(const at::Tensor& weight, int64_t side) {
  if (weight.dim() != 4 || weight.size(2) != weight.size(3)) {
    fail("ERR_CHECKPOINT_MISMATCH",
         "the weights of a patch embedding have shape [hidden, 3, side, side], got ", weight.sizes());
  }
  // B is the Kronecker product of the two axes' matrices, and so is its pseudo-inverse.
  const auto axis = at::linalg_pinv(resize_matrix(weight.size(2), side).t()).to(weight.device());
  return at::einsum("yi,xj,dcij->dcyx", {axis, axis, weight.to(at::kDouble)}).to(weight.scalar_type());
}

}  // namespace beit::ops
