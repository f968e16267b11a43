// The product by float16 arithmetic, 32 multiply-adds an instruction.
//
// A register holds 16 columns of the result as pairs: depth comes two at a time, its even terms summed in the
// low and its odd terms in the high half of 32 bits. So a left value pair is broadcast as one 32-bit word,
// which the load unit does alone (a single float16 would cost the multiplier's port), and each float16 sum
// has 64 terms a chunk of 128. 12 rows x 2 registers of sums fill the register file. One of the two has the
// even columns of a panel and the other the odd ones, so that their sums, added up, lie in the order of the
// columns. The sums of three chunks are added in float16 before they are widened, as widening keeps the
// multipliers' ports busy. A block's float32 sums, its right panel and its left rows stay in the caches while
// depth advances, and what comes next is fetched meanwhile.
#include "kernels/half_gemm.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512fp16,fma")

namespace beit::kernels::avx512fp16 {

namespace {

constexpr int kTileRows = 12;
constexpr int64_t kLargeResult = int64_t{1} << 20;  // numbers: twice a second-level cache
constexpr int64_t kBlockSums = 192 * 256;
constexpr int64_t kChunksAtOnce = 3;  // half_gemm.h counts on no more

constexpr int64_t kLine = 32;  // float16 values of a cache line

// Where a tile's result goes, and what is done to it.
struct TileEnd {
  float* out;
  const float* residual;  // or null
  int64_t stride;
  int64_t rows;            // that are really there
  const float* row_scale;  // of the first row, or null
  __mmask16 mask[2];       // columns that are really there
  __m512 column_scale[2];
  __m512 bias[2];
  bool past_caches;  // whole cache lines, of a result that no cache holds until it is read
};

struct Sums {
  __m512 first, second;  // of 16 columns each
};

// Adds the even and the odd terms of 32 columns and widens them.
inline Sums widen(__m512h even_columns, __m512h odd_columns) {
  const __m512i a = _mm512_castph_si512(even_columns), b = _mm512_castph_si512(odd_columns);
  constexpr __mmask32 kOdd = 0xaaaaaaaa;
  // Low halves belong to even columns, high halves to odd ones: all of them in their order.
  const __m512i straight = _mm512_mask_blend_epi16(kOdd, a, b);
  const __m512i crossed = _mm512_rol_epi32(_mm512_mask_blend_epi16(kOdd, b, a), 16);
  const __m512i sums =
      _mm512_castph_si512(_mm512_add_ph(_mm512_castsi512_ph(straight), _mm512_castsi512_ph(crossed)));
  return {_mm512_cvtph_ps(_mm512_castsi512_si256(sums)), _mm512_cvtph_ps(_mm512_extracti64x4_epi64(sums, 1))};
}

inline void finish(const TileEnd& end, int row, Sums sums) {
  __m512 scale[2] = {end.column_scale[0], end.column_scale[1]};
  if (end.row_scale) {
    const __m512 row_scale = _mm512_set1_ps(end.row_scale[row]);
    scale[0] = _mm512_mul_ps(scale[0], row_scale);
    scale[1] = _mm512_mul_ps(scale[1], row_scale);
  }
  __m512 value[2] = {_mm512_fmadd_ps(sums.first, scale[0], end.bias[0]),
                     _mm512_fmadd_ps(sums.second, scale[1], end.bias[1])};
  for (int half = 0; half < 2; half++) {
    const int64_t at = row * end.stride + 16 * half;
    if (end.residual) {
      const __m512 residual = _mm512_maskz_loadu_ps(end.mask[half], end.residual + at);
      value[half] = _mm512_add_ps(value[half], residual);
    }
    if (end.past_caches) {
      _mm512_stream_ps(end.out + at, value[half]);
    } else {
      _mm512_mask_storeu_ps(end.out + at, end.mask[half], value[half]);
    }
  }
}

// What a tile fetches into the second-level cache: of each chunk 64 lines.
struct Ahead {
  const Half* from;
  int64_t step;  // to the next chunk
};

// Sums of the terms of one chunk, of `Rows` rows and one panel; `pairs` of depth.
template <int Rows>
inline __attribute__((always_inline)) void chain(const Half* left, const Half* right, int64_t pairs,
                                                 const Half* ahead, __m512h (&total)[Rows][2]) {
#pragma GCC unroll 12
  for (int r = 0; r < Rows; r++) total[r][0] = total[r][1] = _mm512_setzero_ph();
#pragma GCC unroll 2
  for (int64_t pair = 0; pair < pairs; pair++) {
    _mm_prefetch(ahead + pair * kLine, _MM_HINT_T1);
    const __m512h b0 = _mm512_loadu_ph(right + pair * 2 * kHalfPanel);
    const __m512h b1 = _mm512_loadu_ph(right + pair * 2 * kHalfPanel + 32);
#pragma GCC unroll 12
    for (int r = 0; r < Rows; r++) {
      int32_t two;
      std::memcpy(&two, left + r * kHalfChunk + 2 * pair, sizeof(two));
      const __m512h a = _mm512_castsi512_ph(_mm512_set1_epi32(two));
      total[r][0] = _mm512_fmadd_ph(a, b0, total[r][0]);
      total[r][1] = _mm512_fmadd_ph(a, b1, total[r][1]);
    }
  }
}

// A tile over the chunks `begin` to `end`, at most kChunksAtOnce. `sums` (Rows, 32) holds what earlier chunks
// gave; takes the new sums, unless the depth ends here: then they go where `last` says.
template <int Rows>
void tile(const HalfProduct& p, const Half* left, const Half* right, int64_t begin, int64_t end, Ahead ahead,
          float* sums, const TileEnd& last) {
  const int64_t left_step = half_left_size(p.rows, kHalfChunk),
                right_step = half_right_size(kHalfChunk, p.columns);
  alignas(64) Half before[Rows][2][32];
  for (int64_t c = begin; c < end; c++) {
    const int64_t depth = std::min(kHalfChunk, p.depth - c * kHalfChunk);
    __m512h total[Rows][2];
    chain<Rows>(left + c * left_step, right + c * right_step, (depth + 1) / 2,
                ahead.from + (c - begin) * ahead.step, total);
    if (c > begin) {
#pragma GCC unroll 12
      for (int r = 0; r < Rows; r++) {
        for (int i = 0; i < 2; i++) total[r][i] = _mm512_add_ph(total[r][i], _mm512_load_ph(before[r][i]));
      }
    }
    if (c + 1 < end) {
#pragma GCC unroll 12
      for (int r = 0; r < Rows; r++) {
        for (int i = 0; i < 2; i++) _mm512_store_ph(before[r][i], total[r][i]);
      }
      continue;
    }
#pragma GCC unroll 12
    for (int r = 0; r < Rows; r++) {
      Sums s = widen(total[r][0], total[r][1]);
      float* sum = sums + r * kHalfPanel;
      if (begin > 0) {
        s.first = _mm512_add_ps(s.first, _mm512_load_ps(sum));
        s.second = _mm512_add_ps(s.second, _mm512_load_ps(sum + 16));
      }
      if (end * kHalfChunk < p.depth) {
        _mm512_store_ps(sum, s.first);
        _mm512_store_ps(sum + 16, s.second);
      } else if (r < last.rows) {
        finish(last, r, s);
      }
    }
  }
}

// Written past the caches, a large result need not be read first, and leaves the operands where they are.
bool past_caches(const HalfProduct& p) {
  return p.rows * p.columns >= kLargeResult && p.out_stride % 16 == 0 &&
         reinterpret_cast<uintptr_t>(p.out) % 64 == 0;
}

TileEnd tile_end(const HalfProduct& p, int64_t row, int64_t column, int64_t row_end) {
  const int64_t at = row * p.out_stride + column;
  TileEnd end{p.out + at,
              p.residual ? p.residual + at : nullptr,
              p.out_stride,
              row_end - row,
              p.row_scale ? p.row_scale + row : nullptr,
              {},
              {},
              {},
              past_caches(p)};
  for (int half = 0; half < 2; half++) {
    const int64_t first = column + half * 16, there = std::clamp<int64_t>(p.columns - first, 0, 16);
    end.mask[half] = static_cast<__mmask16>((1u << there) - 1);
    if (there < 16) end.past_caches = false;
    end.column_scale[half] =
        p.column_scale ? _mm512_maskz_loadu_ps(end.mask[half], p.column_scale + first) : _mm512_set1_ps(1);
    end.bias[half] = p.bias ? _mm512_maskz_loadu_ps(end.mask[half], p.bias + first) : _mm512_setzero_ps();
  }
  return end;
}

void block(const HalfProduct& p, const HalfBlock& b) {
  alignas(64) float sums[kBlockSums];
  const int64_t chunks = (p.depth + kHalfChunk - 1) / kHalfChunk;
  const int64_t panels = (b.column_end - b.column_begin + kHalfPanel - 1) / kHalfPanel;
  const int64_t left_step = half_left_size(p.rows, kHalfChunk),
                right_step = half_right_size(kHalfChunk, p.columns);
  for (int64_t begin = 0; begin < chunks; begin += kChunksAtOnce) {
    const int64_t end = std::min(begin + kChunksAtOnce, chunks);
    float* at = sums;
    for (int64_t panel = 0; panel < panels; panel++) {
      const int64_t column = b.column_begin + panel * kHalfPanel;
      const Half* right = p.right + column * kHalfChunk;
      // The next panel of these chunks, or the first of the chunks that come then, or of the next block.
      const bool last_panel = panel + 1 == panels;
      const Half* next = right + begin * right_step + kHalfPanel * kHalfChunk;
      if (last_panel && end < chunks) next = p.right + b.column_begin * kHalfChunk + end * right_step;
      if (last_panel && end == chunks)
        next = p.right + (b.column_end < p.columns ? b.column_end : 0) * kHalfChunk;
      for (int64_t row = b.row_begin; row < b.row_end; row += kTileRows, at += kTileRows * kHalfPanel) {
        const Half* left = p.left + row * kHalfChunk;
        const int64_t tiles = (row - b.row_begin) / kTileRows;
        Ahead ahead{left + begin * left_step, left_step};
        if (tiles < 2) {
          ahead = {next + tiles * 64 * kLine, right_step};
        } else if (last_panel && end < chunks) {
          ahead.from = left + end * left_step;
        }
        const auto last = tile_end(p, row, column, b.row_end);
        if (last.rows > 8) {
          tile<12>(p, left, right, begin, end, ahead, at, last);
        } else if (last.rows > 4) {
          tile<8>(p, left, right, begin, end, ahead, at, last);
        } else {
          tile<4>(p, left, right, begin, end, ahead, at, last);
        }
      }
    }
  }
}

}  // namespace

void half_gemm(const HalfProduct& product, int64_t begin, int64_t end) {
  for (int64_t task = begin; task < end; task++) block(product, half_block(product, task));
  _mm_sfence();  // what was written past the caches is there before the thread says that it is done
}

}  // namespace beit::kernels::avx512fp16

#endif
