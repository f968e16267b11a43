#include "ops/attention_cuda.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/cuda_kernels.h"

namespace beit::ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// q (B, N, D) with kv (B, N, 2 D), or all of them side by side: `q` (B, N, 3 D) and `kv` undefined.
struct Operands {
  at::Tensor q, kv, bias;
  int64_t heads;

  int64_t model() const { return kv.defined() ? q.size(2) : q.size(2) / 3; }

  // Where keys and values begin in the tensor that holds them, or in its gradient.
  at::BFloat16* keys(const at::Tensor& q_or_all, const at::Tensor& keys_and_values) const {
    return kv.defined() ? keys_and_values.mutable_data_ptr<at::BFloat16>()
                        : q_or_all.mutable_data_ptr<at::BFloat16>() + model();
  }

  cuda::Attention kernel(const at::Tensor& out, const at::Tensor& log_sums) const {
    at::BFloat16* k = keys(q, kv);
    return {.images = q.size(0),
            .tokens = q.size(1),
            .heads = heads,
            .width = model() / heads,
            .q = q.const_data_ptr<at::BFloat16>(),
            .k = k,
            .v = k + model(),
            .q_row = q.size(2),
            .kv_row = kv.defined() ? kv.size(2) : q.size(2),
            .bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
            .out = out.mutable_data_ptr<at::BFloat16>(),
            .log_sums = log_sums.mutable_data_ptr<float>(),
            .workspace = nullptr};
  }
};

at::Tensor workspace(const cuda::Api& kernels, const cuda::Attention& attention, bool backward,
                     const at::Tensor& like) {
  const auto bytes = static_cast<int64_t>(kernels.attention_workspace(attention, backward));
  return at::empty({bytes}, like.options().dtype(at::kByte));
}

struct CudaAttention : torch::autograd::Function<CudaAttention> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q,
                            const std::optional<at::Tensor>& kv, const std::optional<at::Tensor>& bias,
                            int64_t heads) {
    const c10::DeviceGuard device(q.device());
    const Operands x{q, kv.value_or(at::Tensor()), bias.value_or(at::Tensor()), heads};
    const auto& kernels = *cuda_kernels(q);
    const auto out = at::empty({q.size(0), q.size(1), x.model()}, q.options());
    const auto log_sums = at::empty({q.size(0), heads, q.size(1)}, q.options().dtype(at::kFloat));
    auto attention = x.kernel(out, log_sums);
    const auto memory = workspace(kernels, attention, /*backward=*/false, q);
    attention.workspace = memory.mutable_data_ptr();
    check_cuda(kernels, kernels.attention_forward(attention, cuda_stream(q)), "attention_forward");
    context->save_for_backward({q, x.kv, x.bias, out, log_sums});
    context->saved_data["heads"] = heads;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Operands x{saved[0], saved[1], saved[2], context->saved_data["heads"].toInt()};
    const c10::DeviceGuard device(x.q.device());
    const auto& kernels = *cuda_kernels(x.q);
    auto attention = x.kernel(saved[3], saved[4]);
    const auto memory = workspace(kernels, attention, /*backward=*/true, x.q);
    attention.workspace = memory.mutable_data_ptr();
    const auto given = gradients[0].contiguous();
    const auto q = at::empty_like(x.q), kv = x.kv.defined() ? at::empty_like(x.kv) : at::Tensor();
    // Arguments that were not given are not counted.
    const bool bias_wanted = x.bias.defined() && context->needs_input_grad(x.kv.defined() ? 2 : 1);
    const auto bias = bias_wanted ? at::empty_like(x.bias) : at::Tensor();
    at::BFloat16* keys = x.keys(q, kv);
    const cuda::AttentionGradients wanted{.out = given.const_data_ptr<at::BFloat16>(),
                                          .q = q.mutable_data_ptr<at::BFloat16>(),
                                          .k = keys,
                                          .v = keys + x.model(),
                                          .bias = bias.defined() ? bias.mutable_data_ptr<float>() : nullptr};
    check_cuda(kernels, kernels.attention_backward(attention, wanted, cuda_stream(x.q)),
               "attention_backward");
    return {q, kv, bias, {}};
  }
};

at::Tensor operand(const at::Tensor& x) { return x.to(at::kBFloat16).contiguous(); }

std::optional<at::Tensor> bias_operand(const at::Tensor& bias) {
  return bias.defined() ? std::optional(bias.to(at::kFloat).contiguous()) : std::nullopt;
}

}  // namespace

bool has_cuda_attention(const at::Tensor& x, int64_t width, const Compute& compute) {
  const bool reduced = x.scalar_type() == at::kBFloat16 ||
                       (x.scalar_type() == at::kFloat && compute.precision == Precision::kBf16);
  return compute.optimize && reduced && width % 16 == 0 && width <= 128 && x.numel() > 0 &&
         cuda_kernels(x) != nullptr;
}

at::Tensor cuda_self_attention(const at::Tensor& qkv, const at::Tensor& bias, int64_t heads) {
  return CudaAttention::apply(operand(qkv), std::nullopt, bias_operand(bias), heads).to(qkv.scalar_type());
}

at::Tensor cuda_masked_attention(const at::Tensor& q, const at::Tensor& kv, const at::Tensor& bias,
                                 const at::Tensor& rows, int64_t heads) {
  // A query that nobody asked for gives a result that nobody takes, so its gradients are zero.
  const int64_t images = kv.size(0), tokens = kv.size(1), model = q.size(1);
  const auto queries = operand(q);
  const auto all = at::zeros({images * tokens, model}, queries.options()).index_copy(0, rows, queries);
  const auto out = CudaAttention::apply(all.view({images, tokens, model}), std::optional(operand(kv)),
                                        bias_operand(bias), heads);
  return out.view({images * tokens, model}).index_select(0, rows).to(q.scalar_type());
}

}  // namespace beit::ops
