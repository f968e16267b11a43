// The instructions of native/cuda/tensor_cores.cuh as the PTX ISA defines them.
#pragma once

#include "cuda_emulator.h"

namespace emulator {

// `sums` += `left` (16 x 16) * `right` (16 x 8)
void multiply(float (&sums)[4], const uint32_t (&left)[4], uint32_t right0, uint32_t right1);
void load_matrices(uint32_t (&part)[4], const __nv_bfloat16* row);
void load_transposed_matrices(uint32_t (&part)[4], const __nv_bfloat16* row);

// Copies happen as late as they may, at the wait that asks for them: what is used before holds old bytes. In
// the reversed order they happen at once: what somebody still uses is overwritten.
void copy_async(void* shared, const void* global, bool zeros);
void commit_copies();
void finish_copies(size_t pending_groups);
template <int pending>
void wait_for_copies() {
  finish_copies(pending);
}

}  // namespace emulator
