// The inner loops that take most of the time, with AVX-512: bytes from anywhere in a register (VBMI) and
// multiply-adds of 16-bit pairs (VNNI). The rest is that of AVX2.
#include <array>
#include <vector>

#include "data/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))

namespace beit {

namespace {

constexpr int kHalf = 1 << (ResampleWeights::kPrecision - 1);
// As in kernels_avx2.cc: weight = high * 2^11 + low, and a bound for the sums of low parts.
constexpr int kLowBits = 11;
constexpr int kMaxWeights = 4096;
// Source pixels of one multiply-add.
constexpr int kGroup = 8;

// Eight weights, laid out for eight neighbouring source pixels: (w0 w1) four times, (w2 w3), (w4 w5), (w6
// w7).
struct alignas(64) WeightGroup {
  int16_t low[32];
  int16_t high[32];
};

std::vector<WeightGroup> split(const ResampleWeights& weights, int groups) {
  std::vector<WeightGroup> result(static_cast<size_t>(weights.pixels()) * groups);
  for (int pixel = 0; pixel < weights.pixels(); pixel++) {
    for (int k = 0; k < weights.count[pixel]; k++) {
      const int32_t weight = weights.of(pixel)[k];
      auto& group = result[static_cast<size_t>(pixel) * groups + k / kGroup];
      for (int channel = 0; channel < 4; channel++) {
        const int at = k % kGroup / 2 * 8 + channel * 2 + k % 2;
        group.low[at] = static_cast<int16_t>(weight & ((1 << kLowBits) - 1));
        group.high[at] = static_cast<int16_t>(weight >> kLowBits);
      }
    }
  }
  return result;
}

// Where the bytes of eight RGB pixels go as 16-bit numbers: red of 0 and 1, green, blue, nothing; then those
// of 2 and 3, ... 64 stands for a zero.
alignas(64) constexpr auto kPairs = [] {
  std::array<uint8_t, 64> from{};
  for (int i = 0; i < 64; i++) {
    const int pixel = i / 16 * 2 + i % 4 / 2;
    const int channel = i % 16 / 4;
    from[i] = static_cast<uint8_t>(i % 2 == 0 && channel < 3 ? pixel * 3 + channel : 64);
  }
  return from;
}();

constexpr uint64_t used_bytes() {
  uint64_t mask = 0;
  for (int i = 0; i < 64; i++) mask |= uint64_t{kPairs[i] != 64} << i;
  return mask;
}

AVX512 void resample_row(const uint8_t* source, const ResampleWeights& weights, const WeightGroup* group,
                         int groups, uint8_t* to, int64_t plane_stride) {
  const __m512i pairs = _mm512_load_si512(kPairs.data());
  const int pixels = weights.pixels();
  for (int i = 0; i < pixels; i++, group += groups, to++) {
    const uint8_t* from = source + int64_t{weights.first[i]} * 3;
    const int used = (weights.count[i] + kGroup - 1) / kGroup;
    __m512i low = _mm512_setzero_si512();
    __m512i high = _mm512_setzero_si512();
    for (int g = 0; g < used; g++, from += kGroup * 3) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
      const __m512i values =
          _mm512_maskz_permutexvar_epi8(used_bytes(), pairs, _mm512_zextsi256_si512(bytes));
      low = _mm512_dpwssd_epi32(low, values, _mm512_load_si512(group[g].low));
      high = _mm512_dpwssd_epi32(high, values, _mm512_load_si512(group[g].high));
    }
    const __m512i all = _mm512_add_epi32(_mm512_slli_epi32(high, kLowBits), low);
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kHalf)), ResampleWeights::kPrecision);
    sum = _mm_packs_epi32(sum, sum);
    const auto rgb = static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(sum, sum)));
    to[0] = static_cast<uint8_t>(rgb);
    to[plane_stride] = static_cast<uint8_t>(rgb >> 8);
    to[2 * plane_stride] = static_cast<uint8_t>(rgb >> 16);
  }
}

void resample_rows(const ImageView& source, int begin, int end, const ResampleWeights& weights,
                   const PlanarRows& out) {
  // Up to four weights fill half a register of this width: AVX2 is as quick.
  if (weights.stride > kMaxWeights || weights.stride <= kGroup / 2) {
    kAvx2Kernels.resample_rows(source, begin, end, weights, out);
    return;
  }
  const int groups = (weights.stride + kGroup - 1) / kGroup;
  const auto split_weights = split(weights, groups);
  for (int y = begin; y < end; y++) {
    resample_row(source.row(y), weights, split_weights.data(), groups,
                 out.data + (y - begin) * out.row_stride, out.plane_stride);
  }
}

// Brightness and contrast change a byte by its value alone: a table of 256 in four registers, two halves
// looked up, the highest bit choosing between them.
AVX512 void blend(int grey, float factor, uint8_t* bytes, int64_t length) {
  // The table costs more than a few bytes.
  if (length < 256) {
    kAvx2Kernels.blend(grey, factor, bytes, length);
    return;
  }
  alignas(64) std::array<uint8_t, 256> table;
  for (int value = 0; value < 256; value++) table[value] = static_cast<uint8_t>(value);
  kAvx2Kernels.blend(grey, factor, table.data(), 256);
  const __m512i first = _mm512_load_si512(table.data());
  const __m512i second = _mm512_load_si512(table.data() + 64);
  const __m512i third = _mm512_load_si512(table.data() + 128);
  const __m512i fourth = _mm512_load_si512(table.data() + 192);
  for (int64_t i = 0; i < length; i += 64) {
    const int64_t left = length - i;
    const __mmask64 mask = left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
    const __m512i values = _mm512_maskz_loadu_epi8(mask, bytes + i);
    const __m512i dark = _mm512_permutex2var_epi8(first, values, second);
    const __m512i bright = _mm512_permutex2var_epi8(third, values, fourth);
    _mm512_mask_storeu_epi8(bytes + i, mask,
                            _mm512_mask_blend_epi8(_mm512_movepi8_mask(values), dark, bright));
  }
}

}  // namespace

const ImageKernels* avx512_kernels() {
  static const ImageKernels kernels{resample_rows, kAvx2Kernels.resample_column, blend,
                                    kAvx2Kernels.blend_own_grey, kAvx2Kernels.sum_grey};
  static const bool supported = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                                __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
  return supported ? &kernels : nullptr;
}

}  // namespace beit

#endif
