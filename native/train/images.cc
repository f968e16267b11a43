#include "train/images.h"

#include "engine/error.h"
#include "ops/network_pixels.h"

namespace beit::train {

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

at::Tensor Normalisation::operator()(const at::Tensor& images, const ops::Compute& compute,
                                     at::ScalarType type) const {
  const auto moved = images.to(device_, images.scalar_type(), /*non_blocking=*/true);
  if (moved.scalar_type() != at::kByte) return moved;
  return ops::standardised_pixels(moved, mean_, std_, type, compute);
}

}  // namespace beit::train
