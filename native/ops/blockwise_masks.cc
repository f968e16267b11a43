#include "ops/blockwise_masks.h"

#include <c10/core/DeviceGuard.h>

#include <cmath>

#include "ops/cuda_kernels.h"

namespace beit::ops {

namespace {

uint8_t* bytes(const at::Tensor& masks) { return static_cast<uint8_t*>(masks.mutable_data_ptr()); }

at::Tensor on_cpu(const at::Tensor& samples, const MaskSettings& settings, uint64_t seed, uint32_t epoch) {
  const auto masks = at::empty({samples.size(0), settings.grid_size()}, at::kBool);
  const auto* sample = samples.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < samples.size(0); i++) {
    const SampleRandom random(seed, epoch, static_cast<uint64_t>(sample[i]), Stream::kMask);
    blockwise_mask(settings, random, bytes(masks) + i * settings.grid_size());
  }
  return masks;
}

}  // namespace

at::Tensor blockwise_masks(const at::Tensor& samples, const MaskSettings& settings, uint64_t seed,
                           uint32_t epoch, const Compute& compute) {
  if (!compute.optimize || samples.size(0) == 0 || cuda_kernels(samples) == nullptr) {
    return on_cpu(samples.cpu().contiguous(), settings, seed, epoch).to(samples.device());
  }
  const c10::DeviceGuard device(samples.device());
  const auto indices = cuda_operand(samples);
  const auto masks = at::empty({samples.size(0), settings.grid_size()}, samples.options().dtype(at::kBool));
  at::Tensor open;
  if (settings.mode != MaskSettings::Mode::kOriginal) {
    open = at::empty(masks.sizes(), samples.options().dtype(at::kInt));
  }
  const cuda::BlockwiseMasks call{.settings = settings,
                                  .log_min_aspect = std::log(settings.min_aspect),
                                  .seed = seed,
                                  .epoch = epoch,
                                  .count = samples.size(0),
                                  .samples = indices.const_data_ptr<int64_t>(),
                                  .masks = bytes(masks),
                                  .open = open.defined() ? open.mutable_data_ptr<int32_t>() : nullptr};
  const auto& kernels = *cuda_kernels(samples);
  check_cuda(kernels, kernels.blockwise_masks(call, cuda_stream(samples)), "blockwise_masks");
  return masks;
}

}  // namespace beit::ops
