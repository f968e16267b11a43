// Matrix products in half the bits on the CPU, for precision 'bf16': float32 in and out.
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

// How a product in half the bits is made on this machine. Decided by the processor alone, not by a timing.
enum class HalfArithmetic {
  kFloat16,   // scaled float16 with float32 sums (kernels/half_gemm.h), where its instructions are
  kBfloat16,  // libtorch's bfloat16, where the processor multiplies it faster than float32
  kNone,      // float32: neither is faster
};
HalfArithmetic half_arithmetic();

// a (M, K) times b (K, N), both float32 of any strides, + bias (N) where it is defined -> float32 (M, N)
at::Tensor half_matmul(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias = {});
at::Tensor half_matmul(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias,
                       HalfArithmetic arithmetic);

}  // namespace beit::ops
