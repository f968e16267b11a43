// One Transformer block of BEiT, as the original release has it (beit/modeling_finetune.py of
// microsoft/unilm): pre-norm, no key bias, LayerScale and relative position bias where the configuration has
// them.
#pragma once
#include <ATen/ATen.h>

#include <vector>

#include "models/beit_config.h"
#include "models/beit_init.h"
#include "nn/layers.h"
#include "nn/module.h"

namespace beit::models {

// What all blocks of a model are made with.
struct BlockConfig : BeitConfig {
  InitScheme scheme;
  at::Tensor position_index;  // one for all: at 32 x 32 patches it takes 8 MB
};

// A table of relative position biases and the index into it.
struct RelativePositionBias {
  at::Tensor table;  // (R, H)
  at::Tensor index;  // (N, N) int64

  RelativePositionBias() = default;
  RelativePositionBias(nn::ParameterStore& store, const nn::Path& path, const BeitConfig& config,
                       const at::Tensor& index);
  at::Tensor operator()() const;  // (H, N, N), undefined without a table
};

struct Attention {
  int64_t heads;
  at::Tensor q_bias;  // (D)
  at::Tensor v_bias;  // (D)
  RelativePositionBias position_bias;
  nn::Linear qkv;  // without bias: a key bias would cancel in the softmax
  nn::Linear proj;

  Attention(nn::ParameterStore& store, const nn::Path& path, const BlockConfig& config, int64_t block);
  at::Tensor qkv_bias() const;  // (3 D), with zeros for the keys
  // x (B, N, D), shared_bias (H, N, N) or undefined -> (B, N, D)
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& shared_bias) const;
  // How much each token takes from each other one: rows of (B, H, N, N) are queries, and each sums to 1.
  at::Tensor probabilities(const at::Tensor& x, const at::Tensor& shared_bias) const;

 private:
  // (3, B, H, N, D/H): queries, keys and values
  std::vector<at::Tensor> split(const at::Tensor& x) const;
  at::Tensor probabilities(const at::Tensor& queries, const at::Tensor& keys,
                           const at::Tensor& shared_bias) const;
};

struct Mlp {
  nn::Linear fc1;
  nn::Linear fc2;

  Mlp(nn::ParameterStore& store, const nn::Path& path, const BlockConfig& config, int64_t block);
  at::Tensor operator()(const at::Tensor& x) const;
};

struct BeitBlock {
  at::Tensor gamma_1;  // (D) of LayerScale, or undefined
  at::Tensor gamma_2;
  nn::LayerNorm norm1;
  Attention attn;
  nn::LayerNorm norm2;
  Mlp mlp;
  double drop_path;

  BeitBlock(nn::ParameterStore& store, const nn::Path& path, const BlockConfig& config, int64_t block);
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& shared_bias,
                        const nn::ForwardContext& context) const;

 private:
  static at::Tensor layer_scale(nn::ParameterStore& store, const nn::Path& path, const BeitConfig& config);
  at::Tensor residual(const at::Tensor& x, const at::Tensor& branch, const at::Tensor& gamma,
                      const nn::ForwardContext& context) const;
};

}  // namespace beit::models
