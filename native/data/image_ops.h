// The operations of RandAugment on one image of 8 bits, each as Pillow does it (ImageOps, ImageEnhance,
// Image.transform).
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "data/kernels.h"
#include "data/resample.h"

namespace beit {

enum class ImageOpKind {
  kAutoContrast,  // each channel stretched to 0..255
  kEqualize,      // the histogram of each channel made flat
  kInvert,
  kRotate,       // degrees, counterclockwise
  kPosterize,    // bits that are kept, 0 to 8
  kSolarize,     // values from here on are inverted, 0 to 256
  kSolarizeAdd,  // added to values below 128
  kColor,        // the next four: factor of a blend, 1 changes nothing. With the grey of each pixel
  kContrast,     // with the mean grey of the image
  kBrightness,   // with black
  kSharpness,    // with a smoothed image
  kShearX,       // columns a row
  kShearY,       // rows a column
  kTranslateX,   // share of the width, to the left
  kTranslateY,   // share of the height, up
};

constexpr int kImageOpKinds = 15;

// Of lib/native.ts, in the order of the kinds.
extern const std::array<const char*, kImageOpKinds> kImageOpNames;

struct ImageOp {
  ImageOpKind kind;
  double argument;              // see the kind; 0 where there is none
  Interpolation interpolation;  // of rotation, shear and translation: bilinear or bicubic
};

// Carries out `op` in place on `planes`, (3, height, width). `copy` is memory that calls reuse.
void apply(const ImageOp& op, const std::array<uint8_t, 3>& fill, const ImageKernels& kernels,
           uint8_t* planes, int height, int width, std::vector<uint8_t>& copy);

}  // namespace beit
