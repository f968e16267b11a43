#include "kernels/attention.h"

#include "kernels/cpu.h"

namespace beit::kernels {

// Keys transposed, values, and the scores of a few queries.
int64_t attention_forward_scratch(int64_t keys, int64_t width) {
  return (2 * width + 16) * padded_keys(keys);
}

// Keys and values transposed, keys, queries and gradients of the output; weights and gradients of the scores
// of all queries.
int64_t attention_backward_scratch(int64_t queries, int64_t keys, int64_t width) {
  return 3 * width * padded_keys(keys) + 2 * width * queries + 2 * queries * padded_keys(keys);
}

#if defined(__x86_64__) && defined(__GNUC__)
bool has_attention() { return cpu().avx512; }
void attention_forward(const AttentionHead& head, float* scratch) {
  avx512::attention_forward(head, scratch);
}
void attention_backward(const AttentionHead& head, const AttentionHeadGradient& gradient, float* scratch) {
  avx512::attention_backward(head, gradient, scratch);
}
#else
bool has_attention() { return false; }
void attention_forward(const AttentionHead&, float*) {}
void attention_backward(const AttentionHead&, const AttentionHeadGradient&, float*) {}
#endif

}  // namespace beit::kernels
