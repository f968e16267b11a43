// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3"
// (SC 2011): a pure function of key and counter, so every random decision about a sample can be made by any
// thread, rank or resumed run and comes out the same.
#pragma once
#include <array>
#include <cstdint>

#include "data/host_device.h"

namespace beit {

struct PhiloxWords {
  uint32_t words[4];
};

BEIT_HOST_DEVICE inline PhiloxWords philox4x32(uint64_t key, PhiloxWords counter) {
  auto [c0, c1, c2, c3] = counter.words;
  auto key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t product0 = uint64_t{0xD2511F53} * c0;
    const uint64_t product1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<uint32_t>(product1);
    c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<uint32_t>(product0);
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return {{c0, c1, c2, c3}};
}

// What a stream of random numbers is for: decisions of different kinds never share numbers.
enum class Stream : uint32_t {
  kOrder = 0,
  kCrop = 1,
  kFlip = 2,
  kColorJitter = 3,
  kMask = 4,
  kRandAugment = 5,
  kErase = 6,
  kMix = 7,  // of a batch instead of a sample
};

// The random numbers of one decision about one sample: a pure function of (seed, epoch, sample, stream).
class SampleRandom {
 public:
  // Counter words: block number (low 24 bits) with the stream (high 8 bits), epoch, sample (two words).
  BEIT_HOST_DEVICE SampleRandom(uint64_t seed, uint32_t epoch, uint64_t sample, Stream stream)
      : seed_(seed),
        counter_{{static_cast<uint32_t>(stream) << 24, epoch, static_cast<uint32_t>(sample),
                  static_cast<uint32_t>(sample >> 32)}} {}

  // 32 uniform bits
  BEIT_HOST_DEVICE uint32_t next() {
    if (used_ == 4) {
      block_ = philox4x32(seed_, counter_);
      counter_.words[0]++;
      used_ = 0;
    }
    return block_.words[used_++];
  }

  // [0, 1) with 53 bits
  BEIT_HOST_DEVICE double uniform() {
    const uint64_t high = next() >> 5;  // 27 bits
    const uint64_t low = next() >> 6;   // 26 bits
    return static_cast<double>((high << 26) | low) * 0x1p-53;
  }

  // [low, high)
  BEIT_HOST_DEVICE double uniform(double low, double high) { return low + (high - low) * uniform(); }

  // low..high, both included, without modulo bias
  BEIT_HOST_DEVICE int64_t integer(int64_t low, int64_t high) {
    const uint64_t range = static_cast<uint64_t>(high - low) + 1;
    // Rejects the tail that would favour small results.
    const uint64_t limit = range == 0 ? 0 : UINT64_MAX - (UINT64_MAX % range + 1) % range;
    for (;;) {
      const uint64_t upper = uint64_t{next()} << 32;
      const uint64_t bits = upper | next();
      if (range == 0) return static_cast<int64_t>(bits);
      if (bits <= limit) return low + static_cast<int64_t>(bits % range);
    }
  }

  std::array<double, 2> normal_pair();  // two independent numbers of N(0, 1)

 private:
  uint64_t seed_;
  PhiloxWords counter_;
  PhiloxWords block_{};
  int used_ = 4;
};

}  // namespace beit
