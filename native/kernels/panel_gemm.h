// Matrix products of the tokenizer's convolutions: small enough for the caches, with what follows them fused.
// B comes packed, so that the inner loop reads memory in order; A packed as well, or as a plain matrix.
#pragma once
#include <cstdint>

#include "kernels/round_up.h"

namespace beit::kernels {

constexpr int64_t kPanelDepth = 64;    // channels that lie together in a packed row of A
constexpr int64_t kPanelColumns = 32;  // columns of B that lie together

// out (rows, columns) = A B, then + bias, + residual, ReLU, as far as they are given.
struct PanelGemm {
  const float* a = nullptr;          // kPanelDepth channels of a row lie together
  int64_t row_stride = kPanelDepth;  // of A. Packed (blocks, rows, kPanelDepth): kPanelDepth ...
  int64_t block_stride =
      kPanelDepth;           // ... and rows * kPanelDepth; a plain matrix: its row length and kPanelDepth
  const float* b = nullptr;  // (ceil(columns / kPanelColumns), blocks * kPanelDepth, kPanelColumns)
  int64_t rows = 0;
  int64_t blocks = 0;  // depth / kPanelDepth; what pads the depth is zero
  int64_t columns = 0;
  float* out = nullptr;  // rows `out_stride` apart
  int64_t out_stride = 0;
  const float* bias = nullptr;      // (columns)
  const float* residual = nullptr;  // as `out`
  bool relu = false;
  bool accumulate = false;  // out is where the sum starts; then neither bias nor residual nor ReLU
};

void panel_gemm_plain(const PanelGemm& product);
void panel_gemm_avx512(const PanelGemm& product);

}  // namespace beit::kernels
