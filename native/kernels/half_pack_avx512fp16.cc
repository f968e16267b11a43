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

// The 16 numbers of a line from number k on; beyond its length zeros.
inline __m512 along(const HalfSource& s, int64_t line, int64_t k) {
  const __mmask16 there = first(s.length - k);
  const float* at = s.data + line * s.line_stride + k * s.step;
  if (s.step == 1) return _mm512_maskz_loadu_ps(there, at);
  const __m512i index =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(static_cast<int>(s.step)));
  return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), there, index, at, sizeof(float));
}

// Number k of 16 lines from `line` on, where lines lie side by side.
inline __m512 across(const HalfSource& s, int64_t line, int64_t end, int64_t k) {
  if (k >= s.length) return _mm512_setzero_ps();
  return _mm512_maskz_loadu_ps(first(end - line), s.data + line + k * s.step);
}

// For at most 32 lines: by what each is multiplied, and the inverse.
void find_scales(const HalfSource& s, int64_t begin, int64_t end, float* by, float* scale) {
  alignas(64) float largest[kHalfPackLines];
  if (s.step == 1) {
    for (int64_t line = begin; line < end; line++) {
      __m512 most = _mm512_setzero_ps();
      for (int64_t k = 0; k < s.length; k += kLanes) most = _mm512_max_ps(magnitude(along(s, line, k)), most);
      largest[line - begin] = _mm512_reduce_max_ps(most);
    }
  } else {
    for (int64_t line = begin; line < end; line += kLanes) {
      __m512 most = _mm512_setzero_ps();
      for (int64_t k = 0; k < s.length; k++) most = _mm512_max_ps(magnitude(across(s, line, end, k)), most);
      _mm512_store_ps(largest + (line - begin), most);
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

void pack_left_lines(const HalfSource& s, int64_t begin, int64_t end, const float* by, Half* packed) {
  const int64_t chunk_size = half_left_size(s.lines, kHalfChunk);
  for (int64_t k = 0; k < s.length; k += kHalfChunk) {
    for (int64_t line = begin; line < end; line++) {
      Half* to = packed + k / kHalfChunk * chunk_size + line * kHalfChunk;
      const __m512 factor = _mm512_set1_ps(by[line - begin]);
      for (int64_t i = 0; i < kHalfChunk; i += kLanes) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), halves(along(s, line, k + i), factor));
      }
    }
  }
}

// A panel of columns that lie along the depth: pairs of depth are words of 32 bits, and the words are
// transposed.
void pack_right_along(const HalfSource& s, int64_t begin, int64_t end, const float* by, Half* packed) {
  alignas(64) uint32_t words[kHalfPanel * kHalfChunk / 2];
  const __m512i column =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(kHalfChunk / 2));
  for (uint32_t& word : words) word = 0;
  const int64_t chunk_size = half_right_size(kHalfChunk, s.lines);
  for (int64_t k = 0; k < s.length; k += kHalfChunk) {
    for (int64_t line = begin; line < end; line++) {
      uint32_t* to = words + (line - begin) * kHalfChunk / 2;
      const __m512 factor = _mm512_set1_ps(by[line - begin]);
      for (int64_t i = 0; i < kHalfChunk; i += kLanes) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i / 2), halves(along(s, line, k + i), factor));
      }
    }
    auto* to = reinterpret_cast<uint32_t*>(packed + k / kHalfChunk * chunk_size + begin * kHalfChunk);
    for (int64_t pair = 0; pair < kHalfChunk / 2; pair++) {
      for (int64_t c = 0; c < kHalfPanel; c += kLanes) {
        const __m512i some =
            _mm512_i32gather_epi32(column, words + c * kHalfChunk / 2 + pair, sizeof(uint32_t));
        _mm512_storeu_si512(to + pair * kHalfPanel + c, some);
      }
    }
  }
}

// A panel of columns that lie side by side: two rows are woven into pairs.
void pack_right_across(const HalfSource& s, int64_t begin, int64_t end, const float* by, Half* packed) {
  const int64_t chunk_size = half_right_size(kHalfChunk, s.lines);
  for (int64_t c = 0; c < kHalfPanel; c += kLanes) {
    const __m512 factor = _mm512_maskz_loadu_ps(first(end - begin - c), by + c);
    for (int64_t k = 0; k < s.length; k += 2) {
      const __m512i even = _mm512_cvtepu16_epi32(halves(across(s, begin + c, end, k), factor));
      const __m512i odd = _mm512_cvtepu16_epi32(halves(across(s, begin + c, end, k + 1), factor));
      Half* to =
          packed + k / kHalfChunk * chunk_size + begin * kHalfChunk + (k % kHalfChunk * kHalfPanel) + 2 * c;
      _mm512_storeu_si512(to, _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
    }
  }
}

template <class Pack>
void pack(const HalfSource& s, int64_t begin, int64_t end, float* scale, Pack pack_lines) {
  for (int64_t line = begin; line < end; line += kHalfPackLines) {
    const int64_t last = line + kHalfPackLines < end ? line + kHalfPackLines : end;
    alignas(64) float by[kHalfPackLines];
    find_scales(s, line, last, by, scale);
    pack_lines(line, last, by);
  }
}

}  // namespace

void half_pack_left(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
  pack(source, begin, end, scale,
       [&](int64_t line, int64_t last, const float* by) { pack_left_lines(source, line, last, by, packed); });
}

void half_pack_right(const HalfSource& source, int64_t begin, int64_t end, Half* packed, float* scale) {
  pack(source, begin, end, scale, [&](int64_t line, int64_t last, const float* by) {
    source.step == 1 ? pack_right_along(source, line, last, by, packed)
                     : pack_right_across(source, line, last, by, packed);
  });
}

}  // namespace beit::kernels::avx512fp16
#endif
