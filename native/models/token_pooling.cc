#include "models/token_pooling.h"

namespace beit::models {

at::Tensor pool_tokens(const at::Tensor& stream, TokenPooling pooling) {
  const auto cls = [&] { return stream.select(1, 0).to(at::kFloat); };
  // Summed in float32 whatever the dtype of the stream.
  const auto mean = [&] {
    return stream.slice(1, 1).mean(at::IntArrayRef{1}, /*keepdim=*/false, at::kFloat);
  };
  switch (pooling) {
    case TokenPooling::kCls:
      return cls();
    case TokenPooling::kMean:
      return mean();
    case TokenPooling::kConcat:
      return at::cat({cls(), mean()}, 1);
    case TokenPooling::kPatches:
      return stream.slice(1, 1).to(at::kFloat);
  }
  return {};
}

}  // namespace beit::models
