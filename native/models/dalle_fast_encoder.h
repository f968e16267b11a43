// The encoder of the DALL-E dVAE at the least cost on a CPU with AVX-512: the tokens of DalleDvae::logits,
// which stays beside it. 3x3 convolutions by Winograd (a quarter of the multiplications), channels innermost,
// ReLU, bias and residual fused, wide images a few at a time, and the 8192 logits only of the places asked
// for, and never as a whole.
#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "models/dalle_encoder_network.h"
#include "ops/compute.h"
#include "ops/packed_convolution.h"

namespace beit::models {

class DalleFastEncoder {
 public:
  using Network = DalleEncoderNetwork;

  // Can it compute this network on this machine?
  static bool supports(const Network& network);

  // Packs the weights: as many bytes again as they have, four times for 3x3, or twice where `precision` lets
  // their products be in half the bits.
  DalleFastEncoder(const Network& network, ops::Precision precision);
  // Do the weights it packed still have these values?
  bool is_of(const Network& network, ops::Precision precision) const;

  // pixels (B, 3, H, W) as the network takes them -> the likeliest token (M) of the places `rows` (M) int64
  // of the B * H / 8 * W / 8.
  at::Tensor tokens(const at::Tensor& pixels, const at::Tensor& rows) const;

 private:
  struct PackedBlock {
    std::optional<ops::PackedConvolution> id_path;
    std::vector<ops::PackedConvolution> res_path;
  };
  class Run;

  Network::Convolution input_;
  std::vector<std::vector<PackedBlock>> groups_;
  Network::Convolution output_;
  std::vector<uint32_t> versions_;
  ops::Precision precision_;
  int64_t scratch_ = 0;  // floats a thread needs
};

}  // namespace beit::models
