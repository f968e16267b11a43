// Tensor cores by the warp: products of 16 x 16 by 16 x 8 in bfloat16 with float32 sums, the loads that bring
// operands from shared memory, and copies that run beside the arithmetic. Which lane holds which element
// (g = lane / 4, t = lane % 4; PTX ISA, "Matrix Fragments for mma.m16n8k16"):
//   left   a[0], a[1]: rows g, g + 8, columns 2t, 2t + 1;   a[2], a[3]: the same rows, columns + 8
//   right  b[0]: rows 2t, 2t + 1, column g;   b[1]: rows + 8
//   sums   c[0], c[1]: row g, columns 2t, 2t + 1;   c[2], c[3]: row g + 8
#pragma once

#include "cuda/launch.cuh"
#ifndef __CUDACC__
#include "emulated_tensor_cores.h"
#endif

namespace beit::cuda {

#ifdef __CUDACC__

// sums += left * right
__device__ inline void multiply(float (&sums)[4], const uint32_t (&left)[4], uint32_t right0,
                                uint32_t right1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};\n"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
}

// Four matrices of 8 x 8; lane 8 i + r gives the address of row r of matrix i, which becomes part[i]: row g,
// columns 2t, 2t + 1.
__device__ inline void load_matrices(uint32_t (&part)[4], const __nv_bfloat16* row) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(part[0]), "=r"(part[1]), "=r"(part[2]), "=r"(part[3])
               : "r"(address)
               : "memory");
}

// The same of the transposed matrices: rows 2t, 2t + 1, column g.
__device__ inline void load_transposed_matrices(uint32_t (&part)[4], const __nv_bfloat16* row) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(part[0]), "=r"(part[1]), "=r"(part[2]), "=r"(part[3])
               : "r"(address)
               : "memory");
}

// Begins to copy 16 bytes into shared memory, or 16 zeros.
__device__ inline void copy_async(void* shared, const void* global, bool zeros) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(address), "l"(global),
               "r"(zeros ? 0 : 16)
               : "memory");
}

// Ends a group of copies.
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }

// Waits for this thread's copies but those of the last `pending` groups; a barrier makes them visible to
// others.
template <int pending>
__device__ inline void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(pending) : "memory");
}

#else

using emulator::commit_copies;
using emulator::copy_async;
using emulator::load_matrices;
using emulator::load_transposed_matrices;
using emulator::multiply;
using emulator::wait_for_copies;

#endif

// Two numbers as a register of an operand holds them, the first in the lower half.
__device__ inline uint32_t pack(float first, float second) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
  return reinterpret_cast<const uint32_t&>(pair);
}

}  // namespace beit::cuda
