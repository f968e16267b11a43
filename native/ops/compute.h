// How an operation may compute its result.
#pragma once

#include <c10/core/ScalarType.h>

namespace beit::ops {

// kBf16: mixed precision. Matrix products and convolutions in half the bits, weights and sums in float32.
enum class Precision { kFp32, kBf16 };

// Of the operands of a product on a GPU, and of what it gives.
inline at::ScalarType product_type(Precision precision) {
  return precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
}

struct Compute {
  Precision precision = Precision::kFp32;
  // false: libtorch's own operations one by one, which the tests compare the fast paths with.
  bool optimize = true;
};

}  // namespace beit::ops
