#include "cuda/blockwise_masks.h"

#include "cuda/launch.cuh"
#include "data/draw_mask.h"

namespace beit::cuda {

namespace {

// Few: a batch has hundreds of masks, and as many multiprocessors as there are may share them.
constexpr int kOfBlock = 32;

// A thread draws a mask.
__global__ void blockwise_masks_kernel(BlockwiseMasks x) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= x.count) return;
  const int64_t at = i * x.settings.grid_size();
  const SampleRandom random(x.seed, x.epoch, static_cast<uint64_t>(x.samples[i]), Stream::kMask);
  MaskDrawer(x.settings, x.log_min_aspect, random, x.masks + at, x.open == nullptr ? nullptr : x.open + at)
      .draw();
}

}  // namespace

int blockwise_masks(const BlockwiseMasks& x, void* stream) {
  return launch(blockwise_masks_kernel, static_cast<unsigned>((x.count + kOfBlock - 1) / kOfBlock), kOfBlock,
                0, static_cast<cudaStream_t>(stream), x);
}

}  // namespace beit::cuda
