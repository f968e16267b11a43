#include "ops/half_matmul.h"

#include <ATen/Parallel.h>

#include "kernels/cpu.h"
#include "kernels/half_gemm.h"
#include "kernels/half_pack.h"

namespace beit::ops {

namespace {

using kernels::Half;

// One of the strides is 1 afterwards.
at::Tensor regular(const at::Tensor& x) { return x.stride(0) == 1 || x.stride(1) == 1 ? x : x.contiguous(); }

struct Packed {
  at::Tensor numbers;  // float16, in the layout of the kernel
  at::Tensor scale;    // (lines)
};

using Pack = void (*)(const kernels::HalfSource&, int64_t, int64_t, Half*, float*);

// The lines of `x` are its rows.
Packed pack(const at::Tensor& x, int64_t size, Pack pack_lines) {
  Packed packed{at::empty({size}, x.options().dtype(at::kHalf)), at::empty({x.size(0)}, x.options())};
  // A matrix of one column has any stride there.
  const int64_t step = x.size(1) == 1 ? 1 : x.stride(1);
  const kernels::HalfSource source{x.const_data_ptr<float>(), x.size(0), x.size(1), x.stride(0), step};
  auto* numbers = reinterpret_cast<Half*>(packed.numbers.mutable_data_ptr());
  auto* scale = packed.scale.mutable_data_ptr<float>();
  const int64_t groups = (x.size(0) + kernels::kHalfPackLines - 1) / kernels::kHalfPackLines;
  at::parallel_for(0, groups, 1, [&](int64_t begin, int64_t end) {
    pack_lines(source, begin * kernels::kHalfPackLines, std::min(end * kernels::kHalfPackLines, source.lines),
               numbers, scale);
  });
  return packed;
}

at::Tensor float16_matmul(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  const int64_t rows = a.size(0), depth = a.size(1), columns = b.size(1);
  const auto left = pack(regular(a), kernels::half_left_size(rows, depth), kernels::half_pack_left);
  const auto right = pack(regular(b.t()), kernels::half_right_size(depth, columns), kernels::half_pack_right);
  auto out = at::empty({rows, columns}, a.options());
  const auto added = bias.defined() ? bias.contiguous() : bias;
  const kernels::HalfProduct product{
      .rows = rows,
      .columns = columns,
      .depth = depth,
      .left = reinterpret_cast<const Half*>(left.numbers.const_data_ptr()),
      .right = reinterpret_cast<const Half*>(right.numbers.const_data_ptr()),
      .out = out.mutable_data_ptr<float>(),
      .out_stride = columns,
      .row_scale = left.scale.const_data_ptr<float>(),
      .column_scale = right.scale.const_data_ptr<float>(),
      .bias = added.defined() ? added.const_data_ptr<float>() : nullptr,
  };
  at::parallel_for(0, kernels::half_tasks(product), 1,
                   [&](int64_t begin, int64_t end) { kernels::half_gemm(product, begin, end); });
  return out;
}

at::Tensor bfloat16_matmul(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  const auto half = [](const at::Tensor& x) { return x.to(at::kBFloat16); };
  const auto product = bias.defined() ? at::addmm(half(bias), half(a), half(b)) : at::mm(half(a), half(b));
  return product.to(at::kFloat);
}

}  // namespace

HalfArithmetic half_arithmetic() {
  const auto& cpu = kernels::cpu();
  if (cpu.amx_bf16) return HalfArithmetic::kBfloat16;
  // vdpbf16ps takes two cycles on Intel's processors: half the rate of float32.
  if (kernels::has_half_gemm()) return HalfArithmetic::kFloat16;
  if (cpu.avx512_bf16 && cpu.vendor == kernels::Cpu::Vendor::kAmd) return HalfArithmetic::kBfloat16;
  return HalfArithmetic::kNone;
}

at::Tensor half_matmul(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  return half_matmul(a, b, bias, half_arithmetic());
}

at::Tensor half_matmul(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias,
                       HalfArithmetic arithmetic) {
  switch (a.numel() == 0 || b.numel() == 0 ? HalfArithmetic::kNone : arithmetic) {
    case HalfArithmetic::kFloat16:
      return float16_matmul(a, b, bias);
    case HalfArithmetic::kBfloat16:
      return bfloat16_matmul(a, b, bias);
    case HalfArithmetic::kNone:
      break;
  }
  return bias.defined() ? at::addmm(bias, a, b) : at::mm(a, b);
}

}  // namespace beit::ops
