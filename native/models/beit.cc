#include "models/beit.h"

#include <ATen/autocast_mode.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/interruptible.h"
#include "ops/linear.h"
#include "ops/relative_position.h"

namespace beit::models {

namespace {

at::Tensor position_index(const BeitConfig& config, at::Device device) {
  return ops::relative_position_index(config.rows(), config.columns()).to(device);
}

// Did the pixels come as autocast would make them for the product?
bool is_operand(const at::Tensor& pixels) {
  const auto device = pixels.device().type();
  return at::autocast::is_autocast_enabled(device) &&
         at::autocast::get_autocast_dtype(device) == pixels.scalar_type();
}

std::vector<BeitBlock> make_blocks(nn::ParameterStore& store, const BeitConfig& config, InitScheme scheme) {
  BlockConfig block_config{config, scheme, {}};
  if (config.relative_positions == RelativePositions::kPerBlock) {
    block_config.position_index = position_index(config, store.options().device());
  }
  std::vector<BeitBlock> blocks;
  for (int64_t i = 0; i < config.depth; i++) {
    blocks.emplace_back(store, nn::Path("blocks") / i, block_config, i);
  }
  return blocks;
}

}  // namespace

Beit::Beit(const BeitConfig& config, const nn::ModuleOptions& options, InitScheme scheme,
           MaskToken mask_token)
    : nn::Module(options),
      config_(config),
      cls_token_(store().parameter(nn::Path("cls_token"), {1, 1, config.hidden_size}, matrix_init(scheme))),
      mask_token_(
          mask_token == MaskToken::kLearned
              ? store().parameter(nn::Path("mask_token"), {1, 1, config.hidden_size}, matrix_init(scheme))
              : at::Tensor()),
      pos_embed_(config.absolute_positions
                     ? store().parameter(nn::Path("pos_embed"), {1, config.patches() + 1, config.hidden_size},
                                         matrix_init(scheme))
                     : at::Tensor()),
      patch_embed_(store(), nn::Path("patch_embed") / "proj", 3, config.hidden_size,
                   {.kernel = config.patch_size, .stride = config.patch_size},
                   patch_weight_init(scheme, config), patch_bias_init(scheme, config)),
      shared_position_bias_(config.relative_positions == RelativePositions::kShared
                                ? RelativePositionBias(store(), nn::Path("rel_pos_bias"), config,
                                                       position_index(config, options.device))
                                : RelativePositionBias()),
      blocks_(make_blocks(store(), config, scheme)) {}

at::Tensor Beit::patches(const at::Tensor& pixels, const ops::Compute& compute) const {
  const auto x = is_operand(pixels) ? pixels : pixels.to(dtype());
  if (!compute.optimize) return patch_embed_(x).flatten(2).transpose(1, 2);  // (B, D, h, w) -> (B, N, D)
  // Patches do not overlap, so the convolution is one matrix product: (B, 3, h p, w p) -> (B, N, 3 p p)
  const int64_t batch = x.size(0), p = config_.patch_size;
  const auto columns = x.reshape({batch, 3, config_.rows(), p, config_.columns(), p})
                           .permute({0, 2, 4, 1, 3, 5})
                           .reshape({batch, config_.patches(), 3 * p * p});
  return interruptible(ops::linear(columns, patch_embed_.weight.flatten(1), patch_embed_.bias, compute));
}

at::Tensor Beit::embed(const at::Tensor& pixels, const at::Tensor& mask, const ops::Compute& compute) const {
  const int64_t batch = pixels.size(0);
  auto x = patches(pixels, compute);
  if (mask.defined()) x = at::where(mask.unsqueeze(-1), mask_token_, x);
  // The mask token comes in before the positions, and the class token is never masked.
  x = at::cat({cls_token_.expand({batch, 1, config_.hidden_size}), x}, 1);
  return pos_embed_.defined() ? x + pos_embed_ : x;
}

void Beit::visit_blocks(const at::Tensor& pixels, const at::Tensor& mask, int64_t last,
                        const nn::ForwardContext& context,
                        const std::function<void(int64_t, const at::Tensor&)>& visit) const {
  const auto shared_bias = shared_position_bias_();
  if (context.compute.optimize) {
    const auto before = visit_fast_blocks(pixels, mask, last, shared_bias, context, visit);
    visit(last, fast_block(blocks_.at(last), before, shared_bias, /*next=*/nullptr, context).x);
    return;
  }
  auto x = embed(pixels, mask, context.compute);
  for (int64_t i = 0; i <= last; i++) {
    x = blocks_.at(i)(x, shared_bias, context);
    visit(i, x);
  }
}

NormedStream Beit::visit_fast_blocks(const at::Tensor& pixels, const at::Tensor& mask, int64_t last,
                                     const at::Tensor& shared_bias, const nn::ForwardContext& context,
                                     const std::function<void(int64_t, const at::Tensor&)>& visit) const {
  NormedStream stream{embed(pixels, mask, context.compute), {}};
  stream.normed = blocks_.at(0).norm1(stream.x, context.compute);
  for (int64_t i = 0; i < last; i++) {
    stream = fast_block(blocks_.at(i), stream, shared_bias, &blocks_.at(i + 1).norm1, context);
    visit(i, stream.x);
  }
  return stream;
}

at::Tensor Beit::stream(const at::Tensor& pixels, const at::Tensor& mask,
                        const nn::ForwardContext& context) const {
  at::Tensor stream;
  visit_blocks(pixels, mask, config_.depth - 1, context, [&](int64_t, const at::Tensor& x) { stream = x; });
  return stream;
}

at::Tensor Beit::normed_patches(const at::Tensor& pixels, const at::Tensor& mask, const at::Tensor& rows,
                                const nn::LayerNorm& norm, const nn::ForwardContext& context) const {
  if (!context.compute.optimize) {
    const auto patches = norm(stream(pixels, mask, context)).slice(1, 1);  // (B, N + 1, D) -> (B, N, D)
    return patches.reshape({-1, config_.hidden_size}).index_select(0, rows);
  }
  const int64_t last = config_.depth - 1;
  const auto shared_bias = shared_position_bias_();
  const auto before = visit_fast_blocks(pixels, mask, last, shared_bias, context, [](auto...) {});
  // Before the patches of each image there is its class token.
  const auto tokens = rows + rows.div(config_.patches(), "trunc") + 1;
  return fast_block_at_rows(blocks_.at(last), before, shared_bias, tokens, &norm, context).normed;
}

std::vector<at::Tensor> Beit::block_features(const at::Tensor& pixels, const at::Tensor& mask,
                                             const std::vector<int64_t>& blocks,
                                             const nn::ForwardContext& context) const {
  std::vector<at::Tensor> chosen(blocks.size());
  if (blocks.empty()) return chosen;
  visit_blocks(pixels, mask, *std::max_element(blocks.begin(), blocks.end()), context,
               [&](int64_t block, const at::Tensor& x) {
                 for (size_t i = 0; i < blocks.size(); i++) {
                   if (blocks[i] == block) chosen[i] = x;
                 }
               });
  return chosen;
}

at::Tensor Beit::attention_probabilities(const at::Tensor& pixels, const at::Tensor& mask, int64_t block,
                                         const nn::ForwardContext& context) const {
  if (block < 0 || block >= config_.depth)
    fail("ERR_INVALID_ARGUMENT", "block: expected 0 to ", config_.depth - 1, ", got ", block);
  const auto before = block == 0 ? embed(pixels, mask, context.compute)
                                 : block_features(pixels, mask, {block - 1}, context).front();
  const auto& chosen = blocks_.at(block);
  return chosen.attn.probabilities(chosen.norm1(before, context.compute), shared_position_bias_());
}

at::Tensor Beit::pooled_block_features(const at::Tensor& pixels, const std::vector<int64_t>& blocks,
                                       TokenPooling pooling, const nn::ForwardContext& context) const {
  if (blocks.empty()) fail("ERR_INVALID_ARGUMENT", "blocks: expected at least one");
  std::vector<at::Tensor> chosen(blocks.size());
  visit_blocks(pixels, /*mask=*/{}, *std::max_element(blocks.begin(), blocks.end()), context,
               [&](int64_t block, const at::Tensor& x) {
                 for (size_t i = 0; i < blocks.size(); i++) {
                   if (blocks[i] == block) chosen[i] = pool_tokens(x, pooling);
                 }
               });
  return at::stack(chosen, 1);
}

}  // namespace beit::models
