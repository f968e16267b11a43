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

// Of a layer x (M, K) -> x weight' + bias, weight (N, K): from the gradient (M, N) of what it gives those of
// x, weight and, with one, bias. The gradient is read twice in all: once for its scales and the sum of its
// rows, once to be packed for both products.
struct LinearGradients {
  at::Tensor x, weight, bias;
};
LinearGradients half_linear_gradients(const at::Tensor& gradient, const at::Tensor& x,
                                      const at::Tensor& weight, bool with_bias);

}  // namespace beit::ops
