#include "train/frozen_features.h"

#include <c10/core/GradMode.h>
#include <fcntl.h>

#include <cstdio>

#include "engine/error.h"
#include "engine/file.h"
#include "engine/fresh_zeros.h"
#include "train/images.h"

namespace beit::train {

at::Tensor frozen_features(const models::Beit& model, const at::Tensor& pixels,
                           const FrozenFeatures& settings) {
  check_images("pixels", pixels, -1, model.config().image_height, model.config().image_width);
  for (const int64_t block : settings.blocks.value_or(std::vector<int64_t>{})) {
    if (block < 0 || block >= model.config().depth) {
      fail("ERR_INVALID_ARGUMENT", "blocks: expected 0 to ", model.config().depth - 1, ", got ", block);
    }
  }
  c10::NoGradGuard no_gradient;
  const auto images = Normalisation(settings.mean, settings.std, model.device())(pixels).to(model.dtype());
  Autocast autocast(model.device(), settings.precision);
  if (!settings.blocks) {
    return model.head_features(images, settings.pooling, nn::ForwardContext{}).unsqueeze(1);
  }
  return model.pooled_block_features(images, *settings.blocks, settings.pooling, nn::ForwardContext{});
}

at::Tensor feature_bank(int64_t rows, int64_t layers, int64_t width, const std::string& path) {
  if (path.empty()) return fresh_zeros({rows, layers, width}, at::kFloat);
  const int64_t count = rows * layers * width;
  // A page of a mapped file that the disk has no room for would end the process.
  File(path, O_RDWR | O_CREAT | O_EXCL).reserve(count * static_cast<int64_t>(sizeof(float)));
  const auto mapped = at::from_file(path, /*shared=*/true, count, at::kFloat);
  if (std::remove(path.c_str()) != 0) fail("ERR_IO", "cannot remove the name of ", path);
  return mapped.view({rows, layers, width});
}

}  // namespace beit::train
