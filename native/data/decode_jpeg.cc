#include "data/decode_jpeg.h"

#ifdef BEIT_HAVE_JPEG
#include <algorithm>
#include <csetjmp>
#include <cstdio>

#include <jerror.h>
#include <jpeglib.h>

#include "data/exif_orientation.h"
#endif

namespace beit {

const char* decode_status_name(DecodeStatus status) {
  switch (status) {
    case DecodeStatus::kOk:
      return "ok";
    case DecodeStatus::kUnsupported:
      return "unsupported";
    case DecodeStatus::kBroken:
      break;
  }
  return "broken";
}

#ifdef BEIT_HAVE_JPEG

namespace {

// A progressive file of few bytes can announce scans without end; real ones have about ten.
constexpr int kMaxScans = 500;
constexpr int kExifMarker = JPEG_APP0 + 1;

// libjpeg reports errors through callbacks and cannot be unwound by a C++ exception: errors leave by longjmp.
// What lives across it is this struct, owned by decode_jpeg; `decompress` below holds nothing that needs a
// destructor.
struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf failed;
  char message[JMSG_LENGTH_MAX];
  DecodeStatus status;

  ~Decoder() { jpeg_destroy_decompress(&jpeg); }
};

Decoder& of(j_common_ptr jpeg) { return *static_cast<Decoder*>(jpeg->client_data); }

template <class... Arguments>
[[noreturn]] void give_up(Decoder& decoder, DecodeStatus status, const char* format, Arguments... arguments) {
  decoder.status = status;
  std::snprintf(decoder.message, sizeof decoder.message, format, arguments...);
  std::longjmp(decoder.failed, 1);
}

[[noreturn]] void give_up_with_its_message(j_common_ptr jpeg, DecodeStatus status) {
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  give_up(of(jpeg), status, "%s", message);
}

void on_error(j_common_ptr jpeg) {
  switch (jpeg->err->msg_code) {
    case JERR_BAD_PRECISION:       // 12 bit
    case JERR_SOF_UNSUPPORTED:     // lossless, hierarchical
    case JERR_ARITH_NOTIMPL:       // arithmetic coding, where libjpeg was built without it
    case JERR_CONVERSION_NOTIMPL:  // colour spaces other than grey, YCbCr and RGB
      give_up_with_its_message(jpeg, DecodeStatus::kUnsupported);
    default:
      give_up_with_its_message(jpeg, DecodeStatus::kBroken);
  }
}

void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;  // trace messages
  switch (jpeg->err->msg_code) {
    case JWRN_ADOBE_XFORM:      // unknown colour transform in the Adobe segment
    case JWRN_JFIF_MAJOR:       // newer JFIF version
    case JWRN_EXTRANEOUS_DATA:  // bytes before a marker; the pixels are whole
      return;
    default:
      give_up_with_its_message(jpeg, DecodeStatus::kBroken);
  }
}

void on_progress(j_common_ptr jpeg) {
  Decoder& decoder = of(jpeg);
  if (decoder.jpeg.input_scan_number <= kMaxScans) return;
  give_up(decoder, DecodeStatus::kBroken, "more than %d scans", kMaxScans);
}

int orientation_of(const jpeg_decompress_struct& jpeg) {
  for (auto* marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->marker != kExifMarker) continue;
    const int orientation = exif_orientation(marker->data, marker->data_length);
    if (orientation != 1) return orientation;
  }
  return 1;
}

// False: decoder.status and decoder.message say why. No object with a destructor may live in this function.
bool decompress(Decoder& decoder, const uint8_t* bytes, size_t length, int64_t max_pixels, Image& image,
                int& orientation) {
  auto& jpeg = decoder.jpeg;
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_create_decompress(&jpeg);
  jpeg.progress = &decoder.progress;
  jpeg_save_markers(&jpeg, kExifMarker, 0xFFFF);
  jpeg_mem_src(&jpeg, bytes, static_cast<unsigned long>(length));
  jpeg_read_header(&jpeg, TRUE);
  if (int64_t{jpeg.image_width} * jpeg.image_height > max_pixels) {
    give_up(decoder, DecodeStatus::kBroken, "%u x %u pixels are more than the %lld of maxPixels",
            jpeg.image_width, jpeg.image_height, static_cast<long long>(max_pixels));
  }
  if (jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK) {
    give_up(decoder, DecodeStatus::kUnsupported, "CMYK colours");
  }
  orientation = orientation_of(jpeg);
  jpeg.out_color_space = JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  jpeg.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&jpeg);
  image.resize(static_cast<int>(jpeg.output_width), static_cast<int>(jpeg.output_height));
  while (jpeg.output_scanline < jpeg.output_height) {
    constexpr int kRows = 8;
    JSAMPROW rows[kRows];
    const int first = static_cast<int>(jpeg.output_scanline);
    const int count = std::min(kRows, image.height - first);
    for (int i = 0; i < count; i++) rows[i] = image.row(first + i);
    jpeg_read_scanlines(&jpeg, rows, static_cast<JDIMENSION>(count));
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

}  // namespace

bool jpeg_supported() { return true; }

bool is_jpeg(const uint8_t* bytes, size_t length) {
  return length >= kJpegStart && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

DecodeResult decode_jpeg(const uint8_t* bytes, size_t length, int64_t max_pixels, Image& image,
                         Image& scratch) {
  if (!is_jpeg(bytes, length)) {
    return length == 0 ? DecodeResult{DecodeStatus::kBroken, "empty file"}
                       : DecodeResult{DecodeStatus::kUnsupported, "not a JPEG"};
  }
  Decoder decoder;
  decoder.jpeg.err = jpeg_std_error(&decoder.errors);
  decoder.jpeg.client_data = &decoder;
  decoder.errors.error_exit = on_error;
  decoder.errors.emit_message = on_message;
  decoder.progress.progress_monitor = on_progress;
  int orientation = 1;
  if (!decompress(decoder, bytes, length, max_pixels, image, orientation)) {
    return {decoder.status, decoder.message};
  }
  apply_orientation(image, orientation, scratch);
  return {DecodeStatus::kOk, ""};
}

#else

bool jpeg_supported() { return false; }

bool is_jpeg(const uint8_t*, size_t) { return false; }

DecodeResult decode_jpeg(const uint8_t*, size_t length, int64_t, Image&, Image&) {
  if (length == 0) return {DecodeStatus::kBroken, "empty file"};
  return {DecodeStatus::kUnsupported, "built without libjpeg"};
}

#endif

}  // namespace beit
