#include "ops/drop_path.h"

namespace beit::ops {

at::Tensor drop_path(const at::Tensor& x, double rate, at::Generator generator) {
  const double keep = 1.0 - rate;
  std::vector<int64_t> shape(x.dim(), 1);
  shape[0] = x.size(0);
  auto kept = at::empty(shape, at::TensorOptions().device(generator.device()).dtype(at::kFloat));
  kept.bernoulli_(keep, generator).div_(keep);
  return x * kept.to(x.options());
}

}  // namespace beit::ops
