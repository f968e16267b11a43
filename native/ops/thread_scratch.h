// Memory that the threads of a kernel work in.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "kernels/round_up.h"

namespace beit::ops {

// At least `floats` for each thread, from the beginning of a cache line on.
inline at::Tensor thread_scratch(int64_t floats, const at::TensorOptions& options) {
  return at::empty({at::get_num_threads(), kernels::round_up(floats, 16)}, options);
}

// Inside at::parallel_for: that of this thread.
inline float* of_thread(const at::Tensor& scratch) {
  return scratch.mutable_data_ptr<float>() + at::get_thread_num() * scratch.stride(0);
}

}  // namespace beit::ops
