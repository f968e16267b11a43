#include "models/fast_block.h"

#include "engine/interruptible.h"
#include "ops/add_norm.h"
#include "ops/attention.h"
#include "ops/cuda_kernels.h"
#include "ops/drop_path.h"
#include "ops/linear.h"

namespace beit::models {

namespace {

// Whose branch is computed, and by what it is multiplied.
struct Kept {
  at::Tensor images{};  // (K) int64; undefined: all
  double scale = 1.0;
  at::Tensor scales{};  // (B) float32 on the device: of all images, each by its own; or undefined
};

Kept draw_kept(const BeitBlock& block, const at::Tensor& x, const nn::ForwardContext& context) {
  if (!context.training || block.drop_path == 0.0) return {};
  const int64_t images = x.size(0);
  const auto kept = ops::kept_images(images, block.drop_path, context.generator.value());  // (B)
  const double scale = 1.0 / (1.0 - block.drop_path);
  // A GPU computes the branch of every image: the host would have to wait for it to learn which are kept.
  if (!x.is_cpu() || ops::cuda_kernels(x) != nullptr) {
    return {.scales = kept.to(x.device(), /*non_blocking=*/true).mul(scale)};
  }
  const auto numbers = kept.nonzero().squeeze(1);
  if (numbers.size(0) == images) return {.scale = scale};
  // With none kept the branch is computed all the same: its parameters have a gradient, which is zero.
  if (numbers.size(0) == 0) return {.scale = 0.0};
  return {.images = numbers, .scale = scale};
}

at::Tensor of_images(const at::Tensor& x, const Kept& kept) {
  return kept.images.defined() ? x.index_select(0, kept.images) : x;
}

at::Tensor mlp(const Mlp& mlp, const at::Tensor& x, const nn::ForwardContext& context) {
  const auto hidden = interruptible(ops::linear_gelu(x, mlp.fc1.weight, mlp.fc1.bias, context.compute));
  return mlp.fc2(hidden, context.compute);
}

NormedStream add(const NormedStream& to, const at::Tensor& branch, const at::Tensor& gamma, const Kept& kept,
                 const nn::LayerNorm* next, const nn::ForwardContext& context) {
  const auto weight = next ? next->weight : at::Tensor(), bias = next ? next->bias : at::Tensor();
  const double eps = next ? next->eps : 0.0;
  const bool chosen = kept.images.defined() || kept.scale != 1.0;
  const auto [x, normed] =
      chosen ? ops::add_norm(to.x, branch, gamma, kept.images, kept.scale, weight, bias, eps, context.compute)
             : ops::add_norm(to.x, branch, gamma, kept.scales, weight, bias, eps, context.compute);
  return {x, normed};
}

at::Tensor bias_of(const Attention& attention, const at::Tensor& shared_bias) {
  const auto own = attention.position_bias();
  if (!own.defined()) return shared_bias;
  return shared_bias.defined() ? own + shared_bias : own;
}

// Of the rows of all images those of the images that are kept.
struct KeptRows {
  Kept rows;              // as the residual of streams of one row an image
  at::Tensor among_kept;  // (M') int64: the same rows, counted in the kept images alone
};

KeptRows rows_of(const Kept& kept, const at::Tensor& rows, int64_t images, int64_t tokens) {
  if (kept.scales.defined()) {
    return {{.scales = kept.scales.index_select(0, rows.div(tokens, "trunc"))}, rows};
  }
  if (!kept.images.defined()) return {kept, rows};
  // Where each image is among those kept; -1: it is not.
  auto place = at::full({images}, -1, rows.options());
  place.index_copy_(0, kept.images, at::arange(kept.images.size(0), rows.options()));
  const auto place_of_row = place.index_select(0, rows.div(tokens, "trunc"));  // (M)
  const auto chosen = place_of_row.ge(0).nonzero().squeeze(1);                 // (M')
  const auto among_kept = (place_of_row * tokens + rows.remainder(tokens)).index_select(0, chosen);
  return {{.images = chosen, .scale = kept.scale}, among_kept};
}

}  // namespace

NormedStream fast_block(const BeitBlock& block, const NormedStream& in, const at::Tensor& shared_bias,
                        const nn::LayerNorm* next, const nn::ForwardContext& context) {
  const auto& attention = block.attn;
  const auto attended_images = draw_kept(block, in.x, context);
  const auto qkv = interruptible(ops::linear(of_images(in.normed, attended_images), attention.qkv.weight,
                                             attention.qkv_bias(), context.compute));
  const auto mixed =
      ops::self_attention(qkv, bias_of(attention, shared_bias), attention.heads, context.compute);
  const auto attended =
      add(in, attention.proj(mixed, context.compute), block.gamma_1, attended_images, &block.norm2, context);

  const auto mlp_images = draw_kept(block, in.x, context);
  const auto branch = mlp(block.mlp, of_images(attended.normed, mlp_images), context);
  return add(attended, branch, block.gamma_2, mlp_images, next, context);
}

NormedStream fast_block_at_rows(const BeitBlock& block, const NormedStream& in, const at::Tensor& shared_bias,
                                const at::Tensor& rows, const nn::LayerNorm* next,
                                const nn::ForwardContext& context) {
  const int64_t images = in.x.size(0), tokens = in.x.size(1), width = in.x.size(2);
  const auto& attention = block.attn;
  const auto flat = [&](const at::Tensor& x) { return x.reshape({-1, width}); };  // (B, N, D) -> (B * N, D)
  const NormedStream at_rows{flat(in.x).index_select(0, rows), {}};               // (M, D)

  const auto attended_images = draw_kept(block, in.x, context);
  auto kept = rows_of(attended_images, rows, images, tokens);
  // None of the kept images has such a row: as if no image were kept.
  const bool none = kept.among_kept.size(0) == 0;
  if (none) kept = {{.scale = 0.0}, rows};
  const auto normed = none ? in.normed : of_images(in.normed, attended_images);
  const auto& weight = attention.qkv.weight;  // (3 D, D)
  const auto q = interruptible(ops::linear(flat(normed).index_select(0, kept.among_kept),
                                           weight.narrow(0, 0, width), attention.q_bias, context.compute));
  const auto kv_bias = at::cat({at::zeros_like(attention.v_bias), attention.v_bias});
  const auto kv =
      interruptible(ops::linear(normed, weight.narrow(0, width, 2 * width), kv_bias, context.compute));
  const auto mixed = ops::masked_attention(q, kv, bias_of(attention, shared_bias), kept.among_kept,
                                           attention.heads, context.compute);
  const auto attended =
      add(at_rows, attention.proj(mixed, context.compute), block.gamma_1, kept.rows, &block.norm2, context);

  auto mlp_rows = rows_of(draw_kept(block, in.x, context), rows, images, tokens).rows;
  if (mlp_rows.images.defined() && mlp_rows.images.size(0) == 0) mlp_rows = {.scale = 0.0};
  const auto branch = mlp(block.mlp, of_images(attended.normed, mlp_rows), context);
  return add(attended, branch, block.gamma_2, mlp_rows, next, context);
}

}  // namespace beit::models
