#include "data/resample_passes.h"

#include <algorithm>

namespace beit {

namespace {

constexpr int kHalf = 1 << (ResampleWeights::kPrecision - 1);

uint8_t to_byte(int sum) {
  return static_cast<uint8_t>(std::clamp(sum >> ResampleWeights::kPrecision, 0, 255));
}

void row(const uint8_t* source, const ResampleWeights& weights, uint8_t* planes) {
  const int pixels = weights.pixels();
  for (int i = 0; i < pixels; i++) {
    const uint8_t* from = source + weights.first[i] * 3;
    const int32_t* weight = weights.of(i);
    int red = kHalf, green = kHalf, blue = kHalf;
    for (int k = 0; k < weights.count[i]; k++, from += 3) {
      red += from[0] * weight[k];
      green += from[1] * weight[k];
      blue += from[2] * weight[k];
    }
    planes[i] = to_byte(red);
    planes[pixels + i] = to_byte(green);
    planes[2 * pixels + i] = to_byte(blue);
  }
}

void column(const uint8_t* rows, int64_t stride, const int32_t* weights, int count, int length,
            uint8_t* out) {
  for (int i = 0; i < length; i++) {
    int sum = kHalf;
    for (int k = 0; k < count; k++) sum += rows[k * stride + i] * weights[k];
    out[i] = to_byte(sum);
  }
}

}  // namespace

const ResamplePasses kPlainPasses{row, column};

const ResamplePasses& resample_passes() { return kPlainPasses; }

}  // namespace beit
