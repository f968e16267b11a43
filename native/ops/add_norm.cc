#include "ops/add_norm.h"

namespace beit::ops {

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                      const Compute&) {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps);
}

std::tuple<at::Tensor, at::Tensor> add_norm(const at::Tensor& x, const at::Tensor& branch,
                                            const at::Tensor& gamma, const at::Tensor& kept, double scale,
                                            const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                            double eps, const Compute& compute) {
  auto scaled = gamma.defined() ? branch * gamma : branch;
  if (scale != 1.0) scaled = scaled * scale;
  const auto sum = kept.defined() ? x.index_add(0, kept, scaled) : x + scaled;
  return {sum, norm_weight.defined() ? layer_norm(sum, norm_weight, norm_bias, eps, compute) : at::Tensor()};
}

}  // namespace beit::ops
