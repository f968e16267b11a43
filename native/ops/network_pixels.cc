#include "ops/network_pixels.h"

#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "ops/cuda_kernels.h"

namespace beit::ops {

namespace {

constexpr int64_t kMostImages = 65535;  // of a grid

bool has_kernel(const at::Tensor& images, at::ScalarType type, const Compute& compute) {
  const bool is_written = type == at::kFloat || type == at::kBFloat16;
  return compute.optimize && is_written && images.numel() > 0 && images.size(0) <= kMostImages &&
         images.size(2) * images.size(3) % 16 == 0 && cuda_kernels(images) != nullptr;
}

using Numbers = std::array<double, 3>;

at::Tensor by_kernel(const at::Tensor& images, bool is_scaled, const Numbers& first, const Numbers& second,
                     at::ScalarType type) {
  const c10::DeviceGuard device(images.device());
  const auto bytes = cuda_operand(images);
  const auto out = at::empty_like(bytes, bytes.options().dtype(type));
  cuda::NetworkPixels pixels{.images = bytes.size(0),
                             .plane = bytes.size(2) * bytes.size(3),
                             .bytes = bytes.const_data_ptr<uint8_t>(),
                             .out = out.mutable_data_ptr(),
                             .is_scaled = is_scaled,
                             .first = {},
                             .second = {},
                             .bf16 = type == at::kBFloat16};
  const auto narrow = [](double number) { return static_cast<float>(number); };
  std::ranges::transform(first, pixels.first, narrow);
  std::ranges::transform(second, pixels.second, narrow);
  const auto& kernels = *cuda_kernels(bytes);
  check_cuda(kernels, kernels.network_pixels(pixels, cuda_stream(bytes)), "network_pixels");
  return out;
}

at::Tensor plain_unit(const at::Tensor& images) { return images.to(at::kFloat).div_(255.0); }

// (3, 1, 1), made on the device: nothing waits for a copy.
at::Tensor per_channel(const Numbers& numbers, const at::Tensor& like) {
  std::vector<at::Tensor> channels;
  for (const double number : numbers) channels.push_back(at::full({1, 1, 1}, number, like.options()));
  return at::cat(channels);
}

}  // namespace

at::Tensor unit_pixels(const at::Tensor& images, const Compute& compute) {
  if (!has_kernel(images, at::kFloat, compute)) return plain_unit(images);
  return by_kernel(images, /*is_scaled=*/true, {1, 1, 1}, {0, 0, 0}, at::kFloat);
}

at::Tensor standardised_pixels(const at::Tensor& images, const Numbers& mean, const Numbers& std,
                               at::ScalarType type, const Compute& compute) {
  if (has_kernel(images, type, compute)) return by_kernel(images, /*is_scaled=*/false, mean, std, type);
  const auto x = plain_unit(images);
  return x.sub(per_channel(mean, x)).div_(per_channel(std, x)).to(type);
}

at::Tensor scaled_pixels(const at::Tensor& images, double scale, double shift, at::ScalarType type,
                         const Compute& compute) {
  if (!has_kernel(images, type, compute)) return (plain_unit(images) * scale + shift).to(type);
  return by_kernel(images, /*is_scaled=*/true, {scale, scale, scale}, {shift, shift, shift}, type);
}

}  // namespace beit::ops
