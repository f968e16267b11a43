#include "models/beit.h"

#include <algorithm>

#include "engine/error.h"

namespace beit::models {

namespace {

const nn::Init kTokenInit = nn::truncated_normal(0.02);

std::vector<BeitBlock> make_blocks(nn::ParameterStore& store, const BeitConfig& config) {
  std::vector<BeitBlock> blocks;
  for (int64_t i = 0; i < config.depth; i++) blocks.emplace_back(store, nn::Path("blocks") / i, config, i);
  return blocks;
}

}  // namespace

BeitForMaskedImageModeling::BeitForMaskedImageModeling(const BeitConfig& config,
                                                       const nn::ModuleOptions& options)
    : nn::Module(options),
      config_(config),
      cls_token_(store().parameter(nn::Path("cls_token"), {1, 1, config.hidden_size}, kTokenInit)),
      mask_token_(store().parameter(nn::Path("mask_token"), {1, 1, config.hidden_size}, kTokenInit)),
      pos_embed_(config.absolute_positions
                     ? store().parameter(nn::Path("pos_embed"), {1, config.patches() + 1, config.hidden_size},
                                         kTokenInit)
                     : at::Tensor()),
      patch_embed_(store(), nn::Path("patch_embed") / "proj", 3, config.hidden_size,
                   {.kernel = config.patch_size, .stride = config.patch_size}, kTokenInit, nn::zeros()),
      shared_position_bias_(config.relative_positions == RelativePositions::kShared
                                ? RelativePositionBias(store(), nn::Path("rel_pos_bias"), config)
                                : RelativePositionBias()),
      blocks_(make_blocks(store(), config)),
      norm_(store(), nn::Path("norm"), config.hidden_size, config.norm_eps),
      lm_head_(store(), nn::Path("lm_head"), config.hidden_size, config.vocab_size, nn::Linear::Bias::kZeros,
               kTokenInit) {}

std::shared_ptr<nn::Module> BeitForMaskedImageModeling::clone_to(at::Device device,
                                                                 at::ScalarType dtype) const {
  auto copy = std::make_shared<BeitForMaskedImageModeling>(
      config_, nn::ModuleOptions{.device = device, .dtype = dtype, .seed = std::nullopt});
  copy->copy_state_from(*this);
  return copy;
}

at::Tensor BeitForMaskedImageModeling::embed(const at::Tensor& pixels, const at::Tensor& mask) const {
  const int64_t batch = pixels.size(0);
  auto x = patch_embed_(pixels.to(dtype())).flatten(2).transpose(1, 2);  // (B, D, h, w) -> (B, N, D)
  if (mask.defined()) x = at::where(mask.unsqueeze(-1), mask_token_, x);
  // The mask token comes in before the positions, and the class token is never masked.
  x = at::cat({cls_token_.expand({batch, 1, config_.hidden_size}), x}, 1);
  return pos_embed_.defined() ? x + pos_embed_ : x;
}

at::Tensor BeitForMaskedImageModeling::features(const at::Tensor& pixels, const at::Tensor& mask,
                                                const nn::ForwardContext& context) const {
  auto x = embed(pixels, mask);
  const auto shared_bias = shared_position_bias_();
  for (const auto& block : blocks_) x = block(x, shared_bias, context);
  return norm_(x);
}

std::vector<at::Tensor> BeitForMaskedImageModeling::block_features(const at::Tensor& pixels,
                                                                   const at::Tensor& mask,
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

at::Tensor BeitForMaskedImageModeling::forward(const at::Tensor& pixels, const at::Tensor& mask,
                                               bool all_tokens, const nn::ForwardContext& context) const {
  if (!all_tokens && !mask.defined())
    fail("ERR_INVALID_ARGUMENT", "logits of the masked patches need a mask");
  const auto patches = features(pixels, mask, context).slice(1, 1);  // (B, N + 1, D) -> (B, N, D)
  if (all_tokens) return lm_head_(patches);
  const auto rows = mask.flatten().nonzero().squeeze(1);  // (masked), in row-major order
  return lm_head_(patches.reshape({-1, config_.hidden_size}).index_select(0, rows));
}

}  // namespace beit::models
