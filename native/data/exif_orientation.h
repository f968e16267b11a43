// The orientation tag of EXIF (CIPA DC-008, tag 0x0112): how a camera was held.
#pragma once
#include <cstddef>
#include <cstdint>

#include "data/image.h"

namespace beit {

// The orientation 1..8 in an APP1 segment (its bytes after the length field); 1 when there is none or it is
// malformed.
int exif_orientation(const uint8_t* segment, size_t length);

// Turns `image` as a viewer shows it. `scratch` takes the old pixels.
void apply_orientation(Image& image, int orientation, Image& scratch);

}  // namespace beit
