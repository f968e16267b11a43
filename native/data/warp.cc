#include "data/warp.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace beit {

namespace {

// Where on one axis a place lies: the pixels `index[1]` and `index[2]` on both sides of it and one more on
// each, all inside the image, and how far it is from the first to the second.
struct Place {
  std::array<int, 4> index;
  double fraction;
};

Place place_of(double coordinate, int length) {
  const double from_center = coordinate - 0.5;
  // std::floor by hand: a call of the library for every pixel would take most of the time.
  const int truncated = static_cast<int>(from_center);
  const int below = truncated - (from_center < truncated ? 1 : 0);
  Place place{{below - 1, below, below + 1, below + 2}, from_center - below};
  if (below < 1 || below + 2 >= length) {
    for (int& index : place.index) index = std::clamp(index, 0, length - 1);
  }
  return place;
}

struct Bilinear {
  // At `fraction` of the way from `values[1]` to `values[2]`.
  static double between(const std::array<double, 4>& values, double fraction) {
    return values[1] + (values[2] - values[1]) * fraction;
  }
  static constexpr int kFirst = 1;
  static constexpr int kEnd = 3;
};

struct Bicubic {
  static double between(const std::array<double, 4>& values, double fraction) {
    const auto& [a, b, c, d] = values;
    const double linear = c - a;
    const double square = 2 * (a - b) + c - d;
    const double cube = -a + b - c + d;
    return b + fraction * (linear + fraction * (square + fraction * cube));
  }
  static constexpr int kFirst = 0;
  static constexpr int kEnd = 4;
};

// A fraction of 0 needs no neighbours: shear and translation along one axis are that on the other one.
template <typename Filter>
double row_value(const uint8_t* row, const Place& x) {
  if (x.fraction == 0) return row[x.index[1]];
  std::array<double, 4> values{};
  for (int i = Filter::kFirst; i < Filter::kEnd; i++) values[i] = row[x.index[i]];
  return Filter::between(values, x.fraction);
}

template <typename Filter>
uint8_t value(const uint8_t* plane, int width, const Place& x, const Place& y) {
  const auto row = [&](int i) { return row_value<Filter>(plane + int64_t{y.index[i]} * width, x); };
  if (y.fraction == 0) return static_cast<uint8_t>(std::clamp(row(1), 0.0, 255.0));
  std::array<double, 4> values{};
  for (int i = Filter::kFirst; i < Filter::kEnd; i++) values[i] = row(i);
  return static_cast<uint8_t>(std::clamp(Filter::between(values, y.fraction), 0.0, 255.0));
}

template <typename Filter>
void warp_with(const uint8_t* source, int height, int width, const AffineMap& map,
               const std::array<uint8_t, 3>& fill, uint8_t* result) {
  const int64_t plane = int64_t{height} * width;
  for (int row = 0; row < height; row++) {
    const double y = row + 0.5;
    for (int column = 0; column < width; column++, result++) {
      const double x = column + 0.5;
      const double source_x = map.xx * x + map.xy * y + map.x0;
      const double source_y = map.yx * x + map.yy * y + map.y0;
      if (!(source_x >= 0 && source_x < width && source_y >= 0 && source_y < height)) {
        for (int channel = 0; channel < 3; channel++) result[channel * plane] = fill[channel];
        continue;
      }
      const Place at_x = place_of(source_x, width);
      const Place at_y = place_of(source_y, height);
      for (int channel = 0; channel < 3; channel++) {
        result[channel * plane] = value<Filter>(source + channel * plane, width, at_x, at_y);
      }
    }
  }
}

// To 15 decimals, as Pillow does: the sine of 30 degrees is then a half.
double to_15_decimals(double x) { return std::nearbyint(x * 1e15) / 1e15; }

}  // namespace

AffineMap rotation(double degrees, int width, int height) {
  const double angle = -degrees * (std::numbers::pi / 180);
  const double cosine = to_15_decimals(std::cos(angle));
  const double sine = to_15_decimals(std::sin(angle));
  const double x = width / 2.0;
  const double y = height / 2.0;
  return {cosine, sine,   cosine * -x + sine * -y + x,  //
          -sine,  cosine, -sine * -x + cosine * -y + y};
}

void warp(const uint8_t* source, int height, int width, const AffineMap& map, Interpolation interpolation,
          const std::array<uint8_t, 3>& fill, uint8_t* result) {
  const auto run = interpolation == Interpolation::kBilinear ? warp_with<Bilinear> : warp_with<Bicubic>;
  run(source, height, width, map, fill, result);
}

}  // namespace beit
