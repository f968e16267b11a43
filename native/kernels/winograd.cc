#include "kernels/winograd.h"

#include <algorithm>
#include <array>

namespace beit::kernels {

namespace {

// The frequency of a tile lies behind the one before; an odd number of cache lines between them keeps the 36
// from falling into the same places of the cache.
int64_t input_stride(const WinogradPlan& plan) { return plan.tiles * plan.depth + 16; }
int64_t output_stride(const WinogradPlan& plan, int64_t out) { return plan.tiles * out + 16; }

// Row `frequency` of G: how three weights along one side become six.
std::array<double, 3> weight_transform(int64_t frequency) {
  using namespace winograd_points;
  const double a2 = kA2, b2 = kB2;
  const auto at_point = [](double point, double norm) {
    return std::array<double, 3>{1 / norm, point / norm, point * point / norm};
  };
  switch (frequency) {
    case 0:
      return {1 / (a2 * b2), 0, 0};
    case 1:
      return at_point(kA, 2 * a2 * (a2 - b2));
    case 2:
      return at_point(-kA, 2 * a2 * (a2 - b2));
    case 3:
      return at_point(kB, 2 * b2 * (b2 - a2));
    case 4:
      return at_point(-kB, 2 * b2 * (b2 - a2));
    default:
      return {0, 0, 1};
  }
}

// Where each of the 36 places of a tile lies; outside the image they are zero.
void find_places(const Winograd& c, int64_t tile, const float* zeros, const float** places) {
  const int64_t column = tile % c.tile_columns() * kTile - 1;
  const int64_t row = tile / c.tile_columns() % c.tile_rows() * kTile - 1;
  const float* image = c.input + tile / c.tile_columns() / c.tile_rows() * c.height * c.width * c.in;
  for (int64_t y = row; y < row + kTileInput; y++) {
    for (int64_t x = column; x < column + kTileInput; x++) {
      const bool inside = y >= 0 && y < c.height && x >= 0 && x < c.width;
      *places++ = inside ? image + (y * c.width + x) * c.in : zeros;
    }
  }
}

}  // namespace

WinogradPlan plan_winograd(int64_t in, int64_t out) {
  const int64_t depth = round_up(in, kPanelDepth);
  // Few output channels: sums are cheap to keep, so the channels are cut and both stay in the second-level
  // cache. Many: the weights are what is read most, and a large number of tiles shares them.
  if (out <= 128) return {56, std::min<int64_t>(depth, 128)};
  return {out <= 256 ? 98 : 112, depth};
}

int64_t winograd_weights_size(int64_t in, int64_t out) {
  const auto plan = plan_winograd(in, out);
  return round_up(in, plan.depth) * kFrequencies * round_up(out, kPanelColumns);
}

int64_t winograd_scratch_size(int64_t in, int64_t out) {
  const auto plan = plan_winograd(in, out);
  return kFrequencies * (input_stride(plan) + output_stride(plan, out)) + round_up(in, 16);
}

float winograd_weight(const float* weight, int64_t frequency) {
  static const std::array<std::array<double, 3>, kTileInput> g = [] {
    std::array<std::array<double, 3>, kTileInput> rows;
    for (int64_t i = 0; i < kTileInput; i++) rows[i] = weight_transform(i);
    return rows;
  }();
  double sum = 0;
  for (int64_t i = 0; i < 9; i++) {
    sum += g[frequency / kTileInput][i / 3] * g[frequency % kTileInput][i % 3] * weight[i];
  }
  return static_cast<float>(sum);
}

void pack_winograd_weights(const float* weights, int64_t in, int64_t out, int64_t begin, int64_t end,
                           float* packed) {
  const int64_t depth = plan_winograd(in, out).depth;
  const int64_t panels = round_up(out, kPanelColumns) / kPanelColumns;
  for (int64_t panel = begin; panel < end; panel++) {
    for (int64_t k = 0; k < round_up(in, depth); k++) {
      // Of (in / depth, 36, panels, depth, kPanelColumns): the row of channel k at frequency 0.
      float* row = packed + ((k / depth * kFrequencies * panels + panel) * depth + k % depth) * kPanelColumns;
      for (int64_t j = 0; j < kPanelColumns; j++) {
        const int64_t column = panel * kPanelColumns + j;
        const bool inside = k < in && column < out;
        const float* w = inside ? weights + (column * in + k) * 9 : nullptr;
        for (int64_t f = 0; f < kFrequencies; f++) {
          row[f * panels * depth * kPanelColumns + j] = inside ? winograd_weight(w, f) : 0.0f;
        }
      }
    }
  }
}

void winograd_inputs(const Winograd& c, int64_t begin, int64_t end, int64_t first, int64_t channels,
                     const WinogradKernels& kernels, const float* zeros, const WinogradInputs& out) {
  const float* places[kFrequencies];
  for (int64_t tile = begin; tile < end; tile++) {
    find_places(c, tile, zeros - first, places);
    for (auto& place : places) place += first;
    kernels.transform_input(places, channels, c.relu_input, out.data + (tile - begin) * out.tile_stride,
                            out.frequency_stride, out.block_stride);
  }
}

void winograd_outputs(const Winograd& c, int64_t begin, int64_t end, const WinogradKernels& kernels,
                      const float* products, int64_t frequency_stride) {
  for (int64_t tile = begin; tile < end; tile++) {
    const int64_t column = tile % c.tile_columns() * kTile;
    const int64_t row = tile / c.tile_columns() % c.tile_rows() * kTile;
    const int64_t image = tile / c.tile_columns() / c.tile_rows();
    kernels.transform_output(products + (tile - begin) * c.out, frequency_stride, c.out, c.bias,
                             c.output + ((image * c.height + row) * c.width + column) * c.out,
                             c.width * c.out, std::min(kTile, c.height - row),
                             std::min(kTile, c.width - column));
  }
}

void winograd(const Winograd& c, int64_t begin, int64_t end, const WinogradKernels& kernels, float* scratch) {
  const auto plan = plan_winograd(c.in, c.out);
  const int64_t tiles = end - begin;
  const int64_t columns = round_up(c.out, kPanelColumns);
  const int64_t in_stride = input_stride(plan), out_stride = output_stride(plan, c.out);
  float* inputs = scratch;                              // (36, blocks, tiles, kPanelDepth)
  float* products = inputs + kFrequencies * in_stride;  // (36, tiles, out)
  float* zeros = products + kFrequencies * out_stride;  // (in)
  std::fill_n(zeros, c.in, 0.0f);

  for (int64_t first = 0; first < c.in; first += plan.depth) {
    const int64_t channels = std::min(plan.depth, c.in - first);
    // The last channels may fill a packed row in part: what is left of it is multiplied by zeros, but must be
    // a number.
    if (channels % kPanelDepth) std::fill_n(inputs, kFrequencies * in_stride, 0.0f);
    winograd_inputs(c, begin, end, first, channels, kernels, zeros,
                    {inputs, kPanelDepth, in_stride, tiles * kPanelDepth});
    const float* weights = c.weights + first * kFrequencies * columns;
    for (int64_t f = 0; f < kFrequencies; f++) {
      kernels.multiply({.a = inputs + f * in_stride,
                        .block_stride = tiles * kPanelDepth,
                        .b = weights + f * plan.depth * columns,
                        .rows = tiles,
                        .blocks = plan.depth / kPanelDepth,
                        .columns = c.out,
                        .out = products + f * out_stride,
                        .out_stride = c.out,
                        .accumulate = first > 0});
    }
  }
  winograd_outputs(c, begin, end, kernels, products, out_stride);
}

}  // namespace beit::kernels
