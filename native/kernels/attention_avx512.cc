#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include <cmath>

#include "kernels/attention.h"

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,fma")

namespace beit::kernels::avx512 {

namespace {

constexpr int64_t kLanes = 16;
// Six rows by four vectors of sums, four of B and one of A fill the register file.
constexpr int kRows = 6;
constexpr int kVectors = 4;

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// A (rows, depth), of any strides, times B (depth, columns), rows of B side by side: columns a multiple
// of 16.
struct Product {
  const float* a;
  int64_t a_row, a_depth;
  const float* b;
  int64_t b_stride;
  int64_t depth;
  float* out;
  int64_t out_stride;
  float scale;
};

template <int Rows, int Vectors>
inline __attribute__((always_inline)) void multiply_tile(const Product& p, int64_t row, int64_t column) {
  __m512 sum[Rows][Vectors];
#pragma GCC unroll 6
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) sum[i][j] = _mm512_setzero_ps();
  }
  const float* a = p.a + row * p.a_row;
  const float* b = p.b + column;
  for (int64_t k = 0; k < p.depth; k++, a += p.a_depth, b += p.b_stride) {
    __m512 values[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) values[j] = _mm512_loadu_ps(b + j * kLanes);
#pragma GCC unroll 6
    for (int i = 0; i < Rows; i++) {
      const __m512 value = _mm512_set1_ps(a[i * p.a_row]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) sum[i][j] = _mm512_fmadd_ps(value, values[j], sum[i][j]);
    }
  }
  const __m512 scale = _mm512_set1_ps(p.scale);
#pragma GCC unroll 6
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) {
      _mm512_storeu_ps(p.out + (row + i) * p.out_stride + column + j * kLanes,
                       _mm512_mul_ps(sum[i][j], scale));
    }
  }
}

template <int Rows>
void multiply_rows(const Product& p, int64_t row, int64_t columns) {
  int64_t column = 0;
  for (; column + kVectors * kLanes <= columns; column += kVectors * kLanes) {
    multiply_tile<Rows, kVectors>(p, row, column);
  }
  switch ((columns - column) / kLanes) {
    case 3:
      return multiply_tile<Rows, 3>(p, row, column);
    case 2:
      return multiply_tile<Rows, 2>(p, row, column);
    case 1:
      return multiply_tile<Rows, 1>(p, row, column);
    default:
      return;
  }
}

void multiply(const Product& p, int64_t rows, int64_t columns) {
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) multiply_rows<kRows>(p, row, columns);
  switch (rows - row) {
    case 5:
      return multiply_rows<5>(p, row, columns);
    case 4:
      return multiply_rows<4>(p, row, columns);
    case 3:
      return multiply_rows<3>(p, row, columns);
    case 2:
      return multiply_rows<2>(p, row, columns);
    case 1:
      return multiply_rows<1>(p, row, columns);
    default:
      return;
  }
}

// Rows far apart to rows side by side: their distance is that of whole pages, and a cache has few places for
// those.
void gather_rows(const float* x, int64_t stride, int64_t rows, int64_t width, float* out) {
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t c = 0; c < width; c += kLanes) {
      _mm512_storeu_ps(out + row * width + c, _mm512_loadu_ps(x + row * stride + c));
    }
  }
}

// x (keys, width) -> (width, padded keys), zeros behind them.
void transpose(const float* x, int64_t keys, int64_t width, float* out) {
  const int64_t columns = padded_keys(keys);
  const __m512i rows =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(static_cast<int>(width)));
  for (int64_t j = 0; j < columns; j += kLanes) {
    const int64_t left = smaller(kLanes, keys - j);
    const auto there = static_cast<__mmask16>((1u << left) - 1);
    for (int64_t c = 0; c < width; c++) {
      const float* at = x + j * width + c;
      _mm512_storeu_ps(out + c * columns + j,
                       _mm512_mask_i32gather_ps(_mm512_setzero_ps(), there, rows, at, sizeof(float)));
    }
  }
}

// exp for arguments up to 88; below -87 zero; NaN of NaN. A polynomial of degree 6 on [-ln 2 / 2, ln 2 / 2],
// then the exponent.
inline __m512 exponential(__m512 x) {
  // Where one operand is NaN, the second is the result.
  x = _mm512_max_ps(_mm512_set1_ps(-120.0f), x);
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts, of which the first times n is exact.
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.3888889e-3f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3333333e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1666667e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666667e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, n);
}

inline __mmask16 there(int64_t keys, int64_t j) {
  return keys - j >= kLanes ? 0xffff : static_cast<__mmask16>((1u << (keys - j)) - 1);
}

const float* bias_row(const AttentionHead& h, int64_t query) {
  return h.bias ? h.bias + (h.places ? h.places[query] : query) * h.keys : nullptr;
}

// Scores to weights times their sum; behind the keys zeros.
void softmax(const AttentionHead& h, int64_t query, float* scores) {
  const float* bias = bias_row(h, query);
  const __m512 lowest = _mm512_set1_ps(-INFINITY);
  __m512 most = lowest;
  for (int64_t j = 0; j < h.keys; j += kLanes) {
    const __mmask16 mask = there(h.keys, j);
    __m512 score = _mm512_mask_loadu_ps(lowest, mask, scores + j);
    if (bias) score = _mm512_add_ps(score, _mm512_maskz_loadu_ps(mask, bias + j));
    _mm512_storeu_ps(scores + j, score);
    most = _mm512_max_ps(most, score);
  }
  const float largest = _mm512_reduce_max_ps(most);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t j = 0; j < h.keys; j += kLanes) {
    const __m512 weight = _mm512_maskz_mov_ps(
        there(h.keys, j), exponential(_mm512_sub_ps(_mm512_loadu_ps(scores + j), _mm512_set1_ps(largest))));
    _mm512_storeu_ps(scores + j, weight);
    sum = _mm512_add_ps(sum, weight);
  }
  h.largest[query] = largest;
  h.inverse_sum[query] = 1.0f / _mm512_reduce_add_ps(sum);
}

// In place: scores to weights, and products with values to the gradients of the scores, of which the bias
// gets its share.
void score_gradients(const AttentionHead& h, int64_t query, float* scores, float* gradients, float* bias) {
  const float* added = bias_row(h, query);
  const __m512 largest = _mm512_set1_ps(h.largest[query]), inverse = _mm512_set1_ps(h.inverse_sum[query]);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t j = 0; j < h.keys; j += kLanes) {
    const __mmask16 mask = there(h.keys, j);
    __m512 score = _mm512_loadu_ps(scores + j);
    if (added) score = _mm512_add_ps(score, _mm512_maskz_loadu_ps(mask, added + j));
    const __m512 weight = _mm512_maskz_mul_ps(mask, exponential(_mm512_sub_ps(score, largest)), inverse);
    _mm512_storeu_ps(scores + j, weight);
    sum = _mm512_fmadd_ps(weight, _mm512_loadu_ps(gradients + j), sum);
  }
  // The mean from the same products and not from the output: where one weight is 1, the difference is exactly
  // zero.
  const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum));
  for (int64_t j = 0; j < h.keys; j += kLanes) {
    const __m512 gradient =
        _mm512_mul_ps(_mm512_loadu_ps(scores + j), _mm512_sub_ps(_mm512_loadu_ps(gradients + j), mean));
    _mm512_storeu_ps(gradients + j, gradient);
    if (!bias) continue;
    const __mmask16 mask = there(h.keys, j);
    _mm512_mask_storeu_ps(bias + j, mask, _mm512_add_ps(_mm512_maskz_loadu_ps(mask, bias + j), gradient));
  }
}

}  // namespace

void attention_forward(const AttentionHead& h, float* scratch) {
  const int64_t columns = padded_keys(h.keys);
  float* keys = scratch;                      // (width, columns)
  float* values = keys + h.width * columns;   // (N, width)
  float* scores = values + h.keys * h.width;  // (kRows, columns)
  gather_rows(h.k, h.kv_stride, h.keys, h.width, values);
  transpose(values, h.keys, h.width, keys);
  gather_rows(h.v, h.kv_stride, h.keys, h.width, values);
  for (int64_t row = 0; row < h.queries; row += kRows) {
    const int64_t rows = smaller(kRows, h.queries - row);
    multiply({.a = h.q + row * h.q_stride,
              .a_row = h.q_stride,
              .a_depth = 1,
              .b = keys,
              .b_stride = columns,
              .depth = h.width,
              .out = scores,
              .out_stride = columns,
              .scale = h.scale},
             rows, columns);
    for (int64_t i = 0; i < rows; i++) softmax(h, row + i, scores + i * columns);
    float* out = h.out + row * h.out_stride;
    multiply({.a = scores,
              .a_row = columns,
              .a_depth = 1,
              .b = values,
              .b_stride = h.width,
              .depth = h.keys,
              .out = out,
              .out_stride = h.out_stride,
              .scale = 1.0f},
             rows, h.width);
    for (int64_t i = 0; i < rows; i++) {
      const __m512 inverse = _mm512_set1_ps(h.inverse_sum[row + i]);
      for (int64_t c = 0; c < h.width; c += kLanes) {
        float* at = out + i * h.out_stride + c;
        _mm512_storeu_ps(at, _mm512_mul_ps(_mm512_loadu_ps(at), inverse));
      }
    }
  }
}

void attention_backward(const AttentionHead& h, const AttentionHeadGradient& g, float* scratch) {
  const int64_t columns = padded_keys(h.keys);
  float* key_columns = scratch;                            // (width, columns)
  float* value_columns = key_columns + h.width * columns;  // (width, columns)
  float* keys = value_columns + h.width * columns;         // (N, width)
  float* queries = keys + h.keys * h.width;                // (Q, width)
  float* out_gradient = queries + h.queries * h.width;     // (Q, width)
  float* weights = out_gradient + h.queries * h.width;     // (Q, columns)
  float* gradients = weights + h.queries * columns;        // (Q, columns): of the scores
  gather_rows(h.v, h.kv_stride, h.keys, h.width, keys);
  transpose(keys, h.keys, h.width, value_columns);
  gather_rows(h.k, h.kv_stride, h.keys, h.width, keys);
  transpose(keys, h.keys, h.width, key_columns);
  gather_rows(h.q, h.q_stride, h.queries, h.width, queries);
  gather_rows(g.out_gradient, h.out_stride, h.queries, h.width, out_gradient);
  for (int64_t row = 0; row < h.queries; row += kRows) {
    const int64_t rows = smaller(kRows, h.queries - row);
    const auto times = [&](const float* a, const float* b, float* out, float scale) {
      multiply({.a = a + row * h.width,
                .a_row = h.width,
                .a_depth = 1,
                .b = b,
                .b_stride = columns,
                .depth = h.width,
                .out = out + row * columns,
                .out_stride = columns,
                .scale = scale},
               rows, columns);
    };
    times(queries, key_columns, weights, h.scale);
    times(out_gradient, value_columns, gradients, 1.0f);
    for (int64_t i = row; i < row + rows; i++) {
      float* bias = g.bias ? g.bias + (h.places ? h.places[i] : i) * h.keys : nullptr;
      score_gradients(h, i, weights + i * columns, gradients + i * columns, bias);
    }
    multiply({.a = gradients + row * columns,
              .a_row = columns,
              .a_depth = 1,
              .b = keys,
              .b_stride = h.width,
              .depth = h.keys,
              .out = g.q + row * h.q_stride,
              .out_stride = h.q_stride,
              .scale = h.scale},
             rows, h.width);
  }
  const auto transposed = [&](const float* a, const float* b, float* out, float scale) {
    multiply({.a = a,
              .a_row = 1,
              .a_depth = columns,
              .b = b,
              .b_stride = h.width,
              .depth = h.queries,
              .out = out,
              .out_stride = h.kv_stride,
              .scale = scale},
             h.keys, h.width);
  };
  transposed(weights, out_gradient, g.v, 1.0f);
  transposed(gradients, queries, g.k, h.scale);
}

}  // namespace beit::kernels::avx512
#endif
