// Multi-head attention with an additive position bias on a GPU: softmax(q k^T / sqrt(D) + bias) v of each
// head and its gradients. The scores never reach memory, and no atomic operation is used: equal inputs give
// equal bits, on GPUs of any size. Plain C++; the kernels are in attention_*.cu.
#pragma once

#include <cstddef>
#include <cstdint>

namespace beit::cuda {

// B images of N tokens, H heads of width D: a multiple of 16, 16 to 128. Tensors of two bytes are bfloat16.
// All pointers are aligned to 16 bytes, and rows to multiples of 8 elements.
struct Attention {
  int64_t images, tokens, heads, width;
  // Rows of the B * N tokens begin `q_row` or `kv_row` elements apart; the H * D of one row lie together.
  const void* q;
  const void* k;
  const void* v;
  int64_t q_row, kv_row;
  const float* bias;  // (H, N, N), or null
  void* out;          // (B, N, H * D) bfloat16
  float* log_sums;  // (B, H, N): log2 of the sum that the softmax divides by, written forward, read backward
  void* workspace;  // attention_workspace() bytes
};

struct AttentionGradients {
  const void* out;  // (B, N, H * D) bfloat16, given
  void* q;          // bfloat16, rows as those of q, k and v
  void* k;
  void* v;
  float* bias;  // (H, N, N), or null: not wanted
};

size_t attention_workspace(const Attention& attention, bool backward);

// Queue the kernels on a stream (a cudaStream_t) and give a cudaError_t: 0 is success.
int attention_forward(const Attention& attention, void* stream);
int attention_backward(const Attention& attention, const AttentionGradients& gradients, void* stream);

}  // namespace beit::cuda
