#include "ops/linear_cross_entropy.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "kernels/row_kernels.h"
#include "ops/cross_entropy_cuda.h"
#include "ops/linear.h"

namespace beit::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Of logits (M, V) that nothing else reads: they become their own gradient, so there is one such matrix.
struct CrossEntropy : torch::autograd::Function<CrossEntropy> {
  static variable_list forward(AutogradContext* context, const at::Tensor& logits, const at::Tensor& target) {
    const int64_t rows = logits.size(0), classes = logits.size(1);
    std::vector<double> losses(rows);
    std::vector<uint8_t> hits(rows);
    float* of = logits.mutable_data_ptr<float>();
    const int64_t* targets = target.const_data_ptr<int64_t>();
    const auto counted = rows - std::count(targets, targets + rows, kIgnoredTarget);
    const float share = 1.0f / static_cast<float>(counted);
    at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        float* const of_row = of + row * classes;
        if (targets[row] == kIgnoredTarget) {
          std::fill_n(of_row, classes, 0.0f);
          continue;
        }
        bool hit = false;
        losses[row] = kernels::row_kernels()->cross_entropy(of_row, classes, targets[row], share, &hit);
        hits[row] = hit;
      }
    });
    double loss = 0.0;
    int64_t correct = 0;
    for (int64_t row = 0; row < rows; row++) {
      loss += losses[row];
      correct += hits[row];
    }
    context->save_for_backward({logits.detach()});
    const auto count = at::full({}, correct, target.options());
    context->mark_non_differentiable({count});
    return {at::full({}, loss / static_cast<double>(counted), logits.options()), count};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto gradient = context->get_saved_variables()[0];
    const bool unit = gradients[0].item<float>() == 1.0f;
    return {unit ? gradient : gradient * gradients[0], {}};
  }
};

bool has_kernel(const at::Tensor& logits, const at::Tensor& target, const Compute& compute) {
  if (!compute.optimize || !kernels::row_kernels() || !logits.is_cpu() || logits.numel() == 0 ||
      logits.scalar_type() != at::kFloat || !logits.is_contiguous() || target.scalar_type() != at::kLong) {
    return false;
  }
  // libtorch's own operation refuses those that are no class.
  const auto [least, greatest] = at::aminmax(target);
  return least.item<int64_t>() >= kIgnoredTarget && greatest.item<int64_t>() < logits.size(1);
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> cross_entropy(const at::Tensor& logits, const at::Tensor& target,
                                                 const Compute& compute) {
  if (has_cuda_cross_entropy(logits, target, compute)) return cuda_cross_entropy(logits, target);
  if (has_kernel(logits, target, compute)) {
    const auto results = CrossEntropy::apply(logits, target.contiguous());
    return {results[0], results[1]};
  }
  const auto numbers = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  return {at::cross_entropy_loss(numbers, target, /*weight=*/{}, at::Reduction::Mean, kIgnoredTarget),
          numbers.detach().argmax(-1).eq(target).sum()};
}

std::tuple<at::Tensor, at::Tensor> linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight,
                                                        const at::Tensor& bias, const at::Tensor& target,
                                                        const Compute& compute) {
  return cross_entropy(linear(x, weight, bias, compute), target, compute);  // of (M, V)
}

}  // namespace beit::ops
