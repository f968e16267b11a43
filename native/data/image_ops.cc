#include "data/image_ops.h"

#include <algorithm>

#include "data/grey.h"
#include "data/warp.h"

namespace beit {

const std::array<const char*, kImageOpKinds> kImageOpNames{
    "auto-contrast", "equalize",     "invert",  "rotate",      "posterize",
    "solarize",      "solarize-add", "color",   "contrast",    "brightness",
    "sharpness",     "shear-x",      "shear-y", "translate-x", "translate-y"};

namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

struct Planes {
  uint8_t* data;
  int height;
  int width;

  int64_t pixels() const { return int64_t{height} * width; }
  uint8_t* channel(int c) const { return data + c * pixels(); }
};

uint8_t to_byte(int64_t x) { return static_cast<uint8_t>(std::clamp<int64_t>(x, 0, 255)); }

template <typename Function>
Table table_of(Function function) {
  Table table;
  for (int value = 0; value < 256; value++) table[value] = to_byte(function(value));
  return table;
}

void look_up(const Table& table, uint8_t* bytes, int64_t length) {
  for (int64_t i = 0; i < length; i++) bytes[i] = table[bytes[i]];
}

// Each channel by a table made of its histogram.
void look_up_by_histogram(const Planes& planes, Table (*table_of_histogram)(const Histogram&)) {
  for (int c = 0; c < 3; c++) {
    Histogram histogram{};
    uint8_t* channel = planes.channel(c);
    for (int64_t i = 0; i < planes.pixels(); i++) histogram[channel[i]]++;
    look_up(table_of_histogram(histogram), channel, planes.pixels());
  }
}

Table auto_contrast_table(const Histogram& histogram) {
  int low = 0;
  int high = 255;
  while (low < 255 && histogram[low] == 0) low++;
  while (high > 0 && histogram[high] == 0) high--;
  if (high <= low) return table_of([](int value) { return value; });
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  return table_of([&](int value) { return static_cast<int64_t>(value * scale + offset); });
}

Table equalize_table(const Histogram& histogram) {
  int64_t sum = 0;
  int64_t last = 0;
  for (const int64_t count : histogram) {
    sum += count;
    if (count > 0) last = count;
  }
  // Pixels of all but the brightest value, spread over 255 steps.
  const int64_t step = (sum - last) / 255;
  if (step == 0) return table_of([](int value) { return value; });
  int64_t below = step / 2;
  return table_of([&](int value) {
    const int64_t result = below / step;
    below += histogram[value];
    return result;
  });
}

void blend_with_grey(const Planes& planes, float factor) {
  uint8_t* red = planes.channel(0);
  uint8_t* green = planes.channel(1);
  uint8_t* blue = planes.channel(2);
  for (int64_t i = 0; i < planes.pixels(); i++) {
    const int grey = grey_of(red[i], green[i], blue[i]);
    for (uint8_t* channel : {red, green, blue}) channel[i] = blended(grey, channel[i], factor);
  }
}

int mean_grey(const Planes& planes) {
  const uint8_t* red = planes.channel(0);
  const uint8_t* green = planes.channel(1);
  const uint8_t* blue = planes.channel(2);
  int64_t sum = 0;
  for (int64_t i = 0; i < planes.pixels(); i++) sum += grey_of(red[i], green[i], blue[i]);
  return static_cast<int>(static_cast<double>(sum) / static_cast<double>(planes.pixels()) + 0.5);
}

// Blends with the image smoothed by (1 1 1, 1 5 1, 1 1 1) / 13, whose outermost pixels stay as they are.
void sharpen(const Planes& planes, float factor, const uint8_t* source) {
  const int width = planes.width;
  for (int c = 0; c < 3; c++) {
    for (int y = 1; y < planes.height - 1; y++) {
      const uint8_t* row = source + c * planes.pixels() + int64_t{y} * width;
      uint8_t* out = planes.channel(c) + int64_t{y} * width;
      for (int x = 1; x < width - 1; x++) {
        const auto three = [x](const uint8_t* r) { return r[x - 1] + r[x] + r[x + 1]; };
        const int sum = three(row - width) + three(row) + three(row + width) + 4 * row[x];
        const int smooth = (2 * sum + 13) / 26;
        out[x] = blended(smooth, row[x], factor);
      }
    }
  }
}

AffineMap map_of(const ImageOp& op, int height, int width) {
  switch (op.kind) {
    case ImageOpKind::kShearX:
      return {1, op.argument, 0, 0, 1, 0};
    case ImageOpKind::kShearY:
      return {1, 0, 0, op.argument, 1, 0};
    case ImageOpKind::kTranslateX:
      return {1, 0, op.argument * width, 0, 1, 0};
    case ImageOpKind::kTranslateY:
      return {1, 0, 0, 0, 1, op.argument * height};
    default:
      return rotation(op.argument, width, height);
  }
}

}  // namespace

void apply(const ImageOp& op, const std::array<uint8_t, 3>& fill, const ImageKernels& kernels, uint8_t* data,
           int height, int width, std::vector<uint8_t>& copy) {
  const Planes planes{data, height, width};
  const int64_t length = 3 * planes.pixels();
  const auto factor = static_cast<float>(op.argument);
  const auto whole = static_cast<int>(op.argument);
  const auto by_table = [&](auto function) { look_up(table_of(function), data, length); };
  switch (op.kind) {
    case ImageOpKind::kAutoContrast:
      return look_up_by_histogram(planes, auto_contrast_table);
    case ImageOpKind::kEqualize:
      return look_up_by_histogram(planes, equalize_table);
    case ImageOpKind::kInvert:
      return by_table([](int value) { return 255 - value; });
    case ImageOpKind::kPosterize:
      return by_table([&](int value) { return value & ~((1 << (8 - whole)) - 1); });
    case ImageOpKind::kSolarize:
      return by_table([&](int value) { return value < whole ? value : 255 - value; });
    case ImageOpKind::kSolarizeAdd:
      return by_table([&](int value) { return value < 128 ? value + whole : value; });
    case ImageOpKind::kColor:
      return blend_with_grey(planes, factor);
    case ImageOpKind::kContrast:
      return kernels.blend(mean_grey(planes), factor, data, length);
    case ImageOpKind::kBrightness:
      return kernels.blend(0, factor, data, length);
    case ImageOpKind::kSharpness:
      copy.assign(data, data + length);
      return sharpen(planes, factor, copy.data());
    case ImageOpKind::kRotate:
    case ImageOpKind::kShearX:
    case ImageOpKind::kShearY:
    case ImageOpKind::kTranslateX:
    case ImageOpKind::kTranslateY:
      copy.assign(data, data + length);
      return warp(copy.data(), height, width, map_of(op, height, width), op.interpolation, fill, data);
  }
}

}  // namespace beit
