#include "data/resample.h"

#include "data/kernels.h"
#include "data/resample_weights.h"

namespace beit {

void resample(const ImageView& source, int width, int height, const Box& window, Interpolation interpolation,
              const ImageKernels& kernels, ResampleScratch& scratch, uint8_t* planes) {
  const auto horizontal = resample_weights(source.width, width, window.left, window.width, interpolation);
  const auto vertical = resample_weights(source.height, height, window.top, window.height, interpolation);

  // Horizontal, of the rows that the vertical pass will read: (rows, 3, window.width)
  const int first_row = vertical.first.front();
  const int end_row = vertical.first.back() + vertical.count.back();
  const int64_t stride = int64_t{3} * window.width;
  scratch.rows.resize(static_cast<size_t>((end_row - first_row) * stride));
  kernels.resample_rows(source, first_row, end_row, horizontal, scratch.rows.data());

  // Vertical, plane by plane: (3, window.height, window.width)
  for (int y = 0; y < window.height; y++) {
    const uint8_t* rows = scratch.rows.data() + (vertical.first[y] - first_row) * stride;
    for (int channel = 0; channel < 3; channel++) {
      uint8_t* out = planes + (int64_t{channel} * window.height + y) * window.width;
      kernels.resample_column(rows + channel * window.width, stride, vertical.of(y), vertical.count[y],
                              window.width, out);
    }
  }
}

}  // namespace beit
