// The transforms of F(4x4, 3x3) for any kind of number: float, or a vector of them. Included by the files
// that instantiate them, each with its own instructions, so that no two share a function.
#include "kernels/winograd.h"

namespace beit::kernels {

namespace {

#define BEIT_INLINE inline __attribute__((always_inline))

// Six values along one side to six frequencies: B^T of the paper, for the points of winograd_points. Row j
// holds the coefficients of M(x) / (x - p_j), with M(x) = x (x^2 - a^2) (x^2 - b^2); the last those of M
// itself.
template <class V>
BEIT_INLINE void to_frequencies(const V* d, V* out) {
  using namespace winograd_points;
  const V even_a = d[4] - kB2 * d[2], odd_a = d[3] - kB2 * d[1];
  const V even_b = d[4] - kA2 * d[2], odd_b = d[3] - kA2 * d[1];
  out[0] = even_b - kB2 * (d[2] - kA2 * d[0]);
  out[1] = even_a + kA * odd_a;
  out[2] = even_a - kA * odd_a;
  out[3] = even_b + kB * odd_b;
  out[4] = even_b - kB * odd_b;
  out[5] = d[5] - kA2 * d[3] - kB2 * odd_b;
}

// Six products along one side to four places: A^T, the powers 0 to 3 of the points.
template <class V>
BEIT_INLINE void to_places(const V* m, V* out) {
  using namespace winograd_points;
  const V sum_a = m[1] + m[2], difference_a = m[1] - m[2];
  const V sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  out[0] = m[0] + sum_a + sum_b;
  out[1] = kA * difference_a + kB * difference_b;
  out[2] = kA2 * sum_a + kB2 * sum_b;
  out[3] = kA2 * kA * difference_a + kB2 * kB * difference_b + m[5];
}

// `Lanes` reads and writes V::kWidth neighbouring channels at a time.
template <class Lanes>
BEIT_INLINE void input_transform(const float* const* places, int64_t channels, bool relu, float* out,
                                 int64_t stride, int64_t block_stride) {
  using V = typename Lanes::Vector;
  for (int64_t c = 0; c < channels; c += Lanes::kWidth) {
    V rows[kTileInput][kTileInput];  // places along y, frequencies along x
    for (int y = 0; y < kTileInput; y++) {
      V d[kTileInput];
      for (int x = 0; x < kTileInput; x++) {
        d[x] = Lanes::load(places[y * kTileInput + x] + c);
        if (relu) d[x] = Lanes::relu(d[x]);
      }
      to_frequencies(d, rows[y]);
    }
    float* to = out + c / kPanelDepth * block_stride + c % kPanelDepth;
    for (int x = 0; x < kTileInput; x++) {
      V d[kTileInput], frequencies[kTileInput];
      for (int y = 0; y < kTileInput; y++) d[y] = rows[y][x];
      to_frequencies(d, frequencies);
      for (int y = 0; y < kTileInput; y++) Lanes::store(to + (y * kTileInput + x) * stride, frequencies[y]);
    }
  }
}

template <class Lanes>
BEIT_INLINE void output_transform(const float* products, int64_t stride, int64_t channels, const float* bias,
                                  float* out, int64_t row_stride, int64_t rows, int64_t columns) {
  using V = typename Lanes::Vector;
  for (int64_t c = 0; c < channels; c += Lanes::kWidth) {
    V halfway[kTileInput][kTile];  // frequencies along y, places along x
    for (int y = 0; y < kTileInput; y++) {
      V m[kTileInput];
      for (int x = 0; x < kTileInput; x++) m[x] = Lanes::load(products + (y * kTileInput + x) * stride + c);
      to_places(m, halfway[y]);
    }
    const V start = Lanes::load(bias + c);
    for (int64_t x = 0; x < columns; x++) {
      V m[kTileInput], values[kTile];
      for (int y = 0; y < kTileInput; y++) m[y] = halfway[y][x];
      to_places(m, values);
      for (int64_t y = 0; y < rows; y++) {
        Lanes::store(out + y * row_stride + x * channels + c, Lanes::relu(values[y] + start));
      }
    }
  }
}

#undef BEIT_INLINE

}  // namespace

}  // namespace beit::kernels
