// A residual branch added to its stream and the LayerNorm that comes next, in one pass over the rows:
// x' = x + scale * gamma * branch and LayerNorm(x'), and their gradients. Arithmetic in float32; sums over
// rows in a fixed order. Plain C++; the kernels are in add_norm.cu.
#pragma once

#include <cstddef>
#include <cstdint>

namespace beit::cuda {

// Rows of `width` numbers: a multiple of 4, at most 4096. Tensors of two types are float32 or, as the flag
// beside them says, bfloat16. All pointers are aligned to 16 bytes.
struct AddNorm {
  int64_t rows, width;
  const void* x;       // (rows, width)
  const void* branch;  // (rows, width), or null: only the norm of x
  const float* gamma;  // (width), or null: ones
  const float* scale;  // (rows / rows_of_scale), or null: ones. A branch times zero is not read
  int64_t rows_of_scale;
  void* sum;            // x', of the type of x. Backward: given; without a branch x itself. Forward: or null
  const float* weight;  // (width) of the norm, or null: no norm
  const float* bias;    // (width)
  float eps;
  void* normed;       // (rows, width)
  float* statistics;  // (rows, 2): mean and 1 / standard deviation, written forward, read backward
  bool x_bf16, branch_bf16, normed_bf16;
};

struct AddNormGradients {
  const void* sum;     // (rows, width) of the type of x, or null: zeros
  const void* normed;  // (rows, width) of the type of normed, or null: zeros
  void* x;             // of the type of x
  void* branch;        // of the type of branch; null without one
  float* parameters;   // (3, width): of weight, bias and gamma, zeros where there is none; null: not wanted
  void* workspace;     // add_norm_workspace() bytes; null without parameters
};

size_t add_norm_workspace(const AddNorm& add_norm);

// Queue the kernels on a stream (a cudaStream_t) and give a cudaError_t: 0 is success.
int add_norm_forward(const AddNorm& add_norm, void* stream);
int add_norm_backward(const AddNorm& add_norm, const AddNormGradients& gradients, void* stream);

}  // namespace beit::cuda
