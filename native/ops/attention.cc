#include "ops/attention.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "kernels/attention.h"
#include "ops/attention_cuda.h"
#include "ops/thread_scratch.h"

namespace beit::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// q, k, v (B, H, N, D / H) -> (B, N, D)
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias) {
  const int64_t batch = q.size(0), heads = q.size(1), tokens = q.size(2), width = q.size(3);
  const auto scaled = q * std::pow(static_cast<double>(width), -0.5);
  auto scores = at::matmul(scaled, k.transpose(-2, -1));  // (B, H, N, N)
  if (bias.defined()) scores = scores + bias;
  const auto mixed = at::matmul(at::softmax(scores, -1), v);  // (B, H, N, D / H)
  return mixed.transpose(1, 2).reshape({batch, tokens, heads * width});
}

bool has_kernel(const at::Tensor& x, int64_t width, const Compute& compute) {
  return compute.optimize && kernels::has_attention() && x.is_cpu() && x.scalar_type() == at::kFloat &&
         width % 16 == 0 && width <= kernels::kMostAttentionWidth;
}

// Queries of some tokens, and keys and values of all. Each row of `q` (M, ...) begins with D queries, each of
// `kv` (B * N, ...) with D keys and D values; rows may be longer.
struct Operands {
  at::Tensor q, kv, bias;
  at::Tensor first;   // (B + 1) int64: the queries of image b are rows first[b] to first[b + 1]
  at::Tensor places;  // (M) int64: the token of each query within its image; undefined: all tokens in order
  int64_t tokens, heads, width;

  int64_t images() const { return first.size(0) - 1; }

  kernels::AttentionHead head(int64_t image, int64_t head, const at::Tensor& out,
                              const at::Tensor& sums) const {
    const int64_t* rows = first.const_data_ptr<int64_t>();
    const int64_t begin = rows[image], model = heads * width;
    const float* keys = kv.const_data_ptr<float>() + image * tokens * kv.stride(0) + head * width;
    return {.queries = rows[image + 1] - begin,
            .keys = tokens,
            .width = width,
            .scale = static_cast<float>(std::pow(static_cast<double>(width), -0.5)),
            .q = q.const_data_ptr<float>() + begin * q.stride(0) + head * width,
            .q_stride = q.stride(0),
            .k = keys,
            .v = keys + model,
            .kv_stride = kv.stride(0),
            .bias = bias.defined() ? bias.const_data_ptr<float>() + head * tokens * tokens : nullptr,
            .places = places.defined() ? places.const_data_ptr<int64_t>() + begin : nullptr,
            .out = out.defined() ? out.mutable_data_ptr<float>() + begin * model + head * width : nullptr,
            .out_stride = model,
            .largest = sums.mutable_data_ptr<float>() + head * q.size(0) + begin,
            .inverse_sum = sums.mutable_data_ptr<float>() + (heads + head) * q.size(0) + begin};
  }
};

// -> (M, D), and of the softmax what the kernel keeps (2, H, M)
std::pair<at::Tensor, at::Tensor> forward(const Operands& x) {
  const auto out = at::empty({x.q.size(0), x.heads * x.width}, x.q.options());
  const auto sums = at::empty({2, x.heads, x.q.size(0)}, x.q.options());
  const auto memory = thread_scratch(kernels::attention_forward_scratch(x.tokens, x.width), x.q.options());
  at::parallel_for(0, x.images() * x.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      kernels::attention_forward(x.head(i / x.heads, i % x.heads, out, sums), of_thread(memory));
    }
  });
  return {out, sums};
}

// Into the gradients of q and kv, whose rows are as far apart as those of q and kv; gives that of the bias.
at::Tensor backward(const Operands& x, const at::Tensor& sums, const at::Tensor& out_gradient,
                    float* q_gradient, float* kv_gradient, bool bias) {
  const auto bias_gradient = bias ? at::zeros({x.heads, x.tokens, x.tokens}, x.q.options()) : at::Tensor();
  const int64_t* rows = x.first.const_data_ptr<int64_t>();
  int64_t most = 0;
  for (int64_t i = 0; i < x.images(); i++) most = std::max(most, rows[i + 1] - rows[i]);
  const auto memory =
      thread_scratch(kernels::attention_backward_scratch(most, x.tokens, x.width), x.q.options());
  const int64_t model = x.heads * x.width;
  // A thread does whole heads, images one after the other: the bias's gradient is summed in a fixed order.
  at::parallel_for(0, x.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t h = begin; h < end; h++) {
      for (int64_t image = 0; image < x.images(); image++) {
        float* keys = kv_gradient + image * x.tokens * x.kv.stride(0) + h * x.width;
        kernels::attention_backward(
            x.head(image, h, /*out=*/{}, sums),
            {.out_gradient = out_gradient.const_data_ptr<float>() + rows[image] * model + h * x.width,
             .q = q_gradient + rows[image] * x.q.stride(0) + h * x.width,
             .k = keys,
             .v = keys + model,
             .bias = bias ? bias_gradient.mutable_data_ptr<float>() + h * x.tokens * x.tokens : nullptr},
            of_thread(memory));
      }
    }
  });
  return bias_gradient;
}

Operands of_qkv(const at::Tensor& qkv, const at::Tensor& bias, int64_t heads) {
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), model = qkv.size(2) / 3;
  const auto rows = qkv.view({batch * tokens, 3 * model});
  return {rows,  rows.narrow(1, model, 2 * model),
          bias,  at::arange(0, (batch + 1) * tokens, tokens, at::TensorOptions().dtype(at::kLong)),
          {},    tokens,
          heads, model / heads};
}

struct SelfAttention : torch::autograd::Function<SelfAttention> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv,
                            const std::optional<at::Tensor>& bias, int64_t heads) {
    const auto added = bias.value_or(at::Tensor());
    const auto [out, sums] = ops::forward(of_qkv(qkv, added, heads));
    context->save_for_backward({qkv, added, sums});
    context->saved_data["heads"] = heads;
    return out.view({qkv.size(0), qkv.size(1), -1});
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto x = of_qkv(saved[0], saved[1], context->saved_data["heads"].toInt());
    const auto qkv = at::empty_like(saved[0]);
    auto* q = qkv.mutable_data_ptr<float>();
    const auto bias = ops::backward(x, saved[2], gradients[0].contiguous(), q, q + x.heads * x.width,
                                    saved[1].defined() && context->needs_input_grad(1));
    return {qkv, bias, {}};
  }
};

struct MaskedAttention : torch::autograd::Function<MaskedAttention> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& kv,
                            const std::optional<at::Tensor>& bias, const at::Tensor& first,
                            const at::Tensor& places, int64_t heads) {
    const auto added = bias.value_or(at::Tensor());
    const auto [out, sums] = ops::forward(operands(q, kv, added, first, places, heads));
    context->save_for_backward({q, kv, added, first, places, sums});
    context->saved_data["heads"] = heads;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto x =
        operands(saved[0], saved[1], saved[2], saved[3], saved[4], context->saved_data["heads"].toInt());
    const auto q = at::empty_like(saved[0]), kv = at::empty_like(saved[1]);
    const auto bias =
        ops::backward(x, saved[5], gradients[0].contiguous(), q.mutable_data_ptr<float>(),
                      kv.mutable_data_ptr<float>(), saved[2].defined() && context->needs_input_grad(2));
    return {q, kv, bias, {}, {}, {}};
  }

 private:
  static Operands operands(const at::Tensor& q, const at::Tensor& kv, const at::Tensor& bias,
                           const at::Tensor& first, const at::Tensor& places, int64_t heads) {
    return {q, kv.view({-1, kv.size(2)}), bias, first, places, kv.size(1), heads, q.size(1) / heads};
  }
};

// An undefined tensor is no argument of an autograd function.
std::optional<at::Tensor> contiguous(const at::Tensor& x) {
  return x.defined() ? std::optional(x.contiguous()) : std::nullopt;
}

}  // namespace

at::Tensor self_attention(const at::Tensor& qkv, const at::Tensor& bias, int64_t heads,
                          const Compute& compute) {
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), width = qkv.size(2) / 3;
  if (has_cuda_attention(qkv, width / heads, compute)) return cuda_self_attention(qkv, bias, heads);
  if (has_kernel(qkv, width / heads, compute)) {
    return SelfAttention::apply(qkv.contiguous(), contiguous(bias), heads);
  }
  const auto parts = qkv.view({batch, tokens, 3, heads, width / heads})
                         .permute({2, 0, 3, 1, 4})  // (B, N, 3, H, D / H) -> (3, B, H, N, D / H)
                         .unbind(0);
  return attend(parts[0], parts[1], parts[2], bias);
}

at::Tensor masked_attention(const at::Tensor& q, const at::Tensor& kv, const at::Tensor& bias,
                            const at::Tensor& rows, int64_t heads, const Compute& compute) {
  const int64_t batch = kv.size(0), tokens = kv.size(1), width = q.size(1);
  if (has_cuda_attention(q, width / heads, compute)) {
    return cuda_masked_attention(q, kv, bias, rows, heads);
  }
  if (has_kernel(q, width / heads, compute)) {
    const auto starts = at::arange(0, (batch + 1) * tokens, tokens, rows.options());
    const auto first = at::searchsorted(rows.contiguous(), starts);  // (B + 1)
    return MaskedAttention::apply(q.contiguous(), kv.contiguous(), contiguous(bias), first,
                                  rows.remainder(tokens), heads);
  }
  // All queries at their places, zeros elsewhere; of the results those asked for.
  const auto all = at::zeros({batch * tokens, width}, q.options()).index_copy(0, rows, q);
  const auto queries = all.view({batch, tokens, heads, width / heads}).transpose(1, 2);
  const auto parts = kv.view({batch, tokens, 2, heads, width / heads})
                         .permute({2, 0, 3, 1, 4})  // (B, N, 2, H, D / H) -> (2, B, H, N, D / H)
                         .unbind(0);
  return attend(queries, parts[0], parts[1], bias).view({batch * tokens, width}).index_select(0, rows);
}

}  // namespace beit::ops
