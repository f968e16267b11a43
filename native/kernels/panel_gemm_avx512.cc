#include "kernels/panel_gemm.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include <algorithm>

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")

namespace beit::kernels {

namespace {

// 14 rows by two vectors take 28 of the 32 registers; two more hold the row of B.
constexpr int kMaxRows = 14;

struct Tile {
  const float* a;
  const float* b;
  const float* ahead;  // what to fetch into the second-level cache meanwhile: a line for each step
  float* out;
  const float* residual;
  __m512 bias[2];
  __mmask16 mask[2];
};

template <int kRows>
inline __attribute__((always_inline)) void multiply_tile(const PanelGemm& p, const Tile& t) {
  __m512 sum[kRows][2];
#pragma GCC unroll 14
  for (int i = 0; i < kRows; i++) {
    for (int j = 0; j < 2; j++) {
      sum[i][j] =
          p.accumulate ? _mm512_maskz_loadu_ps(t.mask[j], t.out + i * p.out_stride + 16 * j) : t.bias[j];
    }
  }
  const float* b = t.b;
  const float* ahead = t.ahead;
  for (int64_t block = 0; block < p.blocks; block++) {
    const float* a = t.a + block * p.block_stride;
    for (int64_t k = 0; k < kPanelDepth; k++, b += kPanelColumns, ahead += 16) {
      _mm_prefetch(ahead, _MM_HINT_T1);
      const __m512 b0 = _mm512_load_ps(b);
      const __m512 b1 = _mm512_load_ps(b + 16);
#pragma GCC unroll 14
      for (int i = 0; i < kRows; i++) {
        const __m512 value = _mm512_set1_ps(a[i * p.row_stride + k]);
        sum[i][0] = _mm512_fmadd_ps(value, b0, sum[i][0]);
        sum[i][1] = _mm512_fmadd_ps(value, b1, sum[i][1]);
      }
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < kRows; i++) {
    for (int j = 0; j < 2; j++) {
      const int64_t offset = i * p.out_stride + 16 * j;
      __m512 value = sum[i][j];
      if (t.residual) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(t.mask[j], t.residual + offset));
      if (p.relu) value = _mm512_max_ps(value, _mm512_setzero_ps());
      _mm512_mask_storeu_ps(t.out + offset, t.mask[j], value);
    }
  }
}

template <int kRows>
void multiply_rows(int64_t rows, const PanelGemm& p, const Tile& t) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return multiply_tile<kRows>(p, t);
    multiply_rows<kRows - 1>(rows, p, t);
  }
}

}  // namespace

void panel_gemm_avx512(const PanelGemm& p) {
  const int64_t panel = p.blocks * kPanelDepth * kPanelColumns;
  const int64_t strips = (p.rows + kMaxRows - 1) / kMaxRows;
  for (int64_t column = 0; column < p.columns; column += kPanelColumns) {
    const int64_t width = std::min(kPanelColumns, p.columns - column);
    Tile t;
    t.b = p.b + column * p.blocks * kPanelDepth;
    for (int j = 0; j < 2; j++) {
      const int64_t left = std::clamp<int64_t>(width - 16 * j, 0, 16);
      t.mask[j] = static_cast<__mmask16>((1u << left) - 1);
      t.bias[j] = p.bias ? _mm512_maskz_loadu_ps(t.mask[j], p.bias + column + 16 * j) : _mm512_setzero_ps();
    }
    // Strips of about the same height: a low one at the end would wait for its multiplications.
    for (int64_t strip = 0; strip < strips; strip++) {
      const int64_t first = strip * p.rows / strips;
      const int64_t rows = (strip + 1) * p.rows / strips - first;
      // The next columns of B follow in memory, twice as many lines as steps: the first two strips fetch
      // them.
      t.ahead = t.b + (strip < 2 ? panel + strip * panel / 2 : 0);
      t.a = p.a + first * p.row_stride;
      t.out = p.out + first * p.out_stride + column;
      t.residual = p.residual ? p.residual + first * p.out_stride + column : nullptr;
      multiply_rows<kMaxRows>(rows, p, t);
    }
  }
}

}  // namespace beit::kernels
#endif
