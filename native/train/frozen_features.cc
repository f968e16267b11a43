#include "train/frozen_features.h"

#include <c10/core/GradMode.h>
#include <fcntl.h>

#include "engine/error.h"
#include "engine/file.h"
#include "engine/fresh_zeros.h"
#include "train/images.h"

namespace beit::train {

namespace {

constexpr double kMostBytes = 0x1p60;

}  // namespace

at::Tensor frozen_features(const models::Beit& model, const at::Tensor& pixels,
                           const FrozenFeatures& settings) {
  check_images("pixels", pixels, -1, model.config().image_height, model.config().image_width);
  for (const int64_t block : settings.blocks.value_or(std::vector<int64_t>{})) {
    if (block < 0 || block >= model.config().depth) {
      fail("ERR_INVALID_ARGUMENT", "blocks: expected 0 to ", model.config().depth - 1, ", got ", block);
    }
  }
  c10::NoGradGuard no_gradient;
  nn::ForwardContext context;
  context.compute.precision = settings.precision;
  const Normalisation normalised(settings.mean, settings.std, model.device());
  const auto images = normalised(pixels, context.compute).to(model.dtype());
  const auto autocast = Autocast::for_transformer(model.device(), context.compute);
  if (!settings.blocks) return model.head_features(images, settings.pooling, context).unsqueeze(1);
  return model.pooled_block_features(images, *settings.blocks, settings.pooling, context);
}

at::Tensor feature_bank(int64_t rows, int64_t layers, int64_t width, const std::string& path) {
  const double size = static_cast<double>(sizeof(float)) * static_cast<double>(rows) *
                      static_cast<double>(layers) * static_cast<double>(width);
  if (size > kMostBytes) {
    fail("ERR_INVALID_ARGUMENT", "a bank of ", rows, " x ", layers, " x ", width,
         " numbers is more than a machine can address");
  }
  if (path.empty()) return fresh_zeros({rows, layers, width}, at::kFloat);
  const auto bytes = static_cast<int64_t>(sizeof(float)) * rows * layers * width;
  File file(path, O_RDWR | O_CREAT | O_EXCL);
  // Before anything that can fail, so that no file stays behind.
  file.remove_name();
  // A page of a mapped file that the disk has no room for would end the process.
  file.reserve(bytes);
  const auto memory = file.map(bytes);
  return at::from_blob(memory.get(), {rows, layers, width}, [memory](void*) {}, at::kFloat);
}

void write_features(const at::Tensor& bank, int64_t start, const at::Tensor& features) {
  const bool fits = bank.dim() == 3 && features.dim() == 3 && features.size(1) == bank.size(1) &&
                    features.size(2) == bank.size(2) && start >= 0 &&
                    features.size(0) <= bank.size(0) - start;
  if (!fits) {
    fail("ERR_SHAPE_MISMATCH", "features: expected (B, L, F) within a bank (N, L, F), got ", features.sizes(),
         " from row ", start, " of ", bank.sizes());
  }
  bank.narrow(0, start, features.size(0)).copy_(features);
}

at::Tensor features_of_layer(const at::Tensor& bank, int64_t layer, int64_t rows, int64_t from, int64_t to) {
  const bool has = bank.dim() == 3 && rows >= 0 && rows <= bank.size(0) && layer >= 0 &&
                   layer < bank.size(1) && from >= 0 && from < to && to <= bank.size(2);
  if (!has) {
    fail("ERR_INVALID_ARGUMENT", "expected rows, a layer and columns of a bank (N, L, F), got ", rows,
         " rows, layer ", layer, ", columns ", from, " to ", to, " of ", bank.sizes());
  }
  return bank.narrow(0, 0, rows).select(1, layer).slice(1, from, to);  // (N, L, F) -> (rows, to - from)
}

}  // namespace beit::train
