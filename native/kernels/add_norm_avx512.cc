#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include <cmath>

#include "kernels/row_kernels.h"

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")

#include "kernels/vectors_avx512.h"

namespace beit::kernels::avx512 {

void add_norm(const AddNormRow& row) {
  const __m512 scale = all(row.scale);
  __m512 total = _mm512_setzero_ps();
  for_vectors(row.width, [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
    __m512 value = load(row.x + i, lanes);
    if (row.branch) {
      const __m512 branch = multiply(load(row.branch + i, lanes), scale);
      value = row.gamma ? multiply_add(branch, load(row.gamma + i, lanes), value) : add(branch, value);
    }
    if (row.sum) store(row.sum + i, value, lanes);
    total = add(total, value);
  });
  if (!row.weight) return;

  const float* sum = row.sum ? row.sum : row.x;
  const auto width = static_cast<float>(row.width);
  const float mean = _mm512_reduce_add_ps(total) / width;
  __m512 squares = _mm512_setzero_ps();
  for_vectors(row.width, [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
    // What lies behind the row is as the mean.
    const __m512 filled =
        lanes < kLanes ? _mm512_mask_loadu_ps(all(mean), (1u << lanes) - 1, sum + i) : load(sum + i, lanes);
    const __m512 distance = subtract(filled, all(mean));
    squares = multiply_add(distance, distance, squares);
  });
  const float inverse = 1.0f / std::sqrt(_mm512_reduce_add_ps(squares) / width + row.eps);
  row.statistics[0] = mean;
  row.statistics[1] = inverse;
  for_vectors(row.width, [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
    const __m512 normal = multiply(subtract(load(sum + i, lanes), all(mean)), all(inverse));
    store(row.normed + i, multiply_add(normal, load(row.weight + i, lanes), load(row.bias + i, lanes)),
          lanes);
  });
}

void add_norm_backward(const AddNormRow& row, const AddNormRowGradient& gradient) {
  const bool normed = gradient.normed_gradient != nullptr;
  const float mean = normed ? row.statistics[0] : 0.0f;
  const float inverse = normed ? row.statistics[1] : 0.0f;
  const auto normal_at = [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
    return multiply(subtract(load(row.sum + i, lanes), all(mean)), all(inverse));
  };
  // The gradient of the normalised numbers: its mean, and that of its product with them.
  float mean_gradient = 0.0f, mean_product = 0.0f;
  if (normed) {
    __m512 gradients = _mm512_setzero_ps(), products = _mm512_setzero_ps();
    for_vectors(row.width, [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
      const __m512 out = load(gradient.normed_gradient + i, lanes);
      const __m512 normal = normal_at(i, lanes);
      store(gradient.bias + i, add(load(gradient.bias + i, lanes), out), lanes);
      store(gradient.weight + i, multiply_add(out, normal, load(gradient.weight + i, lanes)), lanes);
      const __m512 weighted = multiply(out, load(row.weight + i, lanes));
      gradients = add(gradients, weighted);
      products = multiply_add(weighted, normal, products);
    });
    mean_gradient = _mm512_reduce_add_ps(gradients) / static_cast<float>(row.width);
    mean_product = _mm512_reduce_add_ps(products) / static_cast<float>(row.width);
  }
  const __m512 scale = all(row.scale);
  for_vectors(row.width, [&](int64_t i, int64_t lanes) __attribute__((always_inline)) {
    __m512 x = gradient.sum_gradient ? load(gradient.sum_gradient + i, lanes) : _mm512_setzero_ps();
    if (normed) {
      const __m512 weighted =
          multiply(load(gradient.normed_gradient + i, lanes), load(row.weight + i, lanes));
      const __m512 centred =
          _mm512_fnmadd_ps(normal_at(i, lanes), all(mean_product), subtract(weighted, all(mean_gradient)));
      x = multiply_add(centred, all(inverse), x);
    }
    store(gradient.x + i, x, lanes);
    if (!gradient.branch) return;
    const __m512 scaled = multiply(x, scale);
    store(gradient.branch + i, row.gamma ? multiply(scaled, load(row.gamma + i, lanes)) : scaled, lanes);
    if (!gradient.gamma) return;
    const __m512 so_far = load(gradient.gamma + i, lanes);
    store(gradient.gamma + i, multiply_add(scaled, load(row.branch + i, lanes), so_far), lanes);
  });
}

}  // namespace beit::kernels::avx512
#endif
