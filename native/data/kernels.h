// The inner loops over pixels. Each exists in plain form, the reference, and vectorised; all give the same
// bits (test/data/kernels.test.ts).
#pragma once
#include <cstdint>

#include "data/image.h"
#include "data/resample_weights.h"

namespace beit {

// Where the channels of rows go: channel c of row y begins at data + y * row_stride + c * plane_stride.
struct PlanarRows {
  uint8_t* data;
  int64_t row_stride;
  int64_t plane_stride;
};

struct ImageKernels {
  // Horizontal pass of a resize over the rows `begin` to `end` of `source`, whose memory goes on for
  // Image::kPadding bytes. Each row goes to three planes of `out`.
  void (*resample_rows)(const ImageView& source, int begin, int end, const ResampleWeights& weights,
                        const PlanarRows& out);

  // One row of the vertical pass: the weighted sum of `count` rows of `length` bytes that lie `stride` bytes
  // apart.
  void (*resample_column)(const uint8_t* rows, int64_t stride, const int32_t* weights, int count, int length,
                          uint8_t* out);

  // Brightness and contrast: grey + factor * (value - grey), rounded down, for each of `length` bytes in
  // place.
  void (*blend)(int grey, float factor, uint8_t* bytes, int64_t length);

  // Saturation: the same with the grey of each pixel itself.
  void (*blend_own_grey)(float factor, uint8_t* rgb, int64_t pixels);

  // The sum of the greys of at most 2^20 pixels.
  int64_t (*sum_grey)(const uint8_t* rgb, int64_t pixels);
};

extern const ImageKernels kPlainKernels;

#if defined(__x86_64__) && defined(__GNUC__)
extern const ImageKernels kAvx2Kernels;

// Null where the processor lacks AVX-512 with VBMI and VNNI (Intel since Ice Lake, AMD since Zen 4).
const ImageKernels* avx512_kernels();
#endif

// The fastest that this processor runs.
const ImageKernels& fastest_kernels();

}  // namespace beit
