#include "models/beit.h"

#include <algorithm>

#include "ops/relative_position.h"

namespace beit::models {

namespace {

at::Tensor position_index(const BeitConfig& config, at::Device device) {
  return ops::relative_position_index(config.rows(), config.columns()).to(device);
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

at::Tensor Beit::embed(const at::Tensor& pixels, const at::Tensor& mask) const {
  const int64_t batch = pixels.size(0);
  auto x = patch_embed_(pixels.to(dtype())).flatten(2).transpose(1, 2);  // (B, D, h, w) -> (B, N, D)
  if (mask.defined()) x = at::where(mask.unsqueeze(-1), mask_token_, x);
  // The mask token comes in before the positions, and the class token is never masked.
  x = at::cat({cls_token_.expand({batch, 1, config_.hidden_size}), x}, 1);
  return pos_embed_.defined() ? x + pos_embed_ : x;
}

at::Tensor Beit::stream(const at::Tensor& pixels, const at::Tensor& mask,
                        const nn::ForwardContext& context) const {
  auto x = embed(pixels, mask);
  const auto shared_bias = shared_position_bias_();
  for (const auto& block : blocks_) x = block(x, shared_bias, context);
  return x;
}

std::vector<at::Tensor> Beit::block_features(const at::Tensor& pixels, const at::Tensor& mask,
                                             const std::vector<int64_t>& blocks,
                                             const nn::ForwardContext& context) const {
  std::vector<at::Tensor> streams;
  const auto last = std::max_element(blocks.begin(), blocks.end());
  if (last == blocks.end()) return streams;
  auto x = embed(pixels, mask);
  const auto shared_bias = shared_position_bias_();
  for (int64_t i = 0; i <= *last; i++) {
    x = blocks_.at(i)(x, shared_bias, context);
    streams.push_back(x);
  }
  std::vector<at::Tensor> chosen;
  for (int64_t i : blocks) chosen.push_back(streams.at(i));
  return chosen;
}

}  // namespace beit::models
