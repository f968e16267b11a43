#include "ops/linear_cross_entropy.h"

#include "ops/linear.h"

namespace beit::ops {

std::tuple<at::Tensor, at::Tensor> linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight,
                                                        const at::Tensor& bias, const at::Tensor& target,
                                                        const Compute& compute) {
  const auto logits = linear(x, weight, bias, compute).to(at::kFloat);  // (M, V)
  return {at::cross_entropy_loss(logits, target), logits.detach().argmax(-1).eq(target).sum()};
}

}  // namespace beit::ops
