// Rows as vectors of 16 numbers. Included by files that have turned AVX-512 on, each of which gets functions
// of its own.
#include <immintrin.h>

#include <cstdint>

namespace beit::kernels::avx512 {

namespace {

#define BEIT_INLINE inline __attribute__((always_inline))

constexpr int64_t kLanes = 16;

// The first `count` numbers, at most 16; zeros behind them.
BEIT_INLINE __m512 load(const float* at, int64_t count) {
  if (count >= kLanes) return _mm512_loadu_ps(at);
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), at);
}

BEIT_INLINE void store(float* at, __m512 value, int64_t count) {
  if (count >= kLanes) return _mm512_storeu_ps(at, value);
  _mm512_mask_storeu_ps(at, static_cast<__mmask16>((1u << count) - 1), value);
}

BEIT_INLINE __m512 add(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
BEIT_INLINE __m512 subtract(__m512 a, __m512 b) { return _mm512_sub_ps(a, b); }
BEIT_INLINE __m512 multiply(__m512 a, __m512 b) { return _mm512_mul_ps(a, b); }
// a * b + c
BEIT_INLINE __m512 multiply_add(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
BEIT_INLINE __m512 all(float value) { return _mm512_set1_ps(value); }

// exp for arguments up to 88; below -87 zero, of what is no number no number. A polynomial of degree 6 on
// [-ln 2 / 2, ln 2 / 2], then the exponent.
BEIT_INLINE __m512 exponential(__m512 x) {
  const __m512 lowest = all(-87.3f);
  const __mmask16 below = _mm512_cmp_ps_mask(x, lowest, _CMP_LT_OQ);
  x = _mm512_max_ps(lowest, x);  // of a pair with no number the second
  const __m512 power = _mm512_roundscale_ps(multiply(x, all(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
  __m512 r = _mm512_fnmadd_ps(power, all(0.693359375f), x);
  r = _mm512_fnmadd_ps(power, all(-2.12194440e-4f), r);
  __m512 p = all(1.0f / 720);
  p = multiply_add(p, r, all(1.0f / 120));
  p = multiply_add(p, r, all(1.0f / 24));
  p = multiply_add(p, r, all(1.0f / 6));
  p = multiply_add(p, r, all(0.5f));
  p = multiply_add(p, r, all(1.0f));
  p = multiply_add(p, r, all(1.0f));
  return _mm512_mask_blend_ps(below, _mm512_scalef_ps(p, power), _mm512_setzero_ps());
}

// step(i, count) for each vector of `count` numbers from i on.
template <class Step>
BEIT_INLINE void for_vectors(int64_t size, const Step& step) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) step(i, kLanes);
  if (i < size) step(i, size - i);
}

}  // namespace

}  // namespace beit::kernels::avx512
