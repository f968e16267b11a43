// The convolutions of winograd.h with their products in scaled float16 (half_gemm.h). The transforms are
// float32.
#pragma once
#include <cstdint>

#include "kernels/half.h"
#include "kernels/winograd.h"

namespace beit::kernels {

struct HalfWinogradWeights {
  const Half* numbers;  // (36, half_right_size(in, out))
  const float* scale;   // (36, out)
};

int64_t half_winograd_weights_size(int64_t in, int64_t out);
int64_t half_winograd_tiles(int64_t in);                      // done together, at most
int64_t half_winograd_scratch_size(int64_t in, int64_t out);  // floats

// weights (out, in, 3, 3): frequencies [begin, end).
void pack_half_winograd_weights(const float* weights, int64_t in, int64_t out, int64_t begin, int64_t end,
                                Half* numbers, float* scale);

// Tiles [begin, end) of the convolution, whose own weights are not read.
void half_winograd(const Winograd& convolution, const HalfWinogradWeights& weights, int64_t begin,
                   int64_t end, const WinogradKernels& kernels, float* scratch);

}  // namespace beit::kernels
