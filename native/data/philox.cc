#include "data/philox.h"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace beit {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 2> key, std::array<uint32_t, 4> counter) {
  for (int round = 0; round < 10; round++) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// Counter words: block number (low 24 bits) with the stream (high 8 bits), epoch, sample (two words).
SampleRandom::SampleRandom(uint64_t seed, uint32_t epoch, uint64_t sample, Stream stream)
    : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
      counter_{static_cast<uint32_t>(stream) << 24, epoch, static_cast<uint32_t>(sample),
               static_cast<uint32_t>(sample >> 32)} {}

uint32_t SampleRandom::next() {
  if (used_ == 4) {
    block_ = philox4x32(key_, counter_);
    counter_[0]++;
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

double SampleRandom::uniform() {
  const uint64_t high = next() >> 5;  // 27 bits
  const uint64_t low = next() >> 6;   // 26 bits
  return static_cast<double>((high << 26) | low) * 0x1p-53;
}

double SampleRandom::uniform(double low, double high) { return low + (high - low) * uniform(); }

// Box and Muller.
std::array<double, 2> SampleRandom::normal_pair() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

int64_t SampleRandom::integer(int64_t low, int64_t high) {
  const uint64_t range = static_cast<uint64_t>(high - low) + 1;
  // Rejects the tail that would favour small results.
  const uint64_t limit = range == 0 ? 0 : UINT64_MAX - (UINT64_MAX % range + 1) % range;
  for (;;) {
    const uint64_t bits = (uint64_t{next()} << 32) | next();
    if (range == 0) return static_cast<int64_t>(bits);
    if (bits <= limit) return low + static_cast<int64_t>(bits % range);
  }
}

}  // namespace beit
