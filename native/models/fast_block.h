// A block of BEiT at the least cost: the results of BeitBlock::operator(), which stays beside it, by fused
// operations (native/ops), and nothing computed that nobody uses: on a CPU no residual branch of an image
// that drop path leaves out, and in the last block no queries, projection and MLP of tokens that no loss
// looks at.
#pragma once
#include <ATen/ATen.h>

#include "models/beit_block.h"
#include "nn/layers.h"
#include "nn/module.h"

namespace beit::models {

// A residual stream, and what the norm of the layer that comes next makes of it.
struct NormedStream {
  at::Tensor x;       // (B, N, D)
  at::Tensor normed;  // the same shape; undefined where no norm follows
};

// `in.normed` is block.norm1 of the stream. `next` (or null) is the norm that follows the block.
NormedStream fast_block(const BeitBlock& block, const NormedStream& in, const at::Tensor& shared_bias,
                        const nn::LayerNorm* next, const nn::ForwardContext& context);

// The same at some tokens alone: `rows` (M) int64, rising, of the B * N -> streams of (M, D).
NormedStream fast_block_at_rows(const BeitBlock& block, const NormedStream& in, const at::Tensor& shared_bias,
                                const at::Tensor& rows, const nn::LayerNorm* next,
                                const nn::ForwardContext& context);

}  // namespace beit::models
