#include "ops/resize_positions.h"

#include "engine/error.h"
#include "ops/cubic_spline.h"
#include "ops/relative_position.h"

namespace beit::ops {

namespace {

constexpr int64_t kClassRows = 3;

// Of a growing window, as in the original: a spline through sources that spread faster overshoots.
constexpr double kGreatestGrowth = 1.5;

double geometric_sum(double ratio, int64_t count) {
  double sum = 0, term = 1;
  for (int64_t i = 0; i < count; i++, term *= ratio) sum += term;
  return sum;
}

// The original's bisection: between 1.01 and 1.5, to 1e-6, the same steps. Below 1.01 it goes on where the
// original stops.
double ratio_of(int64_t count, int64_t reach, double greatest) {
  const auto target = static_cast<double>(reach);
  const bool below = geometric_sum(1.01, count) > target;
  double low = below ? 1.0 : 1.01, high = below ? 1.01 : greatest, ratio = low;
  while (high - low > 1e-6) {
    ratio = (low + high) / 2;
    (geometric_sum(ratio, count) > target ? high : low) = ratio;
  }
  return ratio;
}

std::vector<double> whole_offsets(int64_t count) {
  std::vector<double> offsets;
  for (int64_t i = 1; i <= count; i++) offsets.push_back(static_cast<double>(i));
  return offsets;
}

// {1, 3} -> {-3, -1, 0, 1, 3}
std::vector<double> both_sides(const std::vector<double>& offsets) {
  std::vector<double> all;
  for (auto it = offsets.rbegin(); it != offsets.rend(); ++it) all.push_back(-*it);
  all.push_back(0);
  all.insert(all.end(), offsets.begin(), offsets.end());
  return all;
}

// (2 to - 1, 2 from - 1): one axis of a window of `from` patches to one of `to`.
at::Tensor axis_weights(int64_t from, int64_t to) {
  if (from == to) return at::eye(2 * from - 1, at::kDouble);
  const int64_t source = from - 1, target = to - 1;  // the farthest offsets
  if (target > source) {
    return cubic_spline_weights(both_sides(geometric_offsets(source, target, kGreatestGrowth)),
                                both_sides(whole_offsets(target)));
  }
  return cubic_spline_weights(
      both_sides(whole_offsets(source)),
      both_sides(geometric_offsets(target, source, /*greatest=*/static_cast<double>(source))));
}

}  // namespace

std::vector<double> geometric_offsets(int64_t count, int64_t reach, double greatest) {
  const double ratio = ratio_of(count, reach, greatest);
  std::vector<double> offsets;
  for (int64_t i = 1; i <= count; i++) offsets.push_back(geometric_sum(ratio, i));
  return offsets;
}

at::Tensor resize_relative_positions(const at::Tensor& table, Grid from, Grid to) {
  const int64_t rows = relative_position_rows(from.rows, from.columns);
  if (table.dim() != 2 || table.size(0) != rows) {
    fail("ERR_CHECKPOINT_MISMATCH", "a table of relative positions of ", from.rows, " x ", from.columns,
         " patches has shape [", rows, ", heads], got ", table.sizes());
  }
  const int64_t heads = table.size(1);
  const auto values = table.to(at::kDouble);
  const auto offsets =
      values.slice(0, 0, rows - kClassRows).reshape({2 * from.rows - 1, 2 * from.columns - 1, heads});
  const auto down = axis_weights(from.rows, to.rows).to(table.device());
  const auto right = axis_weights(from.columns, to.columns).to(table.device());
  const auto resized = at::einsum("yi,xj,ijh->yxh", {down, right, offsets}).reshape({-1, heads});
  return at::cat({resized, values.slice(0, rows - kClassRows)}).to(table.scalar_type());
}

at::Tensor resize_absolute_positions(const at::Tensor& positions, Grid from, Grid to) {
  const int64_t patches = from.rows * from.columns;
  if (positions.dim() != 3 || positions.size(0) != 1 || positions.size(1) != patches + 1) {
    fail("ERR_CHECKPOINT_MISMATCH", "absolute positions of ", from.rows, " x ", from.columns,
         " patches have shape [1, ", patches + 1, ", hidden], got ", positions.sizes());
  }
  const int64_t width = positions.size(2);
  const auto values = positions.to(at::kDouble);
  const auto grid = values.slice(1, 1).reshape({1, from.rows, from.columns, width}).permute({0, 3, 1, 2});
  const auto resized = at::upsample_bicubic2d(grid, {to.rows, to.columns}, /*align_corners=*/false);
  return at::cat({values.slice(1, 0, 1), resized.flatten(2).transpose(1, 2)},
                 1)  // (1, D, h, w) -> (1, N', D)
      .to(positions.scalar_type());
}

}  // namespace beit::ops
