// JPEG to RGB with libjpeg(-turbo), the same pixels as Pillow: accurate integer DCT, smooth chroma
// upsampling.
//
// Broken is what a viewer would show with grey or torn areas: a file that ends early, damaged entropy-coded
// data. Files with harmless oddities (bytes between segments, a bad colour profile) are read. What libjpeg
// cannot turn into 8-bit RGB (CMYK, 12 bit, lossless) and what is no JPEG at all (a PNG named .jpeg) is
// unsupported: sharp decodes it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "data/image.h"

namespace beit {

enum class DecodeStatus { kOk, kUnsupported, kBroken };

struct DecodeResult {
  DecodeStatus status;
  std::string message;  // why it is not kOk
};

const char* decode_status_name(DecodeStatus status);  // SampleStatus of lib/native.ts

// Bytes of the beginning that is_jpeg looks at.
constexpr int64_t kJpegStart = 3;

// Does a file that begins with `bytes` go to libjpeg? Anything else is unsupported, or empty.
bool is_jpeg(const uint8_t* bytes, size_t length);

// False: the addon was built without libjpeg, and decode_jpeg answers kUnsupported to everything.
bool jpeg_supported();

// Decodes `bytes` into `image`, turned upright by its EXIF orientation. A header that announces more than
// `max_pixels` is broken, before memory for the pixels is taken.
DecodeResult decode_jpeg(const uint8_t* bytes, size_t length, int64_t max_pixels, Image& image,
                         Image& scratch);

}  // namespace beit
