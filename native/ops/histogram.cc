#include "ops/histogram.h"

#include <cmath>

namespace beit::ops {

namespace {

// float32, in which histc counts, holds every whole number up to here.
constexpr int64_t kExactCounts = int64_t{1} << 24;

struct Range {
  double low, high;
  bool finite() const { return std::isfinite(low) && std::isfinite(high); }
};

// NaN where a value is.
Range range_of(const at::Tensor& values) {
  const auto [low, high] = at::aminmax(values);
  return {low.item<double>(), high.item<double>()};
}

}  // namespace

Histogram histogram(const at::Tensor& tensor, int64_t buckets) {
  auto values = tensor.detach().flatten();
  // histc takes neither integers nor 16-bit numbers on every device; float64 holds integers up to 2^53.
  const bool whole = at::isIntegralType(values.scalar_type(), /*includeBool=*/true);
  if (values.scalar_type() != at::kDouble) values = values.to(whole ? at::kDouble : at::kFloat);
  auto counts = at::zeros({buckets}, at::kDouble);
  if (values.numel() == 0) return {counts, 0.0, 1.0};

  auto range = range_of(values);
  if (!range.finite()) {
    values = values.masked_select(at::isfinite(values));
    if (values.numel() == 0) return {counts, 0.0, 1.0};
    range = range_of(values);
  }
  if (range.low == range.high) {
    counts[buckets / 2] = values.numel();
    return {counts, range.low - 0.5, range.high + 0.5};
  }
  // The width of such a range is no float32.
  if (range.high - range.low > std::numeric_limits<float>::max()) values = values.to(at::kDouble);
  for (const auto& piece : values.split(kExactCounts)) {
    counts += at::histc(piece, buckets, range.low, range.high).to(at::kCPU, at::kDouble);
  }
  return {counts, range.low, range.high};
}

}  // namespace beit::ops
