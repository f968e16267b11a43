// Which patches of a batch are looked at when their number is not to depend on the masks.
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

// mask (B, N) bool on the CPU -> (B * patches) int64, rising numbers from 0 to B * N - 1, each once: those of
// the masked patches and, of an image that has fewer than `patches` of them, of its first others. Undefined
// where more are masked in all. patches 1 to N.
at::Tensor padded_rows(const at::Tensor& mask, int64_t patches);

}  // namespace beit::ops
