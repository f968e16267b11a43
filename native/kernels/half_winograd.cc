#include "kernels/half_winograd.h"

#include <algorithm>
#include <vector>

#include "kernels/half_gemm.h"
#include "kernels/half_pack.h"

namespace beit::kernels {

namespace {

// As in winograd.cc: an odd number of cache lines between frequencies.
int64_t frequency_stride(int64_t tiles, int64_t channels) { return round_up(tiles * channels, 32) + 16; }

}  // namespace

// Few channels: the transformed tiles stay in the second-level cache. Many: the weights are what is read
// most, and a large number of tiles shares them.
int64_t half_winograd_tiles(int64_t in) { return in <= 256 ? 28 : in <= 512 ? 56 : 98; }

int64_t half_winograd_weights_size(int64_t in, int64_t out) {
  return kFrequencies * half_right_size(in, out);
}

int64_t half_winograd_scratch_size(int64_t in, int64_t out) {
  const int64_t tiles = half_winograd_tiles(in);
  const int64_t halves = half_left_size(tiles, in);
  return kFrequencies * (frequency_stride(tiles, in) + frequency_stride(tiles, out)) + round_up(in, 16) +
         round_up(tiles, 16) + halves / 2;
}

void pack_half_winograd_weights(const float* weights, int64_t in, int64_t out, int64_t begin, int64_t end,
                                Half* numbers, float* scale) {
  std::vector<float> transformed(static_cast<size_t>(in * out));  // (out, in)
  for (int64_t f = begin; f < end; f++) {
    for (int64_t i = 0; i < in * out; i++) transformed[i] = winograd_weight(weights + 9 * i, f);
    half_pack_right({transformed.data(), out, in, in, 1}, 0, out, numbers + f * half_right_size(in, out),
                    scale + f * out);
  }
}

void half_winograd(const Winograd& c, const HalfWinogradWeights& weights, int64_t begin, int64_t end,
                   const WinogradKernels& kernels, float* scratch) {
  const int64_t tiles = end - begin;
  const int64_t in_stride = frequency_stride(half_winograd_tiles(c.in), c.in);
  const int64_t out_stride = frequency_stride(half_winograd_tiles(c.in), c.out);
  float* inputs = scratch;                              // (36, tiles, in)
  float* products = inputs + kFrequencies * in_stride;  // (36, tiles, out)
  float* zeros = products + kFrequencies * out_stride;  // (in)
  float* scale = zeros + round_up(c.in, 16);            // (tiles)
  auto* left = reinterpret_cast<Half*>(scale + round_up(half_winograd_tiles(c.in), 16));
  std::fill_n(zeros, c.in, 0.0f);
  winograd_inputs(c, begin, end, 0, c.in, kernels, zeros, {inputs, c.in, in_stride, kPanelDepth});
  for (int64_t f = 0; f < kFrequencies; f++) {
    half_pack_left({inputs + f * in_stride, tiles, c.in, c.in, 1}, 0, tiles, left, scale);
    const HalfProduct product{.rows = tiles,
                              .columns = c.out,
                              .depth = c.in,
                              .left = left,
                              .right = weights.numbers + f * half_right_size(c.in, c.out),
                              .out = products + f * out_stride,
                              .out_stride = c.out,
                              .row_scale = scale,
                              .column_scale = weights.scale + f * c.out,
                              .bias = nullptr};
    half_gemm(product, 0, half_tasks(product));
  }
  winograd_outputs(c, begin, end, kernels, products, out_stride);
}

}  // namespace beit::kernels
