// Convolutions of inference on a CPU with AVX-512, over weights packed beforehand. Images lie as (B, H, W,
// C): the channels of a place together.
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

// The weights of a convolution as the kernels read them.
struct PackedConvolution {
  int64_t in, out;
  at::Tensor weight;
  at::Tensor bias;   // (out)
  at::Tensor scale;  // of weights in half the bits, or undefined
};

// weight (out, in, 3, 3), float32; in and out multiples of 16. Takes four times the memory of the weight.
PackedConvolution pack_3x3(const at::Tensor& weight, const at::Tensor& bias);
// The same for products in scaled float16 (kernels/half_gemm.h). Takes twice the memory of the weight.
PackedConvolution pack_half_3x3(const at::Tensor& weight, const at::Tensor& bias);
// weight (out, in, 1, 1), float32; in a multiple of 64. `gain` multiplies the result.
PackedConvolution pack_1x1(const at::Tensor& weight, const at::Tensor& bias, double gain);
// The same for products in scaled float16. Takes half the memory of the weight.
PackedConvolution pack_half_1x1(const at::Tensor& weight, const at::Tensor& bias, double gain);

// Floats that conv3x3 needs beside its result, for each thread.
int64_t conv3x3_scratch(const PackedConvolution& packed);

enum class Kernels { kFastest, kPlain };  // plain: the vector kernels' twin, for tests

// ReLU of the convolution, padded so that the size stays; of x, or of ReLU(x). x (B, H, W, in) -> (B, H, W,
// out). `scratch`: thread_scratch of conv3x3_scratch.
at::Tensor conv3x3_relu(const at::Tensor& x, const PackedConvolution& packed, bool relu_input,
                        const at::Tensor& scratch, Kernels kernels = Kernels::kFastest);

// x (B, H, W, in) -> (B, H, W, out), + residual (B, H, W, out) where it is defined.
at::Tensor conv1x1(const at::Tensor& x, const PackedConvolution& packed, const at::Tensor& residual,
                   Kernels kernels = Kernels::kFastest);
// The same into `sum`, which is the residual before.
void add_conv1x1(const at::Tensor& x, const PackedConvolution& packed, const at::Tensor& sum);

}  // namespace beit::ops
