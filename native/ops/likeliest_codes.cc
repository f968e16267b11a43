#include "ops/likeliest_codes.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/GradMode.h>

#include "ops/cuda_kernels.h"

namespace beit::ops {

namespace {

constexpr int64_t kCodesAtOnce = 1024;

at::Tensor by_tensor_cores(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const auto& kernels = *cuda_kernels(x);
  const auto rows = cuda_operand(x), codes = cuda_operand(weight.to(at::kBFloat16));
  const auto added = cuda_operand(bias.to(at::kFloat));
  const auto likeliest = at::empty({x.size(0)}, x.options().dtype(at::kLong));
  cuda::LikeliestCodes call{.rows = x.size(0),
                            .width = x.size(1),
                            .codes = weight.size(0),
                            .x = rows.const_data_ptr(),
                            .weight = codes.const_data_ptr(),
                            .bias = added.const_data_ptr<float>(),
                            .likeliest = likeliest.mutable_data_ptr<int64_t>(),
                            .workspace = nullptr};
  const auto bytes = static_cast<int64_t>(kernels.likeliest_codes_workspace(call));
  const auto workspace = at::empty({bytes}, x.options().dtype(at::kByte));
  call.workspace = workspace.mutable_data_ptr();
  check_cuda(kernels, kernels.likeliest_codes(call, cuda_stream(x)), "likeliest_codes");
  return likeliest;
}

// The largest logit of each row so far, and its code.
struct Best {
  at::Tensor largest, likeliest;

  void take_in(const at::Tensor& logits, int64_t first) {
    const auto* kernels = cuda_kernels(logits);
    if (kernels != nullptr) return take_in_by_kernel(*kernels, logits, first);
    const auto [value, index] = logits.max(1);
    if (first == 0) {
      largest = value;
      likeliest = index;
      return;
    }
    const auto better = value.gt(largest);
    largest = at::where(better, value, largest);
    likeliest = at::where(better, index + first, likeliest);
  }

 private:
  void take_in_by_kernel(const cuda::Api& kernels, const at::Tensor& logits, int64_t first) {
    if (first == 0) {
      largest = at::empty({logits.size(0)}, logits.options());
      likeliest = at::empty({logits.size(0)}, logits.options().dtype(at::kLong));
    }
    const cuda::LogitsPiece piece{.rows = logits.size(0),
                                  .codes = logits.size(1),
                                  .first = first,
                                  .logits = logits.const_data_ptr<float>(),
                                  .largest = largest.mutable_data_ptr<float>(),
                                  .likeliest = likeliest.mutable_data_ptr<int64_t>()};
    check_cuda(kernels, kernels.take_in_logits(piece, cuda_stream(logits)), "take_in_logits");
  }
};

at::Tensor by_pieces(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const auto rows = x.to(at::kFloat);
  Best best;
  for (int64_t first = 0; first < weight.size(0); first += kCodesAtOnce) {
    const auto piece = [&](const at::Tensor& of) {
      return of.slice(0, first, first + kCodesAtOnce).to(at::kFloat);
    };
    best.take_in(at::linear(rows, piece(weight), piece(bias)), first);
  }
  return best.likeliest;
}

}  // namespace

at::Tensor likeliest_codes(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           const Compute& compute) {
  c10::NoGradGuard no_grad;
  if (!compute.optimize) return at::linear(x, weight, bias).argmax(1);
  if (x.size(0) == 0) return at::empty({0}, x.options().dtype(at::kLong));
  const c10::DeviceGuard device(x.device());
  const bool has_kernel =
      x.scalar_type() == at::kBFloat16 && x.size(1) % 32 == 0 && cuda_kernels(x) != nullptr;
  return has_kernel ? by_tensor_cores(x, weight, bias) : by_pieces(x, weight, bias);
}

}  // namespace beit::ops
