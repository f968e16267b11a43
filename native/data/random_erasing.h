// Random erasing (Zhong et al., arXiv 1708.04896) as timm does it in mode 'pixel': boxes of a normalised
// image are filled with noise of N(0, 1). Which boxes, and with what noise, is a pure function of seed, epoch
// and sample.
#pragma once
#include <vector>

#include "data/image.h"
#include "data/philox.h"

namespace beit {

// ErasingSettings of lib/native.ts.
struct ErasingSettings {
  double probability;  // that an image loses anything
  double min_area;     // of all its boxes together, as shares of the image
  double max_area;
  double min_aspect;  // height / width of a box, log-uniform
  double max_aspect;
  int count;  // boxes in an image: 1..count, each with its part of the area
};

struct Erasure {
  Box box;
  std::vector<float> noise;  // (3, box.height, box.width)
};

// What is to be written, in this order, over sample `index` as an image of `height` x `width`. Empty for
// most images; a box that would be as high or as wide as the image is drawn anew, and left out after ten.
std::vector<Erasure> random_erasing(const ErasingSettings& settings, int height, int width, uint64_t seed,
                                    uint32_t epoch, uint64_t index);

}  // namespace beit
