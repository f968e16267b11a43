#include "data/two_views.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace beit {

namespace {

int rounded(double x) { return static_cast<int>(std::nearbyint(x)); }

// Resizes to the smallest image of the same shape that covers `size`, and takes its middle.
void resize_to_cover(const ImageView& image, const Size& size, Interpolation interpolation,
                     ViewScratch& scratch, uint8_t* planes) {
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
  const Box middle{rounded((width - size.width) / 2.0), rounded((height - size.height) / 2.0), size.width,
                   size.height};
  resample(image, width, height, middle, interpolation, *scratch.kernels, scratch.between, planes);
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
  if (settings.random_crop) {
    plan.box =
        random_resized_box(image.width, image.height, settings.scale, settings.ratio, random(Stream::kCrop));
  }
  crop(image, plan, *scratch.kernels, scratch.crop);

  const auto shape = settings.random_crop ? resize : resize_to_cover;
  const auto cropped = scratch.crop.view();
  shape(cropped, settings.image_size, settings.interpolation, scratch, pixels);
  if (settings.token_image_size) {
    shape(cropped, *settings.token_image_size, settings.token_interpolation, scratch, token_pixels);
  }
}

}  // namespace beit
