// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3"
// (SC 2011): a pure function of key and counter, so every random decision about a sample can be made by any
// thread, rank or resumed run and comes out the same.
#pragma once
#include <array>
#include <cstdint>

namespace beit {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 2> key, std::array<uint32_t, 4> counter);

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
  SampleRandom(uint64_t seed, uint32_t epoch, uint64_t sample, Stream stream);

  uint32_t next();                             // 32 uniform bits
  double uniform();                            // [0, 1) with 53 bits
  double uniform(double low, double high);     // [low, high)
  int64_t integer(int64_t low, int64_t high);  // low..high, both included, without modulo bias
  std::array<double, 2> normal_pair();         // two independent numbers of N(0, 1)

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace beit
