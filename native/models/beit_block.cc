#include "models/beit_block.h"

#include <cmath>

#include "ops/drop_path.h"
#include "ops/relative_position.h"

namespace beit::models {

RelativePositionBias::RelativePositionBias(nn::ParameterStore& store, const nn::Path& path,
                                           const BeitConfig& config, const at::Tensor& index)
    : table(store.parameter(path / "relative_position_bias_table",
                            {ops::relative_position_rows(config.rows(), config.columns()), config.heads},
                            nn::zeros())),
      index(store.buffer(path / "relative_position_index", index)) {}

at::Tensor RelativePositionBias::operator()() const {
  return table.defined() ? ops::relative_position_bias(table, index) : at::Tensor();
}

Attention::Attention(nn::ParameterStore& store, const nn::Path& path, const BlockConfig& config,
                     int64_t block)
    : heads(config.heads),
      q_bias(store.parameter(path / "q_bias", {config.hidden_size}, nn::zeros())),
      v_bias(store.parameter(path / "v_bias", {config.hidden_size}, nn::zeros())),
      position_bias(config.relative_positions == RelativePositions::kPerBlock
                        ? RelativePositionBias(store, path, config, config.position_index)
                        : RelativePositionBias()),
      qkv(store, path / "qkv", config.hidden_size, 3 * config.hidden_size, nn::Linear::Bias::kNone,
          matrix_init(config.scheme)),
      proj(store, path / "proj", config.hidden_size, config.hidden_size, nn::Linear::Bias::kZeros,
           residual_init(config.scheme, block)) {}

at::Tensor Attention::qkv_bias() const { return at::cat({q_bias, at::zeros_like(v_bias), v_bias}); }

std::vector<at::Tensor> Attention::split(const at::Tensor& x) const {
  const int64_t batch = x.size(0), tokens = x.size(1), width = x.size(2);
  return at::linear(x, qkv.weight, qkv_bias())
      .view({batch, tokens, 3, heads, width / heads})
      .permute({2, 0, 3, 1, 4})  // (B, N, 3, H, D/H) -> (3, B, H, N, D/H)
      .unbind(0);
}

at::Tensor Attention::probabilities(const at::Tensor& queries, const at::Tensor& keys,
                                    const at::Tensor& shared_bias) const {
  const auto q = queries * std::pow(static_cast<double>(queries.size(-1)), -0.5);
  auto scores = at::matmul(q, keys.transpose(-2, -1));  // (B, H, N, N)
  if (const auto bias = position_bias(); bias.defined()) scores = scores + bias;
  if (shared_bias.defined()) scores = scores + shared_bias;
  return at::softmax(scores, -1);
}

at::Tensor Attention::probabilities(const at::Tensor& x, const at::Tensor& shared_bias) const {
  const auto parts = split(x);
  return probabilities(parts[0], parts[1], shared_bias);
}

at::Tensor Attention::operator()(const at::Tensor& x, const at::Tensor& shared_bias) const {
  const auto parts = split(x);
  const auto mixed = at::matmul(probabilities(parts[0], parts[1], shared_bias), parts[2]);
  return proj(mixed.transpose(1, 2).reshape_as(x));  // (B, H, N, D/H) -> (B, N, D)
}

Mlp::Mlp(nn::ParameterStore& store, const nn::Path& path, const BlockConfig& config, int64_t block)
    : fc1(store, path / "fc1", config.hidden_size, config.mlp_size(), nn::Linear::Bias::kZeros,
          matrix_init(config.scheme)),
      fc2(store, path / "fc2", config.mlp_size(), config.hidden_size, nn::Linear::Bias::kZeros,
          residual_init(config.scheme, block)) {}

at::Tensor Mlp::operator()(const at::Tensor& x) const { return fc2(at::gelu(fc1(x))); }

BeitBlock::BeitBlock(nn::ParameterStore& store, const nn::Path& path, const BlockConfig& config,
                     int64_t block)
    : gamma_1(layer_scale(store, path / "gamma_1", config)),
      gamma_2(layer_scale(store, path / "gamma_2", config)),
      norm1(store, path / "norm1", config.hidden_size, config.norm_eps),
      attn(store, path / "attn", config, block),
      norm2(store, path / "norm2", config.hidden_size, config.norm_eps),
      mlp(store, path / "mlp", config, block),
      drop_path(config.depth > 1 ? config.drop_path * static_cast<double>(block) / (config.depth - 1) : 0.0) {
}

at::Tensor BeitBlock::layer_scale(nn::ParameterStore& store, const nn::Path& path, const BeitConfig& config) {
  if (config.layer_scale_init == 0.0) return {};
  return store.parameter(path, {config.hidden_size}, nn::constant(config.layer_scale_init));
}

at::Tensor BeitBlock::operator()(const at::Tensor& x, const at::Tensor& shared_bias,
                                 const nn::ForwardContext& context) const {
  const auto attended = residual(x, attn(norm1(x), shared_bias), gamma_1, context);
  return residual(attended, mlp(norm2(attended)), gamma_2, context);
}

at::Tensor BeitBlock::residual(const at::Tensor& x, const at::Tensor& branch, const at::Tensor& gamma,
                               const nn::ForwardContext& context) const {
  const auto scaled = gamma.defined() ? branch * gamma : branch;
  if (!context.training || drop_path == 0.0) return x + scaled;
  return x + ops::drop_path(scaled, drop_path, context.generator.value());
}

}  // namespace beit::models
