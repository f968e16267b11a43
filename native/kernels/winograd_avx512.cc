#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include "kernels/winograd.h"

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")

#include "kernels/winograd_transforms.h"

namespace beit::kernels {

namespace {

struct Lanes {
  using Vector = __m512;
  static constexpr int64_t kWidth = 16;
  static Vector load(const float* at) { return _mm512_loadu_ps(at); }
  static void store(float* at, Vector value) { _mm512_storeu_ps(at, value); }
  static Vector relu(Vector value) { return _mm512_max_ps(value, _mm512_setzero_ps()); }
};

}  // namespace

const WinogradKernels kWinogradAvx512{input_transform<Lanes>, output_transform<Lanes>, panel_gemm_avx512};

}  // namespace beit::kernels
#endif
