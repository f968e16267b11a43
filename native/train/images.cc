#include "train/images.h"

#include "engine/error.h"

namespace beit::train {

namespace {

at::Tensor per_channel(const std::array<double, 3>& values, at::Device device) {
  return at::tensor(at::ArrayRef<double>(values), at::kFloat).view({3, 1, 1}).to(device);
}

}  // namespace

void check_images(const char* name, const at::Tensor& images, int64_t batch, int64_t height, int64_t width) {
  if (!images.defined()) fail("ERR_INVALID_ARGUMENT", name, ": this objective needs it, got null");
  const bool fits = images.dim() == 4 && images.size(0) > 0 && (batch < 0 || images.size(0) == batch) &&
                    images.size(1) == 3 && images.size(2) == height && images.size(3) == width;
  if (!fits) {
    fail("ERR_SHAPE_MISMATCH", name, ": expected (", batch < 0 ? "B" : std::to_string(batch), ", 3, ", height,
         ", ", width, "), got ", images.sizes());
  }
  if (images.scalar_type() != at::kByte && images.scalar_type() != at::kFloat) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected uint8 or float32, got ", images.scalar_type());
  }
}

at::Tensor unit_pixels(const at::Tensor& images, at::Device device) {
  const auto moved = images.to(device, images.scalar_type(), /*non_blocking=*/true);
  return moved.scalar_type() == at::kByte ? moved.to(at::kFloat).div_(255.0) : moved;
}

Normalisation::Normalisation(const std::array<double, 3>& mean, const std::array<double, 3>& std,
                             at::Device device)
    : mean_(per_channel(mean, device)), std_(per_channel(std, device)) {}

at::Tensor Normalisation::operator()(const at::Tensor& images) const {
  const auto pixels = unit_pixels(images, mean_.device());
  return images.scalar_type() == at::kByte ? pixels.sub(mean_).div_(std_) : pixels;
}

}  // namespace beit::train
