#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include "kernels/half_gemm.h"
#include "kernels/half_pack.h"

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

// Of lines side by side: how many are packed at once, a multiple of kHalfPackLines. Their numbers k are a run
// of memory long enough to be fetched ahead.
constexpr int64_t kStripe = 256;

// For at most kStripe lines: by what each is multiplied, and the inverse.
void find_scales(const HalfSource& s, int64_t begin, int64_t end, float* by, float* scale) {
  alignas(64) float largest[kStripe] = {};
  if (s.step == 1) {
    for (int64_t line = begin; line < end; line++) {
      __m512 most = _mm512_setzero_ps();
      for (int64_t k = 0; k < s.length; k += kLanes) most = _mm512_max_ps(magnitude(along(s, line, k)), most);
      largest[line - begin] = _mm512_reduce_max_ps(most);
    }
  } else {
    for (int64_t k = 0; k < s.length; k++) {
      for (int64_t line = begin; line < end; line += kLanes) {
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

// The 32 numbers of a line from number k on, as 16 words.
inline __m512i pairs_along(const HalfSource& s, int64_t line, int64_t k, __m512 by) {
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

void pack_left_along(const HalfSource& s, int64_t begin, int64_t end, const float* by, Half* packed) {
  const int64_t chunk_size = half_left_size(s.lines, kHalfChunk);
  for (int64_t k = 0; k < s.length; k += kHalfChunk) {
    for (int64_t line = begin; line < end; line++) {
      Half* to = packed + k / kHalfChunk * chunk_size + line * kHalfChunk;
      const __m512 factor = _mm512_set1_ps(by[line - begin]);
      for (int64_t i = 0; i < kHalfChunk; i += 2 * kLanes) {
        _mm512_storeu_si512(to + i, pairs_along(s, line, k + i, factor));
      }
    }
  }
}

void pack_left_across(const HalfSource& s, int64_t begin, int64_t end, const float* by, Half* packed) {
  const int64_t chunk_size = half_left_size(s.lines, kHalfChunk);
  const int64_t depth = (s.length + kHalfChunk - 1) / kHalfChunk * kHalfChunk;
  for (int64_t k = 0; k < depth; k += 2 * kLanes) {
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
  for (int64_t c = 0; c < kHalfPanel; c += kLanes) {
    for (int64_t k = 0; k < depth; k += 2 * kLanes) {
      __m512i words[kLanes];
      for (int64_t i = 0; i < kLanes; i++) {
        const int64_t line = begin + c + i;
        words[i] = line < end ? pairs_along(s, line, k, _mm512_set1_ps(by[c + i])) : _mm512_setzero_si512();
      }
      transpose(words);
      Half* to =
          packed + k / kHalfChunk * chunk_size + begin * kHalfChunk + k % kHalfChunk * kHalfPanel + 2 * c;
      for (int64_t i = 0; i < kLanes; i++) _mm512_storeu_si512(to + i * 2 * kHalfPanel, words[i]);
    }
  }
}

// Panels of columns that lie side by side: two rows are woven into pairs.
void pack_right_across(const HalfSource& s, int64_t begin, int64_t end, const float* by, Half* packed) {
  const int64_t chunk_size = half_right_size(kHalfChunk, s.lines);
  for (int64_t k = 0; k < s.length; k += 2) {
    Half* chunk = packed + k / kHalfChunk * chunk_size + k % kHalfChunk * kHalfPanel;
    for (int64_t panel = begin; panel < end; panel += kHalfPanel) {
      for (int64_t c = 0; c < kHalfPanel; c += kLanes) {
        const int64_t line = panel + c;
        const __m512 factor = _mm512_maskz_loadu_ps(first(end - line), by + (line - begin));
        _mm512_storeu_si512(chunk + panel * kHalfChunk + 2 * c, pairs_across(s, line, end, k, factor));
      }
    }
  }
}

template <class Pack>
void pack(const HalfSource& s, int64_t begin, int64_t end, float* scale, Pack pack_lines) {
  const int64_t at_once = s.step == 1 ? kHalfPackLines : kStripe;
  for (int64_t line = begin; line < end; line += at_once) {
    const int64_t last = line + at_once < end ? line + at_once : end;
    alignas(64) float by[kStripe];
    find_scales(s, line, last, by, scale);
    pack_lines(line, last, by);
  }
}

}  // namespace

void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
  pack(source, begin, end, scale, [&](int64_t line, int64_t last, const float* by) {
    source.step == 1 ? pack_left_along(source, line, last, by, packed)
                     : pack_left_across(source, line, last, by, packed);
  });
}

void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
  pack(source, begin, end, scale, [&](int64_t line, int64_t last, const float* by) {
    source.step == 1 ? pack_right_along(source, line, last, by, packed)
                     : pack_right_across(source, line, last, by, packed);
  });
}

}  // namespace beit::kernels::avx512fp16
#endif
