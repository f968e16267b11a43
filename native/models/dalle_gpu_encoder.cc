#include "models/dalle_gpu_encoder.h"

#include "engine/interruptible.h"
#include "ops/cuda_kernels.h"
#include "ops/likeliest_codes.h"

namespace beit::models {

namespace {

// Padding that keeps the size.
at::Tensor convolve(const at::Tensor& x, const DalleEncoderNetwork::Convolution& convolution) {
  const auto& [weight, bias] = convolution;
  return at::conv2d(x, weight, bias, /*stride=*/1, /*padding=*/(weight.size(2) - 1) / 2);
}

// Nothing reads x again.
at::Tensor block(const at::Tensor& x, const DalleEncoderNetwork::Block& block) {
  auto residual = at::relu(x);
  for (size_t i = 0; i < block.res_path.size(); i++) {
    residual = convolve(residual, block.res_path[i]);
    if (i + 1 < block.res_path.size()) residual.relu_();
  }
  auto kept = block.id_path ? convolve(x, *block.id_path) : x;
  return interruptible(kept.add_(residual, block.post_gain));
}

}  // namespace

bool DalleGpuEncoder::supports(const DalleEncoderNetwork& network) {
  const auto& weight = network.input.weight;
  const bool is_there = weight.is_cuda() || ops::cuda_kernels(weight) != nullptr;
  return is_there && weight.scalar_type() == at::kFloat;
}

DalleGpuEncoder::DalleGpuEncoder(const DalleEncoderNetwork& network, ops::Precision precision)
    : given_(network.input.weight), versions_(network.versions()), precision_(precision), network_(network) {
  network_.input = operand(network.input);
  for (auto& group : network_.groups) {
    for (auto& block : group) {
      if (block.id_path) block.id_path = operand(*block.id_path);
      for (auto& convolution : block.res_path) convolution = operand(convolution);
    }
  }
  network_.output.weight = operand(network.output).weight;  // its bias is added to float32
}

bool DalleGpuEncoder::is_of(const DalleEncoderNetwork& network, ops::Precision precision) const {
  return precision == precision_ && network.input.weight.is_same(given_) && network.versions() == versions_;
}

DalleGpuEncoder::Convolution DalleGpuEncoder::operand(const Convolution& convolution) const {
  if (precision_ == ops::Precision::kFp32) return convolution;
  return {convolution.weight.to(type()).contiguous(at::MemoryFormat::ChannelsLast),
          convolution.bias.to(type())};
}

at::Tensor DalleGpuEncoder::tokens(const at::Tensor& pixels, const at::Tensor& rows) const {
  const bool is_half = precision_ == ops::Precision::kBf16;
  auto x = convolve(is_half ? pixels.contiguous(at::MemoryFormat::ChannelsLast) : pixels, network_.input);
  for (size_t group = 0; group < network_.groups.size(); group++) {
    if (group > 0) x = at::max_pool2d(x, 2);
    for (const auto& one : network_.groups[group]) x = block(x, one);
  }
  // (B, C, h, w) -> (B h w, C) -> (M, C)
  const auto places = x.permute({0, 2, 3, 1}).flatten(0, 2).index_select(0, rows).relu_();
  const ops::Compute compute{.precision = precision_, .optimize = true};
  return ops::likeliest_codes(places, network_.output.weight.flatten(1), network_.output.bias, compute);
}

}  // namespace beit::models
