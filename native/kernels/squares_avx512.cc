#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include "kernels/row_kernels.h"

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")

#include "kernels/vectors_avx512.h"

namespace beit::kernels::avx512 {

double sum_of_squares(const float* x, int64_t count) {
  // Four sums, so that none waits for the one before.
  constexpr int64_t kSums = 4;
  __m512 sums[kSums] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
  int64_t i = 0;
  for (; i + kSums * kLanes <= count; i += kSums * kLanes) {
    for (int64_t j = 0; j < kSums; j++) {
      const __m512 value = load(x + i + j * kLanes, kLanes);
      sums[j] = multiply_add(value, value, sums[j]);
    }
  }
  for (; i < count; i += kLanes) {
    const __m512 value = load(x + i, count - i);
    sums[0] = multiply_add(value, value, sums[0]);
  }
  return _mm512_reduce_add_ps(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
}

}  // namespace beit::kernels::avx512
#endif
