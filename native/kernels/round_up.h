#pragma once
#include <cstdint>

namespace beit::kernels {

// To the next multiple.
constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace beit::kernels
