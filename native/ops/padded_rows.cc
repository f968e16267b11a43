#include "ops/padded_rows.h"

#include <algorithm>

namespace beit::ops {

at::Tensor padded_rows(const at::Tensor& mask, int64_t patches) {
  const int64_t images = mask.size(0), grid = mask.size(1), count = images * patches;
  const auto contiguous = mask.contiguous();
  const bool* masked = contiguous.const_data_ptr<bool>();
  // Others that are still to be taken: an image with more than `patches` leaves fewer for the rest.
  int64_t others = count - std::count(masked, masked + images * grid, true);
  if (others < 0) return {};
  auto rows = at::empty({count}, at::TensorOptions().dtype(at::kLong));
  int64_t* row = rows.mutable_data_ptr<int64_t>();
  for (int64_t image = 0; image < images; image++) {
    const bool* of_image = masked + image * grid;
    int64_t missing = std::min(others, patches - std::count(of_image, of_image + grid, true));
    for (int64_t patch = 0; patch < grid; patch++) {
      if (!of_image[patch]) {
        if (missing <= 0) continue;
        missing--;
        others--;
      }
      *row++ = image * grid + patch;
    }
  }
  return rows;
}

}  // namespace beit::ops
