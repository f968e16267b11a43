#include "data/two_views.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace beit {

namespace {

int rounded(double x) { return static_cast<int>(std::nearbyint(x)); }

// The smallest size of the same shape as `image` that covers `size`.
Size covering_size(const ImageView& image, const Size& size) {
  int width = size.width;
  int height = size.height;
  // A line of a million pixels would be resized to more than an int counts: such an image is seen a little
  // distorted.
  constexpr int64_t kMaxSide = 1 << 30;
  if (int64_t{size.width} * image.height >= int64_t{size.height} * image.width) {
    height = static_cast<int>(std::min(int64_t{size.width} * image.height / image.width, kMaxSide));
  } else {
    width = static_cast<int>(std::min(int64_t{size.height} * image.width / image.height, kMaxSide));
  }
  return {height, width};
}

// Resized so that `share` of it covers `size`, of which the middle is taken.
void resize_and_crop(const ImageView& image, const Size& size, double share, Interpolation interpolation,
                     ViewScratch& scratch, uint8_t* planes) {
  // A little more, so that 224 / 0.875 is not 255.
  const auto wider = [&](int side) { return static_cast<int>(side / share + 1e-6); };
  const Size resized = covering_size(image, {wider(size.height), wider(size.width)});
  const Box middle{rounded((resized.width - size.width) / 2.0), rounded((resized.height - size.height) / 2.0),
                   size.width, size.height};
  resample(image, resized.width, resized.height, middle, interpolation, *scratch.kernels, scratch.between,
           planes);
}

// Resized to cover `size`, which changes nothing where the sizes are equal; then a window of `size` of it
// with `padding` black pixels around.
void resize_and_crop_padded(const ImageView& image, const Size& size, int padding, SampleRandom random,
                            Interpolation interpolation, ViewScratch& scratch, uint8_t* planes) {
  const Size resized = covering_size(image, size);
  const auto top = static_cast<int>(random.integer(-padding, resized.height - size.height + padding));
  const auto left = static_cast<int>(random.integer(-padding, resized.width - size.width + padding));
  const int first_row = std::max(top, 0);
  const int first_column = std::max(left, 0);
  const int rows = std::min(top + size.height, resized.height) - first_row;
  const int columns = std::min(left + size.width, resized.width) - first_column;
  scratch.planes.resize(size_t{3} * rows * columns);
  resample(image, resized.width, resized.height, {first_column, first_row, columns, rows}, interpolation,
           *scratch.kernels, scratch.between, scratch.planes.data());
  std::memset(planes, 0, size_t{3} * size.height * size.width);
  for (int channel = 0; channel < 3; channel++) {
    for (int y = 0; y < rows; y++) {
      const int64_t row = int64_t{channel} * size.height + (first_row - top) + y;
      std::memcpy(planes + row * size.width + (first_column - left),
                  scratch.planes.data() + (int64_t{channel} * rows + y) * columns,
                  static_cast<size_t>(columns));
    }
  }
}

void resize(const ImageView& image, const Size& size, Interpolation interpolation, ViewScratch& scratch,
            uint8_t* planes) {
  resample(image, size.width, size.height, {0, 0, size.width, size.height}, interpolation, *scratch.kernels,
           scratch.between, planes);
}

}  // namespace

Box random_resized_box(int width, int height, const std::array<double, 2>& scale,
                       const std::array<double, 2>& ratio, SampleRandom random) {
  const double area = static_cast<double>(width) * height;
  const double low = std::log(ratio[0]);
  const double high = std::log(ratio[1]);
  for (int attempt = 0; attempt < 10; attempt++) {
    const double target = area * random.uniform(scale[0], scale[1]);
    const double aspect = std::exp(random.uniform(low, high));
    const int w = rounded(std::sqrt(target * aspect));
    const int h = rounded(std::sqrt(target / aspect));
    if (w < 1 || w > width || h < 1 || h > height) continue;
    const auto top = static_cast<int>(random.integer(0, height - h));
    const auto left = static_cast<int>(random.integer(0, width - w));
    return {left, top, w, h};
  }
  const double own_ratio = static_cast<double>(width) / height;
  int w = width;
  int h = height;
  if (own_ratio < ratio[0]) h = std::clamp(rounded(w / ratio[0]), 1, height);
  if (own_ratio > ratio[1]) w = std::clamp(rounded(h * ratio[1]), 1, width);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

void crop(const ImageView& image, const CropPlan& plan, const ImageKernels& kernels, Image& result) {
  const auto blends = pixel_blends(image, plan.jitter, kernels);
  const Box& box = plan.box;
  const int left = plan.flip ? image.width - box.left - box.width : box.left;
  result.resize(box.width, box.height);
  for (int y = 0; y < box.height; y++) {
    const uint8_t* from = image.row(box.top + y) + left * 3;
    uint8_t* to = result.row(y);
    if (plan.flip) {
      for (int x = 0; x < box.width; x++) std::memcpy(to + x * 3, from + (box.width - 1 - x) * 3, 3);
    } else {
      std::memcpy(to, from, static_cast<size_t>(box.width) * 3);
    }
    blend_pixels(blends, kernels, to, box.width);
  }
}

void make_views(const ImageView& image, const ViewSettings& settings, uint32_t epoch, uint64_t index,
                ViewScratch& scratch, uint8_t* pixels, uint8_t* token_pixels) {
  const auto random = [&](Stream stream) { return SampleRandom(settings.seed, epoch, index, stream); };
  CropPlan plan;
  plan.jitter = random_jitter(settings.color_jitter, random(Stream::kColorJitter));
  plan.flip = random(Stream::kFlip).uniform() < settings.flip_probability;
  plan.box = {0, 0, image.width, image.height};
  if (settings.crop == Crop::kRandomResized) {
    plan.box =
        random_resized_box(image.width, image.height, settings.scale, settings.ratio, random(Stream::kCrop));
  }
  crop(image, plan, *scratch.kernels, scratch.crop);

  const auto cropped = scratch.crop.view();
  const auto view = [&](const Size& size, Interpolation interpolation, uint8_t* planes) {
    switch (settings.crop) {
      case Crop::kCenter:
        return resize_and_crop(cropped, size, settings.crop_share, interpolation, scratch, planes);
      case Crop::kRandom:
        return resize_and_crop_padded(cropped, size, settings.padding, random(Stream::kCrop), interpolation,
                                      scratch, planes);
      case Crop::kRandomResized:
      case Crop::kWhole:
        return resize(cropped, size, interpolation, scratch, planes);
    }
  };
  view(settings.image_size, settings.interpolation, pixels);
  if (settings.rand_augment) {
    for (const auto& op : rand_augment(*settings.rand_augment, random(Stream::kRandAugment))) {
      apply(op, settings.rand_augment->fill, *scratch.kernels, pixels, settings.image_size.height,
            settings.image_size.width, scratch.planes);
    }
  }
  if (settings.token_image_size) view(*settings.token_image_size, settings.token_interpolation, token_pixels);
}

}  // namespace beit
