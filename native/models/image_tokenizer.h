// The one interface of image tokenizers: pixels to a grid of discrete tokens and back.
#pragma once
#include <ATen/ATen.h>

#include "nn/module.h"

namespace beit::models {

class ImageTokenizer : public nn::Module {
 public:
  virtual int64_t vocab_size() const = 0;
  virtual int64_t stride() const = 0;  // pixels a token, along each side

  // pixels (B, 3, H, W) in [0, 1], which the tokenizer maps to what its network takes -> (B, V, h, w)
  virtual at::Tensor logits(const at::Tensor& pixels) const = 0;
  // The most probable token of each place: int64 (B, h, w). Never records a gradient.
  virtual at::Tensor encode(const at::Tensor& pixels) const;
  // Of some places alone: `rows` (M) int64 numbers them from 0 to B h w - 1 -> int64 (M). Pixels may be uint8
  // as well. Never records a gradient.
  virtual at::Tensor encode_rows(const at::Tensor& pixels, const at::Tensor& rows,
                                 const ops::Compute& compute) const;
  // int64 (B, h, w) -> pixels (B, 3, H, W) in [0, 1]. Never records a gradient.
  virtual at::Tensor decode(const at::Tensor& tokens) const = 0;

 protected:
  using nn::Module::Module;
  // ERR_INVALID_ARGUMENT unless all are in [0, V): out of range, a GPU would stop the whole process.
  void check_tokens(const at::Tensor& tokens) const;
};

}  // namespace beit::models
