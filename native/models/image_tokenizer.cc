#include "models/image_tokenizer.h"

#include <c10/core/GradMode.h>

namespace beit::models {

at::Tensor ImageTokenizer::encode(const at::Tensor& pixels) const {
  c10::NoGradGuard no_grad;
  return logits(pixels).argmax(1);  // (B, V, h, w) -> (B, h, w)
}

}  // namespace beit::models
