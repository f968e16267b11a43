// The masks of native/data/blockwise_mask.h made on a GPU: the same bits, as functions of seed, epoch and
// sample. Plain C++; the kernel is in blockwise_masks.cu.
#pragma once

#include <cstdint>

#include "data/blockwise_mask.h"

namespace beit::cuda {

struct BlockwiseMasks {
  MaskSettings settings;
  double log_min_aspect;  // std::log of that of the settings
  uint64_t seed;
  uint32_t epoch;
  int64_t count;
  const int64_t* samples;  // (count): indices in the data set
  uint8_t* masks;          // (count, rows, columns), written: 1 = masked
  int32_t* open;           // (count, rows, columns) to work with; null in mode kOriginal
};

// Queues the kernel on a stream (a cudaStream_t) and gives a cudaError_t: 0 is success.
int blockwise_masks(const BlockwiseMasks& masks, void* stream);

}  // namespace beit::cuda
