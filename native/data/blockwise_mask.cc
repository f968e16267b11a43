#include "data/blockwise_mask.h"

#include <cmath>
#include <vector>

#include "data/draw_mask.h"

namespace beit {

void blockwise_mask(const MaskSettings& settings, const SampleRandom& random, uint8_t* mask) {
  const bool has_open = settings.mode != MaskSettings::Mode::kOriginal;
  std::vector<int32_t> open(has_open ? static_cast<size_t>(settings.grid_size()) : 0);
  MaskDrawer(settings, std::log(settings.min_aspect), random, mask, open.data()).draw();
}

}  // namespace beit
