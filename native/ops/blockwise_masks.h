// Blockwise masks of samples, on a GPU by the kernel of native/cuda/blockwise_masks.h.
#pragma once
#include <ATen/ATen.h>

#include "data/blockwise_mask.h"
#include "ops/compute.h"

namespace beit::ops {

// samples (B) int64, indices in the data set -> bool (B, rows * columns) beside them, true = masked: the bits
// of native/data/blockwise_mask.h, which the CPU draws.
at::Tensor blockwise_masks(const at::Tensor& samples, const MaskSettings& settings, uint64_t seed,
                           uint32_t epoch, const Compute& compute);

}  // namespace beit::ops
