// Zeros that nothing has written yet.
#pragma once
#include <ATen/ATen.h>

namespace beit {

// As at::zeros. Large memory of the CPU comes from the system, which gives it zeroed, a page when it is first
// written: zeros that are to be overwritten cost nothing, and those that are not are zeros all the same.
at::Tensor fresh_zeros(at::IntArrayRef shape, const at::TensorOptions& options);

}  // namespace beit
