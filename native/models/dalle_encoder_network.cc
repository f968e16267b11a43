#include "models/dalle_encoder_network.h"

namespace beit::models {

std::vector<uint32_t> DalleEncoderNetwork::versions() const {
  std::vector<uint32_t> versions;
  const auto add = [&](const Convolution& convolution) {
    versions.push_back(convolution.weight._version());
    versions.push_back(convolution.bias._version());
  };
  add(input);
  for (const auto& group : groups) {
    for (const auto& block : group) {
      if (block.id_path) add(*block.id_path);
      for (const auto& convolution : block.res_path) add(convolution);
    }
  }
  add(output);
  return versions;
}

}  // namespace beit::models
