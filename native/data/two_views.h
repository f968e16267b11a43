// The views of an image. For masked image modelling two, the model's and the tokenizer's, from one crop
// (BEiT, datasets.py): colour jitter and flip of the whole image, a random resized crop of it, and that crop
// resized twice. For classification one, with RandAugment after the resize.
#pragma once
#include <array>
#include <optional>
#include <vector>

#include "data/blockwise_mask.h"
#include "data/color_jitter.h"
#include "data/image.h"
#include "data/kernels.h"
#include "data/rand_augment.h"
#include "data/resample.h"

namespace beit {

struct Size {
  int height;
  int width;
};

// What of an image a view shows.
enum class Crop {
  kRandomResized,  // a random part of a random shape
  kRandom,         // a random window of the view's size, which may reach `padding` pixels over the edge
  kCenter,         // the middle `crop_share` of the image
  kWhole,          // all of it, whatever its shape
};

// ViewSettings of lib/native.ts.
struct ViewSettings {
  uint64_t seed;
  Size image_size;
  std::optional<Size> token_image_size;
  Crop crop;
  int padding;
  double crop_share;
  std::array<double, 2> scale;
  std::array<double, 2> ratio;
  Interpolation interpolation;
  Interpolation token_interpolation;
  double flip_probability;
  std::array<double, 3> color_jitter;
  std::optional<RandAugmentSettings> rand_augment;  // of the model's view
  std::optional<MaskSettings> mask;
  int64_t max_pixels;
};

// Memory that calls reuse, and the inner loops to use.
struct ViewScratch {
  const ImageKernels* kernels = &fastest_kernels();
  Image crop;
  Image between;
  std::vector<uint8_t> planes;
};

// What happens to an image before it is resized, every decision made.
struct CropPlan {
  std::vector<JitterStep> jitter;
  bool flip;
  Box box;  // in the flipped image
};

// The box of a random resized crop: `scale` of the area, aspect ratio in `ratio` (log-uniform); after ten
// boxes that do not fit, the middle of the image with the nearest allowed ratio.
Box random_resized_box(int width, int height, const std::array<double, 2>& scale,
                       const std::array<double, 2>& ratio, SampleRandom random);

// `plan` carried out without the resize. Jitter of the whole image is applied to the box alone, with the same
// result.
void crop(const ImageView& image, const CropPlan& plan, const ImageKernels& kernels, Image& result);

// Makes the views of sample `index` in `epoch`: `pixels` (3, height, width), and `token_pixels` likewise
// where the settings have a tokenizer's view.
void make_views(const ImageView& image, const ViewSettings& settings, uint32_t epoch, uint64_t index,
                ViewScratch& scratch, uint8_t* pixels, uint8_t* token_pixels);

}  // namespace beit
