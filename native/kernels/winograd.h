// 3x3 convolutions of stride 1 and padding 1 by Winograd's F(4x4, 3x3) (https://arxiv.org/abs/1509.09308): 36
// products give 16 places, where the plain sum takes 144. Images lie as (B, H, W, C).
#pragma once
#include <cstdint>

#include "kernels/panel_gemm.h"

namespace beit::kernels {

constexpr int64_t kTile = 4;                               // places a tile gives, along each side
constexpr int64_t kTileInput = kTile + 2;                  // places it reads
constexpr int64_t kFrequencies = kTileInput * kTileInput;  // products a tile takes for a pair of channels

// The polynomials behind F(4, 3) are sampled at 0, +-5/8, +-3/2 and infinity: numbers that are exact in
// binary and closer to 1 than the usual +-1 and +-2, which cost more digits.
namespace winograd_points {
constexpr float kA = 0.625f;
constexpr float kB = 1.5f;
constexpr float kA2 = kA * kA;
constexpr float kB2 = kB * kB;
}  // namespace winograd_points

struct Winograd {
  const float* input;    // (images, height, width, in)
  const float* weights;  // as pack_winograd_weights makes them
  const float* bias;     // (out)
  float* output;         // (images, height, width, out)
  int64_t images, height, width;
  int64_t in, out;  // multiples of 16
  bool relu_input;  // ReLU of what comes in; of what goes out always

  int64_t tile_rows() const { return (height + kTile - 1) / kTile; }
  int64_t tile_columns() const { return (width + kTile - 1) / kTile; }
  int64_t tiles() const { return images * tile_rows() * tile_columns(); }
};

// How a convolution is cut so that what is worked on stays in the caches.
struct WinogradPlan {
  int64_t tiles;  // done together, at most
  int64_t depth;  // input channels summed at a time: a multiple of kPanelDepth
};
WinogradPlan plan_winograd(int64_t in, int64_t out);

// In floats: the packed weights, and the scratch memory of one call.
int64_t winograd_weights_size(int64_t in, int64_t out);
int64_t winograd_scratch_size(int64_t in, int64_t out);

// Of the 3 x 3 numbers of a pair of channels: their number at a frequency.
float winograd_weight(const float* weight, int64_t frequency);

// (out, in, 3, 3) -> (in / depth, 36, out / kPanelColumns, depth, kPanelColumns), padded with zeros: the
// panels [begin, end) of kPanelColumns output channels.
void pack_winograd_weights(const float* weights, int64_t in, int64_t out, int64_t begin, int64_t end,
                           float* packed);

// The parts of the work that vector instructions do.
struct WinogradKernels {
  // Of one tile: its 36 places (each `channels` floats, a multiple of 16) to 36 frequencies, `stride` floats
  // apart; kPanelDepth channels lie together, the next ones `block_stride` floats on.
  void (*transform_input)(const float* const* places, int64_t channels, bool relu, float* out, int64_t stride,
                          int64_t block_stride);
  // Back: 36 frequencies of `channels` floats, `stride` apart, to places, + bias, ReLU. The first `rows` by
  // `columns` of the 4 x 4 places are written, `row_stride` and `channels` floats apart.
  void (*transform_output)(const float* products, int64_t stride, int64_t channels, const float* bias,
                           float* out, int64_t row_stride, int64_t rows, int64_t columns);
  void (*multiply)(const PanelGemm& product);
};
extern const WinogradKernels kWinogradPlain;
extern const WinogradKernels kWinogradAvx512;  // needs cpu().avx512
const WinogradKernels& fastest_winograd();

// Where transformed tiles go: frequency f of channels 64 b to 64 b + 63 of tile t to
// data + f * frequency_stride + t * tile_stride + b * block_stride.
struct WinogradInputs {
  float* data;
  int64_t tile_stride, frequency_stride, block_stride;
};

// The transforms by themselves, of tiles [begin, end) and `channels` input channels from `first` on; `zeros`
// (in) stand for places outside the image. Products lie as (36, tiles, out).
void winograd_inputs(const Winograd& convolution, int64_t begin, int64_t end, int64_t first, int64_t channels,
                     const WinogradKernels& kernels, const float* zeros, const WinogradInputs& out);
void winograd_outputs(const Winograd& convolution, int64_t begin, int64_t end, const WinogradKernels& kernels,
                      const float* products, int64_t frequency_stride);

// Tiles [begin, end) of the convolution, at most as many as the plan says. `scratch` is aligned to 64 bytes.
void winograd(const Winograd& convolution, int64_t begin, int64_t end, const WinogradKernels& kernels,
              float* scratch);

}  // namespace beit::kernels
