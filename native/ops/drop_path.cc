#include "ops/drop_path.h"

namespace beit::ops {

at::Tensor kept_images(int64_t images, double rate, at::Generator generator) {
  const auto options = at::TensorOptions().device(generator.device()).dtype(at::kFloat);
  return at::empty({images}, options).bernoulli_(1.0 - rate, generator);
}

at::Tensor drop_path(const at::Tensor& x, double rate, at::Generator generator) {
  std::vector<int64_t> shape(x.dim(), 1);
  shape[0] = x.size(0);
  const auto scale = kept_images(x.size(0), rate, generator).div_(1.0 - rate).view(shape);
  return x * scale.to(x.options());
}

}  // namespace beit::ops
