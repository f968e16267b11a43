// The encoder of the DALL-E dVAE on a GPU: the tokens of DalleDvae::logits, which stays beside it. In bf16
// convolutions and what lies between them are bfloat16, channels innermost, and so are the copies of the
// weights; the logits are made of the places asked for alone, and never as a whole.
#pragma once
#include <ATen/ATen.h>

#include <vector>

#include "models/dalle_encoder_network.h"
#include "ops/compute.h"

namespace beit::models {

class DalleGpuEncoder {
 public:
  // Does it compute this network where it lies?
  static bool supports(const DalleEncoderNetwork& network);

  // In bf16 it keeps half as many bytes again as the weights have.
  DalleGpuEncoder(const DalleEncoderNetwork& network, ops::Precision precision);
  // Do the weights it was made of still have these values?
  bool is_of(const DalleEncoderNetwork& network, ops::Precision precision) const;

  // What it takes pixels as.
  at::ScalarType type() const { return ops::product_type(precision_); }
  // pixels (B, 3, H, W) as the network takes them -> the likeliest token (M) of the places `rows` (M) int64
  // of the B * H / 8 * W / 8.
  at::Tensor tokens(const at::Tensor& pixels, const at::Tensor& rows) const;

 private:
  using Convolution = DalleEncoderNetwork::Convolution;

  Convolution operand(const Convolution& convolution) const;

  at::Tensor given_;  // the first weight of the network
  std::vector<uint32_t> versions_;
  ops::Precision precision_;
  DalleEncoderNetwork network_;  // in the types of the products
};

}  // namespace beit::models
