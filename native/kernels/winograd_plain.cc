#include "kernels/cpu.h"
#include "kernels/winograd_transforms.h"

namespace beit::kernels {

namespace {

struct Lanes {
  using Vector = float;
  static constexpr int64_t kWidth = 1;
  static Vector load(const float* at) { return *at; }
  static void store(float* at, Vector value) { *at = value; }
  static Vector relu(Vector value) { return value > 0.0f ? value : 0.0f; }
};

}  // namespace

const WinogradKernels kWinogradPlain{input_transform<Lanes>, output_transform<Lanes>, panel_gemm_plain};

void panel_gemm_plain(const PanelGemm& p) {
  for (int64_t row = 0; row < p.rows; row++) {
    for (int64_t column = 0; column < p.columns; column++) {
      const float* b =
          p.b + column / kPanelColumns * kPanelColumns * p.blocks * kPanelDepth + column % kPanelColumns;
      float* out = p.out + row * p.out_stride + column;
      float sum = p.accumulate ? *out : p.bias ? p.bias[column] : 0.0f;
      for (int64_t k = 0; k < p.blocks * kPanelDepth; k++) {
        sum += p.a[k / kPanelDepth * p.block_stride + row * p.row_stride + k % kPanelDepth] *
               b[k * kPanelColumns];
      }
      if (p.residual) sum += p.residual[row * p.out_stride + column];
      *out = p.relu && sum < 0.0f ? 0.0f : sum;
    }
  }
}

const WinogradKernels& fastest_winograd() {
#if defined(__x86_64__) && defined(__GNUC__)
  if (cpu().avx512) return kWinogradAvx512;
#endif
  return kWinogradPlain;
}

}  // namespace beit::kernels
