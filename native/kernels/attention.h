// Attention of one head of one image with an additive position bias, forward and backward: scores never leave
// the caches. What of it the backward pass needs it computes again.
#pragma once
#include <cstdint>

#include "kernels/round_up.h"

namespace beit::kernels {

// Q queries and N keys and values of `width` numbers; rows lie `stride` floats apart. width: a multiple of
// 16, at most kMostAttentionWidth.
inline constexpr int64_t kMostAttentionWidth = 128;
struct AttentionHead {
  int64_t queries, keys, width;
  float scale;  // of the scores, before the bias
  const float* q;
  int64_t q_stride;
  const float* k;
  const float* v;
  int64_t kv_stride;
  const float* bias;      // (N, N), or null
  const int64_t* places;  // (Q): the row of the bias of each query; null: the row of its own number
  float* out;             // (Q, width)
  int64_t out_stride;
  // (Q) each, of the softmax: the largest score, and the inverse of the sum of exp(score - largest). Their
  // one logarithm would lose the digits of large scores.
  float* largest;
  float* inverse_sum;
};

struct AttentionHeadGradient {
  const float* out_gradient;  // as out
  float* q;                   // strides as those of the head
  float* k;
  float* v;
  float* bias;  // (N, N): added to; or null
};

// Keys take whole vectors in scratch memory.
constexpr int64_t padded_keys(int64_t keys) { return round_up(keys, 16); }

// Floats of scratch memory, aligned to 64 bytes.
int64_t attention_forward_scratch(int64_t keys, int64_t width);
int64_t attention_backward_scratch(int64_t queries, int64_t keys, int64_t width);

// Whether this processor has the kernels: AVX-512.
bool has_attention();
// Writes out, largest and inverse_sum.
void attention_forward(const AttentionHead& head, float* scratch);
// Reads the last two; writes the gradients of q, k and v.
void attention_backward(const AttentionHead& head, const AttentionHeadGradient& gradient, float* scratch);

namespace avx512 {
void attention_forward(const AttentionHead& head, float* scratch);
void attention_backward(const AttentionHead& head, const AttentionHeadGradient& gradient, float* scratch);
}  // namespace avx512

}  // namespace beit::kernels
