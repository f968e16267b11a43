#include <algorithm>
#include <array>

#include "data/grey.h"
#include "data/kernels.h"

namespace beit {

namespace {

constexpr int kHalf = 1 << (ResampleWeights::kPrecision - 1);

uint8_t to_byte(int sum) {
  return static_cast<uint8_t>(std::clamp(sum >> ResampleWeights::kPrecision, 0, 255));
}

void resample_rows(const ImageView& source, int begin, int end, const ResampleWeights& weights,
                   const PlanarRows& out) {
  for (int y = begin; y < end; y++) {
    uint8_t* to = out.data + (y - begin) * out.row_stride;
    for (int i = 0; i < weights.pixels(); i++, to++) {
      const uint8_t* from = source.row(y) + int64_t{weights.first[i]} * 3;
      const int32_t* weight = weights.of(i);
      int red = kHalf, green = kHalf, blue = kHalf;
      for (int k = 0; k < weights.count[i]; k++, from += 3) {
        red += from[0] * weight[k];
        green += from[1] * weight[k];
        blue += from[2] * weight[k];
      }
      to[0] = to_byte(red);
      to[out.plane_stride] = to_byte(green);
      to[2 * out.plane_stride] = to_byte(blue);
    }
  }
}

void resample_column(const uint8_t* rows, int64_t stride, const int32_t* weights, int count, int length,
                     uint8_t* out) {
  for (int i = 0; i < length; i++) {
    int sum = kHalf;
    for (int k = 0; k < count; k++) sum += rows[k * stride + i] * weights[k];
    out[i] = to_byte(sum);
  }
}

void blend(int grey, float factor, uint8_t* bytes, int64_t length) {
  std::array<uint8_t, 256> table;
  if (length < static_cast<int64_t>(table.size())) {  // the rest of a row costs less than the table
    for (int64_t i = 0; i < length; i++) bytes[i] = blended(grey, bytes[i], factor);
    return;
  }
  for (int value = 0; value < 256; value++) table[value] = blended(grey, value, factor);
  for (int64_t i = 0; i < length; i++) bytes[i] = table[bytes[i]];
}

int grey_at(const uint8_t* rgb) { return grey_of(rgb[0], rgb[1], rgb[2]); }

void blend_own_grey(float factor, uint8_t* rgb, int64_t pixels) {
  for (int64_t i = 0; i < pixels; i++, rgb += 3) {
    const int grey = grey_at(rgb);
    for (int channel = 0; channel < 3; channel++) rgb[channel] = blended(grey, rgb[channel], factor);
  }
}

int64_t sum_grey(const uint8_t* rgb, int64_t pixels) {
  int64_t sum = 0;
  for (int64_t i = 0; i < pixels; i++) sum += grey_at(rgb + i * 3);
  return sum;
}

}  // namespace

const ImageKernels kPlainKernels{resample_rows, resample_column, blend, blend_own_grey, sum_grey};

}  // namespace beit
