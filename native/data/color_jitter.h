// Brightness, contrast and saturation as PIL's ImageEnhance: a blend with black, with the mean grey of the
// image, with the grey image, rounded down to 8 bits after each.
#pragma once
#include <array>
#include <vector>

#include "data/image.h"
#include "data/kernels.h"
#include "data/philox.h"

namespace beit {

struct JitterStep {
  enum class Kind { kBrightness, kContrast, kSaturation } kind;
  float factor;  // 1 changes nothing
};

// Factors in [max(0, 1 - x), 1 + x] for each strength x of brightness, contrast, saturation, in a random
// order. A strength of 0 leaves its step out.
std::vector<JitterStep> random_jitter(const std::array<double, 3>& strength, SampleRandom random);

// A step that no longer needs the whole image: every step is a blend of a pixel with a grey.
struct PixelBlend {
  bool with_own_grey;  // saturation: the grey of the pixel itself
  int grey;            // else this one
  float factor;
};

// What `steps` on the whole of `image` do to a pixel. Contrast depends on the mean grey of the image as the
// steps before it left it; that is found here, so the blends can be applied to any part of the image.
std::vector<PixelBlend> pixel_blends(const ImageView& image, const std::vector<JitterStep>& steps,
                                     const ImageKernels& kernels);

// Applies the blends to `pixels` pixels in place.
void blend_pixels(const std::vector<PixelBlend>& blends, const ImageKernels& kernels, uint8_t* rgb,
                  int64_t pixels);

}  // namespace beit
