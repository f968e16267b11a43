// The order of the samples of an epoch.
#pragma once
#include <cstdint>
#include <vector>

namespace beit {

// A random order of 0..count-1: a pure function of (seed, epoch).
std::vector<uint32_t> permutation(uint32_t count, uint64_t seed, uint32_t epoch);

}  // namespace beit
