#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include <algorithm>

#include "kernels/half_gemm.h"
#include "kernels/half_pack.h"
#include "kernels/round_up.h"

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512fp16,fma")

namespace beit::kernels::avx512fp16 {

namespace {

constexpr int64_t kLanes = 16;

inline __mmask16 first(int64_t count) {
  return count >= kLanes ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
}

inline __m512 magnitude(__m512 x) { return _mm512_abs_ps(x); }

// The 16 numbers of a line from number k on, where they lie side by side; beyond its length zeros.
inline __m512 along(const HalfSource& s, int64_t line, int64_t k) {
  return _mm512_maskz_loadu_ps(first(s.length - k), s.data + line * s.line_stride + k);
}

// Number k of 16 lines from `line` on, where lines lie side by side.
inline __m512 across(const HalfSource& s, int64_t line, int64_t end, int64_t k) {
  if (k >= s.length) return _mm512_setzero_ps();
  return _mm512_maskz_loadu_ps(first(end - line), s.data + line + k * s.step);
}

// Of lines side by side: how many are packed at once, a multiple of kHalfPackLines, so that what was read for
// their scales is still in the second-level cache when it is packed. Runs of memory as short as theirs have
// to be fetched ahead, so many numbers k before they are read.
constexpr int64_t kStripe = 128;
constexpr int64_t kAhead = 16;

// For at most kStripe lines: by what each is multiplied, and the inverse.
void find_scales(const HalfSource& s, int64_t begin, int64_t end, float* by, float* scale) {
  alignas(64) float largest[kStripe] = {};
  if (s.step == 1) {
    for (int64_t line = begin; line < end; line++) {
      __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
      for (int64_t k = 0; k < s.length; k += 2 * kLanes) {
        even = _mm512_max_ps(magnitude(along(s, line, k)), even);
        odd = _mm512_max_ps(magnitude(along(s, line, k + kLanes)), odd);
      }
      largest[line - begin] = _mm512_reduce_max_ps(_mm512_max_ps(even, odd));
    }
  } else {
    for (int64_t k = 0; k < s.length; k++) {
      const float* ahead = s.data + std::min(k + kAhead, s.length - 1) * s.step;
      for (int64_t line = begin; line < end; line += kLanes) {
        _mm_prefetch(ahead + line, _MM_HINT_T0);
        float* most = largest + (line - begin);
        _mm512_store_ps(most, _mm512_max_ps(magnitude(across(s, line, end, k)), _mm512_load_ps(most)));
      }
    }
  }
  for (int64_t i = 0; i < end - begin; i++) {
    by[i] = half_scale(largest[i]);
    scale[begin + i] = 1.0f / by[i];
  }
}

inline __m256i halves(__m512 x, __m512 by) {
  return _mm512_cvtps_ph(_mm512_mul_ps(x, by), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

// Numbers k and k + 1 of 16 lines side by side, as a word of 32 bits each.
inline __m512i pairs_across(const HalfSource& s, int64_t line, int64_t end, int64_t k, __m512 by) {
  const __m512i even = _mm512_cvtepu16_epi32(halves(across(s, line, end, k), by));
  const __m512i odd = _mm512_cvtepu16_epi32(halves(across(s, line, end, k + 1), by));
  return _mm512_or_si512(even, _mm512_slli_epi32(odd, 16));
}

// The 32 numbers of a line from number k on, as 16 words. The scales were found just before, so these lines
// are in the caches: meanwhile those of the next group are fetched.
inline __m512i pairs_along(const HalfSource& s, int64_t line, int64_t k, __m512 by) {
  const float* ahead = s.data + std::min(line + kHalfPackLines, s.lines - 1) * s.line_stride + k;
  _mm_prefetch(ahead, _MM_HINT_T1);
  _mm_prefetch(ahead + kLanes, _MM_HINT_T1);
  const __m256i low = halves(along(s, line, k), by), high = halves(along(s, line, k + kLanes), by);
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

// 16 rows of 16 words become columns.
inline __attribute__((always_inline)) void transpose(__m512i (&row)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    row[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    row[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    row[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    row[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // A quarter q of row[i + j] is now rows i to i + 3 of column 4 q + j.
  for (int j = 0; j < 4; j++) {
    t[j] = _mm512_shuffle_i32x4(row[j], row[4 + j], 0x88);
    t[4 + j] = _mm512_shuffle_i32x4(row[j], row[4 + j], 0xdd);
    t[8 + j] = _mm512_shuffle_i32x4(row[8 + j], row[12 + j], 0x88);
    t[12 + j] = _mm512_shuffle_i32x4(row[8 + j], row[12 + j], 0xdd);
  }
  for (int j = 0; j < 4; j++) {
    row[j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0x88);
    row[4 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0x88);
    row[8 + j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0xdd);
    row[12 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0xdd);
  }
}

// Of lines [begin, end), each multiplied by its number of `by`, the numbers [k_begin, k_end): whole chunks.
void pack_left_along(const HalfSource& s, int64_t begin, int64_t end, int64_t k_begin, int64_t k_end,
                     const float* by, Half* packed) {
  const int64_t chunk_size = half_left_size(s.lines, kHalfChunk);
  for (int64_t k = k_begin; k < k_end; k += kHalfChunk) {
    for (int64_t line = begin; line < end; line++) {
      Half* to = packed + k / kHalfChunk * chunk_size + line * kHalfChunk;
      const __m512 factor = _mm512_set1_ps(by[line - begin]);
      for (int64_t i = 0; i < kHalfChunk; i += 2 * kLanes) {
        _mm512_storeu_si512(to + i, pairs_along(s, line, k + i, factor));
      }
    }
  }
}

// The same; the numbers are a multiple of 32.
void pack_left_across(const HalfSource& s, int64_t begin, int64_t end, int64_t k_begin, int64_t k_end,
                      const float* by, Half* packed) {
  const int64_t chunk_size = half_left_size(s.lines, kHalfChunk);
  for (int64_t k = k_begin; k < k_end; k += 2 * kLanes) {
    for (int64_t line = begin; line < end; line += kLanes) {
      const __m512 factor = _mm512_maskz_loadu_ps(first(end - line), by + (line - begin));
      __m512i words[kLanes];
      for (int64_t i = 0; i < kLanes; i++) words[i] = pairs_across(s, line, end, k + 2 * i, factor);
      transpose(words);
      Half* to = packed + k / kHalfChunk * chunk_size + line * kHalfChunk + k % kHalfChunk;
      for (int64_t i = 0; i < kLanes && line + i < end; i++) {
        _mm512_storeu_si512(to + i * kHalfChunk, words[i]);
      }
    }
  }
}

// A panel of columns that lie along the depth.
void pack_right_along(const HalfSource& s, int64_t begin, int64_t end, const float* by, Half* packed) {
  const int64_t chunk_size = half_right_size(kHalfChunk, s.lines);
  const int64_t depth = (s.length + kHalfChunk - 1) / kHalfChunk * kHalfChunk;
  for (int64_t odd = 0; odd < 2; odd++) {
    for (int64_t k = 0; k < depth; k += 2 * kLanes) {
      __m512i words[kLanes];
      for (int64_t i = 0; i < kLanes; i++) {
        const int64_t c = 2 * i + odd, line = begin + c;
        words[i] = line < end ? pairs_along(s, line, k, _mm512_set1_ps(by[c])) : _mm512_setzero_si512();
      }
      transpose(words);
      Half* to =
          packed + k / kHalfChunk * chunk_size + begin * kHalfChunk + half_right_place(odd, k % kHalfChunk);
      for (int64_t i = 0; i < kLanes; i++) _mm512_storeu_si512(to + i * 2 * kHalfPanel, words[i]);
    }
  }
}

// 32 columns, of which `there` are, of number k.
inline __m512i row_across(const HalfSource& s, int64_t line, int64_t there, int64_t k, __m512 low,
                          __m512 high) {
  if (k >= s.length) return _mm512_setzero_si512();
  const float* from = s.data + line + k * s.step;
  const __m256i a = halves(_mm512_maskz_loadu_ps(first(there), from), low);
  const __m256i b = halves(_mm512_maskz_loadu_ps(first(there - kLanes), from + kLanes), high);
  return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}

// Panels of columns that lie side by side: two rows are woven into pairs.
void pack_right_across(const HalfSource& s, int64_t begin, int64_t end, const float* by, Half* packed) {
  constexpr __mmask32 kOdd = 0xaaaaaaaa;
  const int64_t chunk_size = half_right_size(kHalfChunk, s.lines);
  for (int64_t k = 0; k < s.length; k += 2) {
    Half* to = packed + k / kHalfChunk * chunk_size + k % kHalfChunk * kHalfPanel;
    for (int64_t line = begin; line < end; line += kHalfPanel) {
      const int64_t there = end - line;
      const __m512 low = _mm512_loadu_ps(by + (line - begin)),
                   high = _mm512_loadu_ps(by + (line - begin) + kLanes);
      const __m512i even = row_across(s, line, there, k, low, high),
                    odd = row_across(s, line, there, k + 1, low, high);
      Half* at = to + line * kHalfChunk;
      _mm512_storeu_si512(at, _mm512_mask_blend_epi16(kOdd, even, _mm512_slli_epi32(odd, 16)));
      _mm512_storeu_si512(at + kHalfPanel, _mm512_mask_blend_epi16(kOdd, _mm512_srli_epi32(even, 16), odd));
    }
  }
}

template <class Pack>
void pack(const HalfSource& s, int64_t begin, int64_t end, float* scale, Pack pack_lines) {
  const int64_t at_once = s.step == 1 ? kHalfPackLines : kStripe;
  for (int64_t line = begin; line < end; line += at_once) {
    const int64_t last = line + at_once < end ? line + at_once : end;
    alignas(64) float by[kStripe] = {};
    find_scales(s, line, last, by, scale);
    pack_lines(line, last, by);
  }
}

}  // namespace

void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
  pack(source, begin, end, scale, [&](int64_t line, int64_t last, const float* by) {
    const int64_t depth = round_up(source.length, kHalfChunk);
    source.step == 1 ? pack_left_along(source, line, last, 0, depth, by, packed)
                     : pack_left_across(source, line, last, 0, depth, by, packed);
  });
}

void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
  pack(source, begin, end, scale, [&](int64_t line, int64_t last, const float* by) {
    source.step == 1 ? pack_right_along(source, line, last, by, packed)
                     : pack_right_across(source, line, last, by, packed);
  });
}

void half_scan(const HalfMatrix& m, int64_t begin, int64_t end, float* row_scale, float* column_largest,
               float* column_sum) {
  std::fill_n(column_largest, m.columns, 0.0f);
  std::fill_n(column_sum, m.columns, 0.0f);
  const HalfSource rows{m.data, m.rows, m.columns, m.stride, 1};
  for (int64_t row = begin; row < end; row++) {
    __m512 most = _mm512_setzero_ps();
    for (int64_t c = 0; c < m.columns; c += kLanes) {
      const __mmask16 there = first(m.columns - c);
      const __m512 x = along(rows, row, c), size = magnitude(x);
      most = _mm512_max_ps(size, most);
      const __m512 largest = _mm512_maskz_loadu_ps(there, column_largest + c);
      _mm512_mask_storeu_ps(column_largest + c, there, _mm512_max_ps(size, largest));
      const __m512 sum = _mm512_maskz_loadu_ps(there, column_sum + c);
      _mm512_mask_storeu_ps(column_sum + c, there, _mm512_add_ps(sum, x));
    }
    row_scale[row] = 1.0f / half_scale(_mm512_reduce_max_ps(most));
  }
}

void half_pack_tile(const HalfMatrix& m, int64_t row, int64_t column, const float* row_scale,
                    const float* column_scale, Half* by_rows, Half* by_columns) {
  const HalfSource rows{m.data, m.rows, m.columns, m.stride, 1};
  const HalfSource columns{m.data, m.columns, m.rows, 1, m.stride};
  const int64_t row_end = std::min(row + kHalfTileRows, m.rows);
  const int64_t column_end = std::min(column + kHalfTileColumns, m.columns);
  alignas(64) float row_by[kHalfTileRows], column_by[kHalfTileColumns];
  // Powers of two: exact.
  for (int64_t r = row; r < row_end; r++) row_by[r - row] = 1.0f / row_scale[r];
  for (int64_t c = column; c < column_end; c++) column_by[c - column] = 1.0f / column_scale[c];
  // So few rows that they are in the first-level cache when they are read across.
  constexpr int64_t kRowsAtOnce = 32;
  for (int64_t r = row; r < round_up(row_end, kHalfChunk); r += kRowsAtOnce) {
    pack_left_along(rows, r, std::min(r + kRowsAtOnce, row_end), column, round_up(column_end, kHalfChunk),
                    row_by + (r - row), by_rows);
    pack_left_across(columns, column, column_end, r, r + kRowsAtOnce, column_by, by_columns);
  }
}

}  // namespace beit::kernels::avx512fp16
#endif
