#include "ops/cubic_spline.h"

#include <algorithm>

#include "engine/error.h"

namespace beit::ops {

namespace {

// Rows of `system` times the second derivatives at the sources = rows of `right` times their values.
struct Equations {
  at::Tensor system;  // (n, n)
  at::Tensor right;   // (n, n)
};

Equations second_derivatives(const std::vector<double>& x) {
  const auto n = static_cast<int64_t>(x.size());
  Equations equations{at::zeros({n, n}, at::kDouble), at::zeros({n, n}, at::kDouble)};
  auto system = equations.system.accessor<double, 2>();
  auto right = equations.right.accessor<double, 2>();
  const auto step = [&](int64_t i) { return x[i + 1] - x[i]; };
  // The first derivative is continuous at every inner source.
  for (int64_t i = 1; i < n - 1; i++) {
    const double before = step(i - 1), after = step(i);
    system[i][i - 1] = before / 6;
    system[i][i] = (before + after) / 3;
    system[i][i + 1] = after / 6;
    right[i][i - 1] = 1 / before;
    right[i][i] = -1 / before - 1 / after;
    right[i][i + 1] = 1 / after;
  }
  if (n == 3) {  // both ends would say the same: a parabola has one second derivative
    system[0][0] = system[2][2] = 1;
    system[0][1] = system[2][1] = -1;
    return equations;
  }
  // The third derivative is continuous at the second source and at the last but one.
  const double first = step(0), second = step(1), last = step(n - 2), before_last = step(n - 3);
  system[0][0] = second;
  system[0][1] = -first - second;
  system[0][2] = first;
  system[n - 1][n - 1] = before_last;
  system[n - 1][n - 2] = -last - before_last;
  system[n - 1][n - 3] = last;
  return equations;
}

}  // namespace

at::Tensor cubic_spline_weights(const std::vector<double>& sources, const std::vector<double>& targets) {
  const auto n = static_cast<int64_t>(sources.size()), m = static_cast<int64_t>(targets.size());
  if (n == 1) return at::ones({m, 1}, at::kDouble);
  if (n < 3)
    fail("ERR_INVALID_ARGUMENT", "a spline through ", n, " sources: one or at least three are needed");
  auto values = at::zeros({m, n}, at::kDouble);   // what the values at the sources add,
  auto bending = at::zeros({m, n}, at::kDouble);  // and what the second derivatives there do
  auto of_values = values.accessor<double, 2>();
  auto of_bending = bending.accessor<double, 2>();
  for (int64_t row = 0; row < m; row++) {
    const double t = std::clamp(targets[row], sources.front(), sources.back());
    const auto above = std::upper_bound(sources.begin(), sources.end() - 1, t) - sources.begin();
    const int64_t i = std::clamp<int64_t>(above - 1, 0, n - 2);  // sources[i] <= t <= sources[i + 1]
    const double step = sources[i + 1] - sources[i];
    const double left = (sources[i + 1] - t) / step, right = (t - sources[i]) / step;
    of_values[row][i] = left;
    of_values[row][i + 1] = right;
    of_bending[row][i] = step * step / 6 * (left * left * left - left);
    of_bending[row][i + 1] = step * step / 6 * (right * right * right - right);
  }
  const auto equations = second_derivatives(sources);
  return values + bending.matmul(at::linalg_solve(equations.system, equations.right));
}

}  // namespace beit::ops
