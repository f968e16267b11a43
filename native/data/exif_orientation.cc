#include "data/exif_orientation.h"

#include <cstring>
#include <utility>

namespace beit {

namespace {

// Reads numbers of either byte order inside the TIFF part of the segment; out of range gives 0.
class TiffReader {
 public:
  TiffReader(const uint8_t* data, size_t length)
      : data_(data), length_(length), little_(length >= 2 && data[0] == 'I' && data[1] == 'I') {}

  bool valid() const {
    const bool big = length_ >= 2 && data_[0] == 'M' && data_[1] == 'M';
    return (little_ || big) && u16(2) == 42;
  }
  uint32_t u16(size_t at) const {
    if (at > length_ || length_ - at < 2) return 0;
    return little_ ? data_[at] | data_[at + 1] << 8 : data_[at] << 8 | data_[at + 1];
  }
  uint32_t u32(size_t at) const {
    return little_ ? u16(at) | u16(at + 2) << 16 : u16(at) << 16 | u16(at + 2);
  }

 private:
  const uint8_t* data_;
  size_t length_;
  bool little_;
};

constexpr char kExifHeader[6] = {'E', 'x', 'i', 'f', '\0', '\0'};
constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kShort = 3;

}  // namespace

int exif_orientation(const uint8_t* segment, size_t length) {
  if (length < sizeof kExifHeader || std::memcmp(segment, kExifHeader, sizeof kExifHeader) != 0) return 1;
  const TiffReader tiff(segment + sizeof kExifHeader, length - sizeof kExifHeader);
  if (!tiff.valid()) return 1;
  const size_t directory = tiff.u32(4);
  const uint32_t entries = tiff.u16(directory);
  for (uint32_t i = 0; i < entries; i++) {
    const size_t entry = directory + 2 + size_t{i} * 12;
    if (tiff.u16(entry) != kOrientationTag || tiff.u16(entry + 2) != kShort) continue;
    const uint32_t value = tiff.u16(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

void apply_orientation(Image& image, int orientation, Image& scratch) {
  if (orientation <= 1) return;
  std::swap(image, scratch);
  const int width = scratch.width;
  const int height = scratch.height;
  const bool transposed = orientation >= 5;
  image.resize(transposed ? height : width, transposed ? width : height);
  // Where the shown pixel (0, 0) lies in the file, and the steps there for one pixel right and one row down.
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const ptrdiff_t along_row = from_right ? -3 : 3;
  const ptrdiff_t along_column = (from_bottom ? -3 : 3) * static_cast<ptrdiff_t>(width);
  const uint8_t* start = scratch.row(from_bottom ? height - 1 : 0) + (from_right ? (width - 1) * 3 : 0);
  const ptrdiff_t right = transposed ? along_column : along_row;
  const ptrdiff_t down = transposed ? along_row : along_column;
  for (int y = 0; y < image.height; y++) {
    const uint8_t* from = start + y * down;
    uint8_t* to = image.row(y);
    for (int x = 0; x < image.width; x++, from += right, to += 3) std::memcpy(to, from, 3);
  }
}

}  // namespace beit
