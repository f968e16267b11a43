#include "engine/crc32.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace beit {

namespace {

// kTables[n][b]: what the byte b adds when n more bytes follow it, so that eight bytes go at once.
constexpr auto kTables = [] {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320u : 0u);
    tables[0][byte] = value;
  }
  for (size_t n = 1; n < tables.size(); n++) {
    for (size_t byte = 0; byte < 256; byte++) {
      const uint32_t value = tables[n - 1][byte];
      tables[n][byte] = (value >> 8) ^ tables[0][value & 0xFF];
    }
  }
  return tables;
}();

#if defined(__x86_64__)

bool has_carry_less_multiplication() {
  return __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

__attribute__((target("sse4.1"))) inline __m128i load(const uint8_t* data) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
}

// Moves `value` over the bytes that `power` stands for (x to powers of them, modulo the polynomial) and adds
// what lies there.
__attribute__((target("pclmul,sse4.1"))) inline __m128i fold(__m128i value, __m128i power, __m128i next) {
  const auto low = _mm_clmulepi64_si128(value, power, 0x00);
  const auto high = _mm_clmulepi64_si128(value, power, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// V. Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction (Intel, 2009),
// with its constants for this polynomial. `length` is a multiple of 16 and at least 64; `crc` is inverted.
__attribute__((target("pclmul,sse4.1"))) uint32_t crc32_folded(uint32_t crc, const uint8_t* data,
                                                               size_t length) {
  const auto over_64 = _mm_set_epi64x(0x01C6E41596, 0x0154442BD4);
  const auto over_16 = _mm_set_epi64x(0x00CCAA009E, 0x01751997D0);

  // Four lanes of 16 bytes, as the multiplier is pipelined.
  auto a = load(data), b = load(data + 16), c = load(data + 32), d = load(data + 48);
  a = _mm_xor_si128(a, _mm_cvtsi32_si128(static_cast<int>(crc)));
  for (data += 64, length -= 64; length >= 64; data += 64, length -= 64) {
    a = fold(a, over_64, load(data));
    b = fold(b, over_64, load(data + 16));
    c = fold(c, over_64, load(data + 32));
    d = fold(d, over_64, load(data + 48));
  }
  a = fold(fold(fold(a, over_16, b), over_16, c), over_16, d);
  for (; length >= 16; data += 16, length -= 16) a = fold(a, over_16, load(data));

  // 128 bits to 64, to 32, and Barrett's reduction.
  const auto low_words = _mm_setr_epi32(-1, 0, -1, 0);
  a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, over_16, 0x10));
  a = _mm_xor_si128(_mm_srli_si128(a, 4),
                    _mm_clmulepi64_si128(_mm_and_si128(a, low_words), _mm_set_epi64x(0, 0x0163CD6124), 0x00));
  const auto polynomial = _mm_set_epi64x(0x01F7011641, 0x01DB710641);
  auto quotient = _mm_clmulepi64_si128(_mm_and_si128(a, low_words), polynomial, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), polynomial, 0x00);
  return static_cast<uint32_t>(_mm_extract_epi32(_mm_xor_si128(a, quotient), 1));
}

#endif

}  // namespace

uint32_t crc32_plain(uint32_t crc, const void* data, size_t length) {
  const auto* at = static_cast<const uint8_t*>(data);
  crc = ~crc;
  for (; length >= 8; length -= 8, at += 8) {
    uint32_t words[2];  // little-endian, as every machine this runs on
    std::memcpy(words, at, 8);
    words[0] ^= crc;
    crc = 0;
    for (int byte = 0; byte < 4; byte++) {
      crc ^= kTables[7 - byte][(words[0] >> (8 * byte)) & 0xFF] ^
             kTables[3 - byte][(words[1] >> (8 * byte)) & 0xFF];
    }
  }
  for (; length > 0; length--, at++) crc = (crc >> 8) ^ kTables[0][(crc ^ *at) & 0xFF];
  return ~crc;
}

uint32_t crc32(uint32_t crc, const void* data, size_t length) {
#if defined(__x86_64__)
  static const bool fast = has_carry_less_multiplication();
  if (fast && length >= 64) {
    const size_t folded = length / 16 * 16;
    crc = ~crc32_folded(~crc, static_cast<const uint8_t*>(data), folded);
    return crc32_plain(crc, static_cast<const uint8_t*>(data) + folded, length - folded);
  }
#endif
  return crc32_plain(crc, data, length);
}

}  // namespace beit
