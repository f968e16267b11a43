#include "ops/packed_convolution.h"

#include "engine/error.h"
#include "kernels/half_gemm.h"
#include "kernels/half_pack.h"
#include "kernels/half_winograd.h"
#include "kernels/winograd.h"
#include "ops/parallel_tasks.h"
#include "ops/thread_scratch.h"

namespace beit::ops {

namespace {

constexpr int64_t kRowsAtOnce = 112;      // of a 1x1 convolution, by one thread
constexpr int64_t kHalfRowsAtOnce = 192;  // the same in half the bits: those of a block of the product

const kernels::WinogradKernels& kernels_of(Kernels which) {
  return which == Kernels::kPlain ? kernels::kWinogradPlain : kernels::fastest_winograd();
}

kernels::Half* halves_of(const at::Tensor& x) {
  return reinterpret_cast<kernels::Half*>(x.mutable_data_ptr());
}

// The kernels read and write whole groups of channels.
void check_channels(const at::Tensor& weight, int64_t in, int64_t out) {
  if (weight.size(1) % in == 0 && weight.size(0) % out == 0) return;
  fail("ERR_INVALID_ARGUMENT", "weight: expected multiples of ", out, " and ", in,
       " output and input channels, got ", weight.sizes());
}

}  // namespace

PackedConvolution pack_3x3(const at::Tensor& weight, const at::Tensor& bias) {
  check_channels(weight, 16, 16);
  const int64_t out = weight.size(0), in = weight.size(1);
  const auto plain = weight.contiguous();
  auto packed = at::empty({kernels::winograd_weights_size(in, out)}, weight.options());
  const int64_t panels = kernels::round_up(out, kernels::kPanelColumns) / kernels::kPanelColumns;
  at::parallel_for(0, panels, 1, [&](int64_t begin, int64_t end) {
    kernels::pack_winograd_weights(plain.const_data_ptr<float>(), in, out, begin, end,
                                   packed.mutable_data_ptr<float>());
  });
  return {in, out, packed, bias.clone(), {}};
}

PackedConvolution pack_1x1(const at::Tensor& weight, const at::Tensor& bias, double gain) {
  check_channels(weight, kernels::kPanelDepth, 1);
  const int64_t out = weight.size(0), in = weight.size(1);
  const int64_t panels = kernels::round_up(out, kernels::kPanelColumns) / kernels::kPanelColumns;
  const auto matrix = weight.flatten(1) * gain;  // (out, in, 1, 1) -> (out, in)
  auto padded = at::zeros({panels * kernels::kPanelColumns, in}, matrix.options());
  padded.narrow(0, 0, out).copy_(matrix);
  // (panels, columns, in) -> (panels, in, columns)
  const auto packed = padded.view({panels, kernels::kPanelColumns, in}).transpose(1, 2).contiguous();
  return {in, out, packed, bias * gain, {}};
}

PackedConvolution pack_half_1x1(const at::Tensor& weight, const at::Tensor& bias, double gain) {
  check_channels(weight, kernels::kPanelDepth, 1);
  const int64_t out = weight.size(0), in = weight.size(1);
  const auto matrix = (weight.flatten(1) * gain).contiguous();  // (out, in, 1, 1) -> (out, in)
  auto packed = at::empty({kernels::half_right_size(in, out)}, weight.options().dtype(at::kHalf));
  auto scale = at::empty({out}, weight.options());
  kernels::half_pack_right({matrix.const_data_ptr<float>(), out, in, in, 1}, 0, out, halves_of(packed),
                           scale.mutable_data_ptr<float>());
  return {in, out, packed, bias * gain, scale};
}

PackedConvolution pack_half_3x3(const at::Tensor& weight, const at::Tensor& bias) {
  check_channels(weight, 16, 16);
  const int64_t out = weight.size(0), in = weight.size(1);
  const auto plain = weight.contiguous();
  auto packed = at::empty({kernels::half_winograd_weights_size(in, out)}, weight.options().dtype(at::kHalf));
  auto scale = at::empty({kernels::kFrequencies, out}, weight.options());
  at::parallel_for(0, kernels::kFrequencies, 1, [&](int64_t begin, int64_t end) {
    kernels::pack_half_winograd_weights(plain.const_data_ptr<float>(), in, out, begin, end, halves_of(packed),
                                        scale.mutable_data_ptr<float>());
  });
  return {in, out, packed, bias.clone(), scale};
}

int64_t conv3x3_scratch(const PackedConvolution& packed) {
  return packed.scale.defined() ? kernels::half_winograd_scratch_size(packed.in, packed.out)
                                : kernels::winograd_scratch_size(packed.in, packed.out);
}

at::Tensor conv3x3_relu(const at::Tensor& x, const PackedConvolution& packed, bool relu_input,
                        const at::Tensor& scratch, Kernels which) {
  auto out = at::empty({x.size(0), x.size(1), x.size(2), packed.out}, x.options());
  const bool half = packed.scale.defined();
  const kernels::Winograd convolution{.input = x.const_data_ptr<float>(),
                                      .weights = half ? nullptr : packed.weight.const_data_ptr<float>(),
                                      .bias = packed.bias.const_data_ptr<float>(),
                                      .output = out.mutable_data_ptr<float>(),
                                      .images = x.size(0),
                                      .height = x.size(1),
                                      .width = x.size(2),
                                      .in = packed.in,
                                      .out = packed.out,
                                      .relu_input = relu_input};
  const int64_t tiles = convolution.tiles();
  // As many pieces as keep every thread busy, and none greater than the scratch memory.
  const int64_t threads = at::get_num_threads();
  const int64_t most =
      half ? kernels::half_winograd_tiles(packed.in) : kernels::plan_winograd(packed.in, packed.out).tiles;
  const int64_t rounds = (tiles + threads * most - 1) / (threads * most);
  const int64_t pieces = std::min(tiles, rounds * threads);
  const auto& with = kernels_of(which);
  parallel_tasks(pieces, [&](int64_t piece) {
    const int64_t first = piece * tiles / pieces, last = (piece + 1) * tiles / pieces;
    float* own = of_thread(scratch);
    if (half) {
      const kernels::HalfWinogradWeights weights{halves_of(packed.weight),
                                                 packed.scale.const_data_ptr<float>()};
      kernels::half_winograd(convolution, weights, first, last, with, own);
    } else {
      kernels::winograd(convolution, first, last, with, own);
    }
  });
  return out;
}

namespace {

void half_conv1x1_into(const at::Tensor& out, const at::Tensor& x, const PackedConvolution& packed,
                       const at::Tensor& residual) {
  const int64_t rows = x.numel() / packed.in;
  const int64_t pieces = (rows + kHalfRowsAtOnce - 1) / kHalfRowsAtOnce;
  // For each thread the scales of rows, then the packed rows.
  const int64_t packed_size = kernels::half_left_size(kHalfRowsAtOnce, packed.in);
  const auto scratch = thread_scratch(kHalfRowsAtOnce + packed_size / 2, x.options());
  parallel_tasks(pieces, [&](int64_t piece) {
    float* scale = of_thread(scratch);
    auto* left = reinterpret_cast<kernels::Half*>(scale + kHalfRowsAtOnce);
    const int64_t first = piece * rows / pieces, count = (piece + 1) * rows / pieces - first;
    const float* from = x.const_data_ptr<float>() + first * packed.in;
    kernels::half_pack_left({from, count, packed.in, packed.in, 1}, 0, count, left, scale);
    const kernels::HalfProduct product{
        .rows = count,
        .columns = packed.out,
        .depth = packed.in,
        .left = left,
        .right = halves_of(packed.weight),
        .out = out.mutable_data_ptr<float>() + first * packed.out,
        .out_stride = packed.out,
        .row_scale = scale,
        .column_scale = packed.scale.const_data_ptr<float>(),
        .bias = packed.bias.const_data_ptr<float>(),
        .residual = residual.defined() ? residual.const_data_ptr<float>() + first * packed.out : nullptr};
    kernels::half_gemm(product, 0, kernels::half_tasks(product));
  });
}

// `residual` may be `out`: what is made of a number is written where it was read.
void conv1x1_into(const at::Tensor& out, const at::Tensor& x, const PackedConvolution& packed,
                  const at::Tensor& residual, Kernels which) {
  if (packed.scale.defined()) return half_conv1x1_into(out, x, packed, residual);
  const int64_t rows = x.numel() / packed.in;
  const int64_t pieces = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
  const auto& with = kernels_of(which);
  parallel_tasks(pieces, [&](int64_t piece) {
    const int64_t first = piece * rows / pieces, last = (piece + 1) * rows / pieces;
    with.multiply(
        {.a = x.const_data_ptr<float>() + first * packed.in,
         .row_stride = packed.in,
         .block_stride = kernels::kPanelDepth,
         .b = packed.weight.const_data_ptr<float>(),
         .rows = last - first,
         .blocks = packed.in / kernels::kPanelDepth,
         .columns = packed.out,
         .out = out.mutable_data_ptr<float>() + first * packed.out,
         .out_stride = packed.out,
         .bias = packed.bias.const_data_ptr<float>(),
         .residual = residual.defined() ? residual.const_data_ptr<float>() + first * packed.out : nullptr});
  });
}

}  // namespace

at::Tensor conv1x1(const at::Tensor& x, const PackedConvolution& packed, const at::Tensor& residual,
                   Kernels which) {
  auto out = at::empty({x.size(0), x.size(1), x.size(2), packed.out}, x.options());
  conv1x1_into(out, x, packed, residual, which);
  return out;
}

void add_conv1x1(const at::Tensor& x, const PackedConvolution& packed, const at::Tensor& sum) {
  conv1x1_into(sum, x, packed, sum, Kernels::kFastest);
}

}  // namespace beit::ops
