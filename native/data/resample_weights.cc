#include "data/resample_weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace beit {

namespace {

double bilinear(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

// Keys' cubic with a = -0.5.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

struct Filter {
  double (*weight)(double);
  double support;
};

Filter filter_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kBilinear:
      return {bilinear, 1};
    case Interpolation::kBicubic:
      return {bicubic, 2};
    case Interpolation::kLanczos:
      return {lanczos, 3};
  }
  return {bilinear, 1};
}

int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << ResampleWeights::kPrecision);
  return static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

}  // namespace

ResampleWeights resample_weights(int source, int size, int begin, int pixels, Interpolation interpolation) {
  const Filter filter = filter_of(interpolation);
  const double scale = static_cast<double>(source) / size;
  const double stretch = std::max(scale, 1.0);
  const double support = filter.support * stretch;
  const double inverse = 1.0 / stretch;
  ResampleWeights result;
  result.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  result.first.resize(static_cast<size_t>(pixels));
  result.count.resize(static_cast<size_t>(pixels));
  result.fixed.assign(static_cast<size_t>(pixels) * result.stride, 0);
  std::vector<double> weights(static_cast<size_t>(result.stride));
  for (int i = 0; i < pixels; i++) {
    const double center = (begin + i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), source) - first;
    double sum = 0;
    for (int k = 0; k < count; k++) {
      weights[k] = filter.weight((k + first - center + 0.5) * inverse);
      sum += weights[k];
    }
    int32_t* fixed = result.fixed.data() + static_cast<size_t>(i) * result.stride;
    for (int k = 0; k < count; k++) fixed[k] = to_fixed(sum == 0 ? weights[k] : weights[k] / sum);
    result.first[i] = first;
    result.count[i] = count;
  }
  return result;
}

}  // namespace beit
