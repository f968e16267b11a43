#include "ops/half_matmul.h"

#include <algorithm>

#include "kernels/cpu.h"
#include "kernels/half_gemm.h"
#include "kernels/half_pack.h"
#include "ops/parallel_tasks.h"

namespace beit::ops {

namespace {

using kernels::Half;

// One of the strides is 1 afterwards.
at::Tensor regular(const at::Tensor& x) { return x.stride(0) == 1 || x.stride(1) == 1 ? x : x.contiguous(); }

struct Packed {
  at::Tensor numbers;  // float16, in the layout of the kernel
  at::Tensor scale;    // (lines)
};

constexpr int64_t kRowsOfPart = 64;
constexpr int64_t kLinesAtOnce = 4 * kernels::kHalfPackLines;  // packed by a thread

using Pack = void (*)(const kernels::HalfSource&, int64_t, int64_t, Half*, float*);

// The lines of `x` are its rows.
Packed pack(const at::Tensor& x, int64_t size, Pack pack_lines) {
  Packed packed{at::empty({size}, x.options().dtype(at::kHalf)), at::empty({x.size(0)}, x.options())};
  // A matrix of one column has any stride there.
  const int64_t step = x.size(1) == 1 ? 1 : x.stride(1);
  const kernels::HalfSource source{x.const_data_ptr<float>(), x.size(0), x.size(1), x.stride(0), step};
  auto* numbers = reinterpret_cast<Half*>(packed.numbers.mutable_data_ptr());
  auto* scale = packed.scale.mutable_data_ptr<float>();
  parallel_tasks((x.size(0) + kLinesAtOnce - 1) / kLinesAtOnce, [&](int64_t task) {
    const int64_t begin = task * kLinesAtOnce;
    pack_lines(source, begin, std::min(begin + kLinesAtOnce, source.lines), numbers, scale);
  });
  return packed;
}

at::Tensor multiply(const Packed& left, const Packed& right, int64_t depth, const at::Tensor& bias) {
  const int64_t rows = left.scale.size(0), columns = right.scale.size(0);
  auto out = at::empty({rows, columns}, left.scale.options());
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
  parallel_tasks(kernels::half_tasks(product),
                 [&](int64_t task) { kernels::half_gemm(product, task, task + 1); });
  return out;
}

Packed pack_left(const at::Tensor& a) {
  return pack(regular(a), kernels::half_left_size(a.size(0), a.size(1)), kernels::half_pack_left);
}

// The right operand `b`, (depth, columns).
Packed pack_right(const at::Tensor& b) {
  return pack(regular(b.t()), kernels::half_right_size(b.size(0), b.size(1)), kernels::half_pack_right);
}

at::Tensor float16_matmul(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  return multiply(pack_left(a), pack_right(b), a.size(1), bias);
}

// A matrix as two left operands, with the sum of its rows.
struct PackedBoth {
  Packed by_rows, by_columns;
  at::Tensor sum;  // (columns)
};

PackedBoth pack_both(const at::Tensor& x) {
  const int64_t rows = x.size(0), columns = x.size(1);
  const kernels::HalfMatrix matrix{x.const_data_ptr<float>(), rows, columns, columns};
  const auto halves = x.options().dtype(at::kHalf);
  const Packed by_rows{at::empty({kernels::half_left_size(rows, columns)}, halves),
                       at::empty({rows}, x.options())};
  const Packed by_columns{at::empty({kernels::half_left_size(columns, rows)}, halves),
                          at::empty({columns}, x.options())};
  auto* row_scale = by_rows.scale.mutable_data_ptr<float>();
  // What is found of the columns in some rows at a time is put together in the order of the rows.
  const int64_t parts = (rows + kRowsOfPart - 1) / kRowsOfPart;
  const auto found = at::empty({2, parts, columns}, x.options());
  float* largest = found.mutable_data_ptr<float>();
  float* sums = largest + parts * columns;
  parallel_tasks(parts, [&](int64_t part) {
    const int64_t begin = part * kRowsOfPart, at = part * columns;
    kernels::half_scan(matrix, begin, std::min(begin + kRowsOfPart, rows), row_scale, largest + at,
                       sums + at);
  });
  auto* column_scale = by_columns.scale.mutable_data_ptr<float>();
  auto sum = at::empty({columns}, x.options());
  float* sum_to = sum.mutable_data_ptr<float>();
  std::copy_n(largest, columns, column_scale);
  std::copy_n(sums, columns, sum_to);
  for (int64_t part = 1; part < parts; part++) {
    for (int64_t c = 0; c < columns; c++) {
      column_scale[c] = std::max(column_scale[c], largest[part * columns + c]);
      sum_to[c] += sums[part * columns + c];
    }
  }
  for (int64_t c = 0; c < columns; c++) column_scale[c] = 1.0f / kernels::half_scale(column_scale[c]);
  auto* rows_to = reinterpret_cast<Half*>(by_rows.numbers.mutable_data_ptr());
  auto* columns_to = reinterpret_cast<Half*>(by_columns.numbers.mutable_data_ptr());
  const int64_t down = (rows + kernels::kHalfTileRows - 1) / kernels::kHalfTileRows;
  const int64_t across = (columns + kernels::kHalfTileColumns - 1) / kernels::kHalfTileColumns;
  parallel_tasks(down * across, [&](int64_t tile) {
    kernels::half_pack_tile(matrix, tile / across * kernels::kHalfTileRows,
                            tile % across * kernels::kHalfTileColumns, row_scale, column_scale, rows_to,
                            columns_to);
  });
  return {by_rows, by_columns, sum};
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

LinearGradients half_linear_gradients(const at::Tensor& gradient, const at::Tensor& x,
                                      const at::Tensor& weight, bool with_bias) {
  if (half_arithmetic() != HalfArithmetic::kFloat16 || gradient.numel() == 0 || x.numel() == 0) {
    return {half_matmul(gradient, weight), half_matmul(gradient.t(), x),
            with_bias ? gradient.sum(0) : at::Tensor()};
  }
  const auto both = pack_both(gradient.contiguous());
  return {multiply(both.by_rows, pack_right(weight), weight.size(0), {}),
          multiply(both.by_columns, pack_right(x), x.size(0), {}), with_bias ? both.sum : at::Tensor()};
}

}  // namespace beit::ops
