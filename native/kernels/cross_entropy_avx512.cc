#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include <cmath>

#include "kernels/row_kernels.h"

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")

#include "kernels/vectors_avx512.h"

namespace beit::kernels::avx512 {

double cross_entropy(float* logits, int64_t classes, int64_t target, float share, bool* correct) {
  const __m512 least = all(-INFINITY);
  __m512 largest_of_lane = least;
  for_vectors(classes, [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
    const __m512 value =
        lanes < kLanes ? _mm512_mask_loadu_ps(least, (1u << lanes) - 1, logits + i) : load(logits + i, lanes);
    largest_of_lane = _mm512_max_ps(largest_of_lane, value);
  });
  const float largest = _mm512_reduce_max_ps(largest_of_lane);
  const float of_target = logits[target];
  // The first of the largest: none before it is as large.
  *correct = of_target == largest;
  for (int64_t i = 0; *correct && i < target; i++) *correct = logits[i] != largest;

  __m512 sums = _mm512_setzero_ps();
  for_vectors(classes, [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
    const __m512 weight = exponential(subtract(load(logits + i, lanes), all(largest)));
    store(logits + i, weight, lanes);
    const auto there = static_cast<__mmask16>(lanes < kLanes ? (1u << lanes) - 1 : 0xffffu);
    sums = _mm512_mask_add_ps(sums, there, sums, weight);
  });
  const float sum = _mm512_reduce_add_ps(sums);
  const __m512 factor = all(share / sum);
  for_vectors(classes, [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
    store(logits + i, multiply(load(logits + i, lanes), factor), lanes);
  });
  logits[target] -= share;
  return std::log(static_cast<double>(sum)) + static_cast<double>(largest) - of_target;
}

}  // namespace beit::kernels::avx512
#endif
