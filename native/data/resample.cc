#include "data/resample.h"

#include "data/kernels.h"
#include "data/resample_weights.h"

namespace beit {

namespace {

// Pillow's choice since version 13: where the height loses more than twice the pixels that the width does.
bool vertical_first(const ImageView& source, int width, int height) {
  return height < source.height && int64_t{source.height} - height > 2 * (int64_t{source.width} - width);
}

struct Axes {
  ResampleWeights horizontal;
  ResampleWeights vertical;
};

// Rows that the vertical pass reads, resized: (rows, 3, width). Then its sums, plane by plane: (3, height,
// width).
void rows_then_columns(const ImageView& source, const Axes& axes, const ImageKernels& kernels, Image& between,
                       uint8_t* planes) {
  const auto& [horizontal, vertical] = axes;
  const int width = horizontal.pixels();
  const int height = vertical.pixels();
  const int first_row = vertical.first.front();
  const int end_row = vertical.first.back() + vertical.count.back();
  between.resize(width, end_row - first_row);
  const int64_t stride = int64_t{3} * width;
  kernels.resample_rows(source, first_row, end_row, horizontal, {between.row(0), stride, width});
  for (int y = 0; y < height; y++) {
    const uint8_t* rows = between.row(vertical.first[y] - first_row);
    for (int channel = 0; channel < 3; channel++) {
      uint8_t* out = planes + (int64_t{channel} * height + y) * width;
      kernels.resample_column(rows + channel * width, stride, vertical.of(y), vertical.count[y], width, out);
    }
  }
}

// Sums of whole rows: an image of (height, source.width). Then its rows resized into (3, height, width).
void columns_then_rows(const ImageView& source, const Axes& axes, const ImageKernels& kernels, Image& between,
                       uint8_t* planes) {
  const auto& [horizontal, vertical] = axes;
  const int64_t width = horizontal.pixels();
  const int height = vertical.pixels();
  between.resize(source.width, height);
  const int length = 3 * source.width;
  for (int y = 0; y < height; y++) {
    kernels.resample_column(source.row(vertical.first[y]), length, vertical.of(y), vertical.count[y], length,
                            between.row(y));
  }
  kernels.resample_rows(between.view(), 0, height, horizontal, {planes, width, width * height});
}

}  // namespace

void resample(const ImageView& source, int width, int height, const Box& window, Interpolation interpolation,
              const ImageKernels& kernels, Image& between, uint8_t* planes) {
  const Axes axes{resample_weights(source.width, width, window.left, window.width, interpolation),
                  resample_weights(source.height, height, window.top, window.height, interpolation)};
  if (vertical_first(source, width, height)) {
    columns_then_rows(source, axes, kernels, between, planes);
  } else {
    rows_then_columns(source, axes, kernels, between, planes);
  }
}

}  // namespace beit
