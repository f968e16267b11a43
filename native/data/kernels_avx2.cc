// The inner loops with AVX2, chosen at run time where the processor has it. Elsewhere (arm64) the compiler's
// own vectorisation of the plain ones is what there is. kernels_avx512.cc goes on from here.
#include <vector>

#include "data/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

namespace beit {

namespace {

constexpr int kPrecision = ResampleWeights::kPrecision;
constexpr int kHalf = 1 << (kPrecision - 1);

// --- Horizontal pass. A weight of 23 bits is split in two of 16, so that one multiply-add instruction does
// two source pixels of a channel: weight = high * 2^11 + low.
constexpr int kLowBits = 11;
// Beyond this many weights a sum of low parts could overflow.
constexpr int kMaxWeights = 4096;

// Four weights, laid out for four neighbouring source pixels: (w0 w1) four times, (w2 w3) four times.
struct alignas(32) WeightGroup {
  int16_t low[16];
  int16_t high[16];
};

std::vector<WeightGroup> split(const ResampleWeights& weights, int groups) {
  std::vector<WeightGroup> result(static_cast<size_t>(weights.pixels()) * groups);
  for (int pixel = 0; pixel < weights.pixels(); pixel++) {
    for (int k = 0; k < weights.count[pixel]; k++) {
      const int32_t weight = weights.of(pixel)[k];
      auto& group = result[static_cast<size_t>(pixel) * groups + k / 4];
      for (int channel = 0; channel < 4; channel++) {
        const int at = k % 4 / 2 * 8 + channel * 2 + k % 2;
        group.low[at] = static_cast<int16_t>(weight & ((1 << kLowBits) - 1));
        group.high[at] = static_cast<int16_t>(weight >> kLowBits);
      }
    }
  }
  return result;
}

AVX2 void resample_row(const uint8_t* source, const ResampleWeights& weights, const WeightGroup* group,
                       int groups, uint8_t* to, int64_t plane_stride) {
  // Four RGB pixels of 12 bytes to 16-bit pairs: red of 0 and 1, green, blue, nothing; then those of 2 and 3.
  const __m256i pairs = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  const int pixels = weights.pixels();
  for (int i = 0; i < pixels; i++, group += groups, to++) {
    const uint8_t* from = source + int64_t{weights.first[i]} * 3;
    const int used = (weights.count[i] + 3) / 4;
    __m256i low = _mm256_setzero_si256();
    __m256i high = _mm256_setzero_si256();
    for (int g = 0; g < used; g++, from += 12) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      const __m256i values = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), pairs);
      const auto* low_weights = reinterpret_cast<const __m256i*>(group[g].low);
      const auto* high_weights = reinterpret_cast<const __m256i*>(group[g].high);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(values, _mm256_load_si256(low_weights)));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(values, _mm256_load_si256(high_weights)));
    }
    const __m256i both = _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kHalf)), kPrecision);
    sum = _mm_packs_epi32(sum, sum);
    const auto rgb = static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(sum, sum)));
    to[0] = static_cast<uint8_t>(rgb);
    to[plane_stride] = static_cast<uint8_t>(rgb >> 8);
    to[2 * plane_stride] = static_cast<uint8_t>(rgb >> 16);
  }
}

void resample_rows(const ImageView& source, int begin, int end, const ResampleWeights& weights,
                   const PlanarRows& out) {
  if (weights.stride > kMaxWeights) {
    kPlainKernels.resample_rows(source, begin, end, weights, out);
    return;
  }
  const int groups = (weights.stride + 3) / 4;
  const auto split_weights = split(weights, groups);
  for (int y = begin; y < end; y++) {
    resample_row(source.row(y), weights, split_weights.data(), groups,
                 out.data + (y - begin) * out.row_stride, out.plane_stride);
  }
}

// --- Vertical pass

AVX2 inline __m256i multiply_add(__m256i sum, const uint8_t* values, __m256i weight) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(values));
  return _mm256_add_epi32(sum, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(bytes), weight));
}

// 4 x 8 numbers of 32 bits to 32 bytes, saturated.
AVX2 inline __m256i to_bytes(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

AVX2 void resample_column(const uint8_t* rows, int64_t stride, const int32_t* weights, int count, int length,
                          uint8_t* out) {
  int i = 0;
  for (; i + 32 <= length; i += 32) {
    __m256i sum[4];
    for (auto& part : sum) part = _mm256_set1_epi32(kHalf);
    const uint8_t* row = rows + i;
    for (int k = 0; k < count; k++, row += stride) {
      const __m256i weight = _mm256_set1_epi32(weights[k]);
      for (int part = 0; part < 4; part++) sum[part] = multiply_add(sum[part], row + part * 8, weight);
    }
    for (auto& part : sum) part = _mm256_srai_epi32(part, kPrecision);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), to_bytes(sum[0], sum[1], sum[2], sum[3]));
  }
  for (; i + 8 <= length; i += 8) {
    __m256i sum = _mm256_set1_epi32(kHalf);
    const uint8_t* row = rows + i;
    for (int k = 0; k < count; k++, row += stride)
      sum = multiply_add(sum, row, _mm256_set1_epi32(weights[k]));
    sum = _mm256_srai_epi32(sum, kPrecision);
    const __m256i bytes = to_bytes(sum, sum, sum, sum);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i), _mm256_castsi256_si128(bytes));
  }
  kPlainKernels.resample_column(rows + i, stride, weights, count, length - i, out + i);
}

// --- Colours

// grey + factor * (value - grey) for 8 values, rounded towards zero; saturation to a byte comes with the
// packing.
AVX2 inline __m256i blended(__m256i grey, __m256 factor, __m256i value) {
  const __m256 difference = _mm256_cvtepi32_ps(_mm256_sub_epi32(value, grey));
  return _mm256_cvttps_epi32(_mm256_add_ps(_mm256_cvtepi32_ps(grey), _mm256_mul_ps(factor, difference)));
}

AVX2 void blend(int grey, float factor, uint8_t* bytes, int64_t length) {
  const __m256i greys = _mm256_set1_epi32(grey);
  const __m256 factors = _mm256_set1_ps(factor);
  int64_t i = 0;
  for (; i + 32 <= length; i += 32) {
    __m256i part[4];
    for (int p = 0; p < 4; p++) {
      const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + i + p * 8));
      part[p] = blended(greys, factors, _mm256_cvtepu8_epi32(eight));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes + i), to_bytes(part[0], part[1], part[2], part[3]));
  }
  kPlainKernels.blend(grey, factor, bytes + i, length - i);
}

// Eight pixels of 24 bytes, four in each half. Reads 28 bytes.
AVX2 inline __m256i load_pixels(const uint8_t* rgb) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb + 12));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

AVX2 inline __m256i in_both_halves(__m128i half) { return _mm256_broadcastsi128_si256(half); }

// The greys of eight pixels. 38470, the weight of green, has more than 15 bits: it is halved, and green
// counts twice.
AVX2 inline __m256i greys_of(__m256i pixels) {
  const __m256i red_green = _mm256_shuffle_epi8(
      pixels, in_both_halves(_mm_setr_epi8(0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1)));
  const __m256i green_blue = _mm256_shuffle_epi8(
      pixels, in_both_halves(_mm_setr_epi8(1, -1, 2, -1, 4, -1, 5, -1, 7, -1, 8, -1, 10, -1, 11, -1)));
  const __m256i sum = _mm256_add_epi32(_mm256_madd_epi16(red_green, _mm256_set1_epi32(19235 << 16 | 19595)),
                                       _mm256_madd_epi16(green_blue, _mm256_set1_epi32(7471 << 16 | 19235)));
  return _mm256_srli_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(0x8000)), 16);
}

AVX2 void blend_own_grey(float factor, uint8_t* rgb, int64_t pixels) {
  const __m256 factors = _mm256_set1_ps(factor);
  // Of the 12 bytes of each half: bytes 0 to 3, 4 to 7, 8 to 11 as numbers of 32 bits.
  const __m256i first =
      in_both_halves(_mm_setr_epi8(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3, -1, -1, -1));
  const __m256i second =
      in_both_halves(_mm_setr_epi8(4, -1, -1, -1, 5, -1, -1, -1, 6, -1, -1, -1, 7, -1, -1, -1));
  const __m256i third =
      in_both_halves(_mm_setr_epi8(8, -1, -1, -1, 9, -1, -1, -1, 10, -1, -1, -1, 11, -1, -1, -1));
  int64_t i = 0;
  for (; i + 10 <= pixels; i += 8, rgb += 24) {
    const __m256i eight = load_pixels(rgb);
    const __m256i grey = greys_of(eight);
    // The grey of pixel 0 three times, that of 1 three times, ...
    const __m256i a = blended(_mm256_shuffle_epi32(grey, 0x40), factors, _mm256_shuffle_epi8(eight, first));
    const __m256i b = blended(_mm256_shuffle_epi32(grey, 0xA5), factors, _mm256_shuffle_epi8(eight, second));
    const __m256i c = blended(_mm256_shuffle_epi32(grey, 0xFE), factors, _mm256_shuffle_epi8(eight, third));
    const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, c));
    // 12 bytes of each half; the 4 that the first store writes too many are overwritten by the next.
    const __m128i high = _mm256_extracti128_si256(bytes, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rgb), _mm256_castsi256_si128(bytes));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(rgb + 12), high);
    _mm_storeu_si32(rgb + 20, _mm_srli_si128(high, 8));
  }
  kPlainKernels.blend_own_grey(factor, rgb, pixels - i);
}

AVX2 int64_t sum_grey(const uint8_t* rgb, int64_t pixels) {
  __m256i sum = _mm256_setzero_si256();
  int64_t i = 0;
  for (; i + 10 <= pixels; i += 8) sum = _mm256_add_epi32(sum, greys_of(load_pixels(rgb + i * 3)));
  alignas(32) int32_t parts[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(parts), sum);
  int64_t total = kPlainKernels.sum_grey(rgb + i * 3, pixels - i);
  for (const int32_t part : parts) total += part;
  return total;
}

}  // namespace

const ImageKernels kAvx2Kernels{resample_rows, resample_column, blend, blend_own_grey, sum_grey};

const ImageKernels& fastest_kernels() {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (!has_avx2) return kPlainKernels;
  const ImageKernels* avx512 = avx512_kernels();
  return avx512 != nullptr ? *avx512 : kAvx2Kernels;
}

}  // namespace beit

#else

namespace beit {

const ImageKernels& fastest_kernels() { return kPlainKernels; }

}  // namespace beit

#endif
