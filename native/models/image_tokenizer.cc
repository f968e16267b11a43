#include "models/image_tokenizer.h"

#include <c10/core/GradMode.h>

#include "engine/error.h"
#include "ops/network_pixels.h"

namespace beit::models {

at::Tensor ImageTokenizer::encode(const at::Tensor& pixels) const {
  c10::NoGradGuard no_grad;
  return logits(pixels).argmax(1);  // (B, V, h, w) -> (B, h, w)
}

at::Tensor ImageTokenizer::encode_rows(const at::Tensor& pixels, const at::Tensor& rows,
                                       const ops::Compute& compute) const {
  const auto unit = pixels.scalar_type() == at::kByte ? ops::unit_pixels(pixels, compute) : pixels;
  return ImageTokenizer::encode(unit).flatten().index_select(0, rows);  // (B, h, w) -> (M)
}

void ImageTokenizer::check_tokens(const at::Tensor& tokens) const {
  const auto [low, high] = at::aminmax(tokens);
  if (low.item<int64_t>() < 0 || high.item<int64_t>() >= vocab_size()) {
    fail("ERR_INVALID_ARGUMENT", "tokens must be from 0 to ", vocab_size() - 1, ", got values from ",
         low.item<int64_t>(), " to ", high.item<int64_t>());
  }
}

}  // namespace beit::models
