#include "ops/gradient_clip.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/row_kernels.h"

namespace beit::ops {

namespace {

// Numbers that a thread takes at a time. Each tensor is cut into such pieces and the sums of the pieces are
// added in their order, which does not depend on the number of threads. (One float32 sum a tensor, as
// libtorch has, loses 3e-4 of the norm of a base model.)
constexpr int64_t kPiece = 65536;

bool are_rows_of_cpu(at::TensorList gradients) {
  return !gradients.empty() && std::all_of(gradients.begin(), gradients.end(), [](const at::Tensor& x) {
    return x.is_cpu() && x.scalar_type() == at::kFloat && x.is_contiguous();
  });
}

double sum_of_squares(const float* x, int64_t count) {
  if (const auto* kernels = kernels::row_kernels()) return kernels->sum_of_squares(x, count);
  double sum = 0.0;
  for (int64_t i = 0; i < count; i++) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

at::Tensor norm_of_pieces(at::TensorList gradients) {
  struct Piece {
    const float* begin;
    int64_t count;
  };
  std::vector<Piece> pieces;
  for (const auto& gradient : gradients) {
    const float* numbers = gradient.const_data_ptr<float>();
    for (int64_t begin = 0; begin < gradient.numel(); begin += kPiece) {
      pieces.push_back({numbers + begin, std::min(kPiece, gradient.numel() - begin)});
    }
  }
  std::vector<double> squares(pieces.size());
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      squares[i] = sum_of_squares(pieces[i].begin, pieces[i].count);
    }
  });
  double sum = 0.0;
  for (const double piece : squares) sum += piece;
  return at::full({}, std::sqrt(sum), gradients[0].options());
}

at::Tensor global_norm(at::TensorList gradients, const Compute& compute) {
  if (compute.optimize && are_rows_of_cpu(gradients)) return norm_of_pieces(gradients);
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients)));
}

}  // namespace

GradientVerdict gradient_verdict(at::TensorList gradients, const at::Tensor& loss,
                                 std::optional<double> max_norm, const Compute& compute) {
  const auto norm = global_norm(gradients, compute);
  const auto finite = at::isfinite(loss).logical_and(at::isfinite(norm));
  return {.norm = norm,
          .finite = finite,
          .found_inf = finite.logical_not().to(at::kFloat),
          .scale = max_norm ? (*max_norm / (norm + 1e-6)).clamp_max(1.0) : at::Tensor()};
}

}  // namespace beit::ops
