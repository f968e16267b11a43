#include "ops/attention.h"

#include <cmath>

namespace beit::ops {

namespace {

// q, k, v (B, H, N, D / H) -> (B, N, D)
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias) {
  const int64_t batch = q.size(0), heads = q.size(1), tokens = q.size(2), width = q.size(3);
  const auto scaled = q * std::pow(static_cast<double>(width), -0.5);
  auto scores = at::matmul(scaled, k.transpose(-2, -1));  // (B, H, N, N)
  if (bias.defined()) scores = scores + bias;
  const auto mixed = at::matmul(at::softmax(scores, -1), v);  // (B, H, N, D / H)
  return mixed.transpose(1, 2).reshape({batch, tokens, heads * width});
}

}  // namespace

at::Tensor self_attention(const at::Tensor& qkv, const at::Tensor& bias, int64_t heads, const Compute&) {
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), width = qkv.size(2) / 3;
  const auto parts = qkv.view({batch, tokens, 3, heads, width / heads})
                         .permute({2, 0, 3, 1, 4})  // (B, N, 3, H, D / H) -> (3, B, H, N, D / H)
                         .unbind(0);
  return attend(parts[0], parts[1], parts[2], bias);
}

at::Tensor masked_attention(const at::Tensor& q, const at::Tensor& kv, const at::Tensor& bias,
                            const at::Tensor& rows, int64_t heads, const Compute&) {
  const int64_t batch = kv.size(0), tokens = kv.size(1), width = q.size(1);
  // All queries at their places, zeros elsewhere; of the results those asked for.
  const auto all = at::zeros({batch * tokens, width}, q.options()).index_copy(0, rows, q);
  const auto queries = all.view({batch, tokens, heads, width / heads}).transpose(1, 2);
  const auto parts = kv.view({batch, tokens, 2, heads, width / heads})
                         .permute({2, 0, 3, 1, 4})  // (B, N, 2, H, D / H) -> (2, B, H, N, D / H)
                         .unbind(0);
  return attend(queries, parts[0], parts[1], bias).view({batch * tokens, width}).index_select(0, rows);
}

}  // namespace beit::ops
