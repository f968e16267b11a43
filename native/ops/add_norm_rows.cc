#include "ops/add_norm_rows.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/row_kernels.h"

namespace beit::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The gradients of the parameters are summed over the rows of a part, then over the parts: the order does not
// depend on the number of threads.
constexpr int64_t kRowsOfPart = 64;

const float* data(const at::Tensor& x) { return x.defined() ? x.const_data_ptr<float>() : nullptr; }

struct Operands {
  at::Tensor x;       // (B, ..., D)
  at::Tensor branch;  // rows of the images that are kept; undefined: none
  at::Tensor gamma, kept, weight, bias;
  double scale, eps;

  int64_t width() const { return x.size(-1); }
  int64_t rows() const { return x.numel() / width(); }

  // Where the branch of each image is among those kept, -1: it has none. Empty: each at its own place.
  std::vector<int64_t> places() const {
    if (!kept.defined()) return {};
    std::vector<int64_t> result(x.size(0), -1);
    const int64_t* images = kept.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < kept.numel(); i++) result.at(images[i]) = i;
    return result;
  }

  // The row of the branch that row `row` adds, -1: none.
  int64_t branch_row(const std::vector<int64_t>& places, int64_t row) const {
    if (!branch.defined()) return -1;
    if (places.empty()) return row;
    const int64_t rows_of_image = rows() / x.size(0);
    const int64_t place = places[row / rows_of_image];
    return place < 0 ? -1 : place * rows_of_image + row % rows_of_image;
  }

  kernels::AddNormRow row(int64_t row, int64_t branch_row, const at::Tensor& sum, const at::Tensor& normed,
                          const at::Tensor& statistics) const {
    const int64_t width = this->width();
    return {.width = width,
            .scale = static_cast<float>(scale),
            .eps = static_cast<float>(eps),
            .x = data(x) + row * width,
            .branch = branch_row < 0 ? nullptr : data(branch) + branch_row * width,
            .gamma = data(gamma),
            .weight = data(weight),
            .bias = data(bias),
            .sum = sum.defined() ? sum.mutable_data_ptr<float>() + row * width : nullptr,
            .normed = normed.defined() ? normed.mutable_data_ptr<float>() + row * width : nullptr,
            .statistics = statistics.mutable_data_ptr<float>() + 2 * row};
  }
};

struct Gradients {
  at::Tensor x, branch, gamma, weight, bias;
};

// Writes sum (unless undefined) and the returned normed rows; statistics (rows, 2).
at::Tensor forward(const Operands& x, const at::Tensor& sum, const at::Tensor& statistics) {
  const auto normed = at::empty_like(x.x);
  const auto places = x.places();
  at::parallel_for(0, x.rows(), kRowsOfPart, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      kernels::row_kernels()->add_norm(x.row(row, x.branch_row(places, row), sum, normed, statistics));
    }
  });
  return normed;
}

// `x.x` is the sum here.
Gradients backward(const Operands& x, const at::Tensor& statistics, const at::Tensor& sum_gradient,
                   const at::Tensor& normed_gradient) {
  const int64_t rows = x.rows(), width = x.width(), parts = (rows + kRowsOfPart - 1) / kRowsOfPart;
  Gradients result;
  result.x = at::empty_like(x.x);
  if (x.branch.defined()) result.branch = at::empty_like(x.branch);
  const auto partial = at::zeros({parts, 3, width}, x.x.options());  // weight, bias, gamma
  const auto places = x.places();
  const auto row_of = [&](const at::Tensor& of, int64_t row) {
    return of.defined() ? data(of) + row * width : nullptr;
  };
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      float* sums = partial.mutable_data_ptr<float>() + part * 3 * width;
      const int64_t last = std::min(rows, (part + 1) * kRowsOfPart);
      for (int64_t row = part * kRowsOfPart; row < last; row++) {
        const int64_t branch_row = x.branch_row(places, row);
        kernels::row_kernels()->add_norm_backward(
            x.row(row, branch_row, /*sum=*/x.x, /*normed=*/{}, statistics),
            {.sum_gradient = row_of(sum_gradient, row),
             .normed_gradient = row_of(normed_gradient, row),
             .x = result.x.mutable_data_ptr<float>() + row * width,
             .branch =
                 branch_row < 0 ? nullptr : result.branch.mutable_data_ptr<float>() + branch_row * width,
             .weight = sums,
             .bias = sums + width,
             .gamma = x.gamma.defined() ? sums + 2 * width : nullptr});
      }
    }
  });
  const auto sums = partial.sum(0);  // (3, D)
  result.weight = sums[0];
  result.bias = sums[1];
  if (x.gamma.defined()) result.gamma = sums[2];
  return result;
}

at::Tensor contiguous(const at::Tensor& x) { return x.defined() ? x.contiguous() : x; }
// An undefined tensor is no argument of an autograd function.
std::optional<at::Tensor> optional(const at::Tensor& x) {
  return x.defined() ? std::optional(x.contiguous()) : std::nullopt;
}

at::Tensor statistics_of(const Operands& x) { return at::empty({x.rows(), 2}, x.x.options()); }

struct AddNorm : torch::autograd::Function<AddNorm> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& branch,
                               const std::optional<at::Tensor>& gamma, const at::Tensor& weight,
                               const at::Tensor& bias, const std::optional<at::Tensor>& kept, double scale,
                               double eps) {
    const Operands operands{
        x, branch, gamma.value_or(at::Tensor()), kept.value_or(at::Tensor()), weight, bias, scale, eps};
    const auto sum = at::empty_like(x), statistics = statistics_of(operands);
    const auto normed = ops::forward(operands, sum, statistics);
    context->set_materialize_grads(false);
    context->save_for_backward({sum, branch, operands.gamma, weight, operands.kept, statistics});
    context->saved_data["scale"] = scale;
    return {sum, normed};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Operands operands{
        saved[0], saved[1], saved[2], saved[4], saved[3], {}, context->saved_data["scale"].toDouble(), 0.0};
    const auto of = ops::backward(operands, saved[5], contiguous(gradients[0]), contiguous(gradients[1]));
    return {of.x, of.branch, of.gamma, of.weight, of.bias, {}, {}, {}};
  }
};

struct LayerNorm : torch::autograd::Function<LayerNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, double eps) {
    const Operands operands{x, {}, {}, {}, weight, bias, 1.0, eps};
    const auto statistics = statistics_of(operands);
    context->save_for_backward({x, weight, statistics});
    return ops::forward(operands, /*sum=*/{}, statistics);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Operands operands{saved[0], {}, {}, {}, saved[1], {}, 1.0, 0.0};
    const auto of = ops::backward(operands, saved[2], /*sum_gradient=*/{}, gradients[0].contiguous());
    return {of.x, of.weight, of.bias, {}};
  }
};

}  // namespace

bool has_norm_kernel(at::ArrayRef<at::Tensor> tensors, const Compute& compute) {
  return compute.optimize && kernels::row_kernels() &&
         std::all_of(tensors.begin(), tensors.end(), [](const at::Tensor& x) {
           return !x.defined() || (x.is_cpu() && x.scalar_type() == at::kFloat && x.numel() > 0);
         });
}

at::Tensor layer_norm_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           double eps) {
  return LayerNorm::apply(x.contiguous(), weight.contiguous(), bias.contiguous(), eps);
}

std::tuple<at::Tensor, at::Tensor> add_norm_rows(const at::Tensor& x, const at::Tensor& branch,
                                                 const at::Tensor& gamma, const at::Tensor& kept,
                                                 double scale, const at::Tensor& weight,
                                                 const at::Tensor& bias, double eps) {
  const auto results = AddNorm::apply(x.contiguous(), branch.contiguous(), optional(gamma),
                                      weight.contiguous(), bias.contiguous(), optional(kept), scale, eps);
  return {results[0], results[1]};
}

}  // namespace beit::ops
