#include "data/permutation.h"

#include <cstddef>
#include <numeric>
#include <utility>

#include "data/philox.h"

namespace beit {

std::vector<uint32_t> permutation(uint32_t count, uint64_t seed, uint32_t epoch) {
  // A stream of SampleRandom has 2^26 numbers; a new one every 2^20 swaps keeps far from its end.
  constexpr uint32_t kSwapsPerStream = 1 << 20;
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  // Fisher-Yates, from the last place to the first.
  for (uint32_t stream = 0, left = count; left > 1; stream++) {
    SampleRandom random(seed, epoch, stream, Stream::kOrder);
    for (uint32_t swaps = 0; swaps < kSwapsPerStream && left > 1; swaps++, left--) {
      std::swap(order[left - 1], order[static_cast<size_t>(random.integer(0, int64_t{left} - 1))]);
    }
  }
  return order;
}

}  // namespace beit
