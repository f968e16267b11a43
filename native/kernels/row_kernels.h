// What a Transformer does between its matrix products and after them, each in one pass over the rows:
// residual and LayerNorm, cross-entropy, the norm of the gradients. Rows are float32 and lie side by side; a
// call does one row or one piece, so that results do not depend on the number of threads.
#pragma once
#include <cstdint>

namespace beit::kernels {

// sum = x + scale * gamma * branch, normed = LayerNorm(sum). Without `branch` sum is x, and not written if
// null.
struct AddNormRow {
  int64_t width;
  float scale, eps;
  const float* x;
  const float* branch;  // or null
  const float* gamma;   // or null: ones
  const float* weight;  // null: no norm
  const float* bias;
  float* sum;
  float* normed;
  float* statistics;  // mean and inverse deviation of the sum
};

// Of the same row. What the parameters get is added to `weight`, `bias` and `gamma`.
struct AddNormRowGradient {
  const float* sum_gradient;     // or null: none
  const float* normed_gradient;  // or null: none
  float* x;
  float* branch;  // null: the row has no branch
  float* weight;
  float* bias;
  float* gamma;  // or null
};

struct RowKernels {
  void (*add_norm)(const AddNormRow& row);
  void (*add_norm_backward)(const AddNormRow& row, const AddNormRowGradient& gradient);
  // -log softmax(logits)[target]; the logits become the gradient of `share` times it. `correct`: the target
  // is the first of the largest.
  double (*cross_entropy)(float* logits, int64_t classes, int64_t target, float share, bool* correct);
  // In float32: of pieces of a long row, added in double.
  double (*sum_of_squares)(const float* x, int64_t count);
};

// Null where the processor has no such kernels: they need AVX-512.
const RowKernels* row_kernels();

namespace avx512 {
void add_norm(const AddNormRow& row);
void add_norm_backward(const AddNormRow& row, const AddNormRowGradient& gradient);
double cross_entropy(float* logits, int64_t classes, int64_t target, float share, bool* correct);
double sum_of_squares(const float* x, int64_t count);
}  // namespace avx512

}  // namespace beit::kernels
