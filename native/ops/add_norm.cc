#include "ops/add_norm.h"

#include "ops/add_norm_cuda.h"
#include "ops/add_norm_rows.h"

namespace beit::ops {

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                      const Compute& compute) {
  if (has_cuda_add_norm(x, {}, compute)) return cuda_layer_norm(x, weight, bias, eps);
  if (has_norm_kernel({x, weight, bias}, compute)) return layer_norm_rows(x, weight, bias, eps);
  return at::layer_norm(x, weight.sizes(), weight, bias, eps);
}

std::tuple<at::Tensor, at::Tensor> add_norm(const at::Tensor& x, const at::Tensor& branch,
                                            const at::Tensor& gamma, const at::Tensor& kept, double scale,
                                            const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                            double eps, const Compute& compute) {
  if (norm_weight.defined() && has_norm_kernel({x, branch, gamma, norm_weight, norm_bias}, compute)) {
    return add_norm_rows(x, branch, gamma, kept, scale, norm_weight, norm_bias, eps);
  }
  auto scaled = gamma.defined() ? branch * gamma : branch;
  if (scale != 1.0) scaled = scaled * scale;
  const auto sum = kept.defined() ? x.index_add(0, kept, scaled) : x + scaled;
  return {sum, norm_weight.defined() ? layer_norm(sum, norm_weight, norm_bias, eps, compute) : at::Tensor()};
}

std::tuple<at::Tensor, at::Tensor> add_norm(const at::Tensor& x, const at::Tensor& branch,
                                            const at::Tensor& gamma, const at::Tensor& scale,
                                            const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                            double eps, const Compute& compute) {
  if (has_cuda_add_norm(x, branch, compute)) {
    return cuda_add_norm(x, branch, gamma, scale, norm_weight, norm_bias, eps, normed_type(x));
  }
  auto scaled = branch;
  if (scale.defined()) {
    std::vector<int64_t> shape(x.dim(), 1);
    shape[0] = scale.size(0);
    scaled = branch * scale.view(shape).to(branch.scalar_type());  // (B) -> (B, 1, ...)
  }
  return add_norm(x, scaled, gamma, /*kept=*/{}, 1.0, norm_weight, norm_bias, eps, compute);
}

}  // namespace beit::ops
