// The convolutions of the encoder of the DALL-E dVAE, for the fast paths that compute it.
#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <vector>

namespace beit::models {

struct DalleEncoderNetwork {
  struct Convolution {
    at::Tensor weight;  // (out, in, k, k)
    at::Tensor bias;    // (out)
  };
  struct Block {
    std::optional<Convolution> id_path;
    std::vector<Convolution> res_path;  // conv_1 .. conv_4
    double post_gain;
  };
  Convolution input;
  std::vector<std::vector<Block>> groups;
  Convolution output;

  // Changes with the values of any of its weights.
  std::vector<uint32_t> versions() const;
};

}  // namespace beit::models
