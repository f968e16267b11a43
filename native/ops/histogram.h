// How the values of a tensor are spread, counted where the tensor lies.
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

struct Histogram {
  at::Tensor counts;  // float64 (buckets), on the CPU
  double low, high;   // between these, the buckets are of equal width
};

// From the smallest value to the largest; values that are not finite are left out. Half a unit to either side
// where all are equal, 0 to 1 where there are none. A value on a border may count to either bucket.
Histogram histogram(const at::Tensor& tensor, int64_t buckets);

}  // namespace beit::ops
