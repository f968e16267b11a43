// Images as they come from the loader, made what a network takes in one pass: with x = byte / 255 either
// (x - mean) / standard deviation of a channel, or x * scale + shift. The numbers are those of the same
// operations of float32 on a CPU, bit by bit. Plain C++; the kernel is in network_pixels.cu.
#pragma once

#include <cstddef>
#include <cstdint>

namespace beit::cuda {

// B images of three channels, each with `plane` pixels: a multiple of 16. All pointers are aligned to 16
// bytes.
struct NetworkPixels {
  int64_t images, plane;
  const uint8_t* bytes;  // (B, 3, plane)
  void* out;             // (B, 3, plane) in float32 or bfloat16, written
  bool is_scaled;        // by scale and shift; else by mean and standard deviation
  // Of each channel: the mean and the standard deviation, or scale and shift.
  float first[3], second[3];
  bool bf16;
};

// Queues the kernel on a stream (a cudaStream_t) and gives a cudaError_t: 0 is success.
int network_pixels(const NetworkPixels& pixels, void* stream);

}  // namespace beit::cuda
