// The mean cross-entropy of rows of logits and how many rows name their target, in one pass over the logits,
// which become their own gradient: every number is read once and written once, so 4 bytes of memory traffic a
// logit in bfloat16 and 8 in float32. Arithmetic in float32; sums over columns and rows in a fixed order.
// Plain C++; the kernels are in cross_entropy.cu.
#pragma once

#include <cstddef>
#include <cstdint>

namespace beit::cuda {

// Of a row, which one block keeps in registers.
constexpr int64_t kMostClasses = 32768;
// As a target: the row is left out. Its loss and its gradient are zero, and the mean is that of the others.
constexpr int64_t kIgnoredTarget = -1;

// Rows of `classes` numbers, at most kMostClasses, 16 bytes or a multiple of them. All pointers are aligned
// to 16 bytes, and all but `logits` and `targets` are written.
struct CrossEntropy {
  int64_t rows, classes;
  void* logits;            // (rows, classes), float32 or bfloat16
  const int64_t* targets;  // (rows): a class or kIgnoredTarget; another one makes the loss NaN
  bool bf16;
  bool gradient;   // of the loss by the logits, written over them; false: they stay as they are
  float* of_rows;  // (rows, 2): the loss of a row, and 1 where its target is the first of the likeliest
  float* counted;  // rows that are not left out
  float* loss;     // the mean of theirs: NaN without any
  int64_t* correct;
};

// The gradient is multiplied by a number of the device, in place. Where it is 1, as without accumulation,
// nothing is read or written.
struct CrossEntropyGradient {
  void* logits;  // what became of them
  int64_t count;
  bool bf16;
  const float* upstream;  // of the loss
};

// Queue the kernels on a stream (a cudaStream_t) and give a cudaError_t: 0 is success.
int cross_entropy_forward(const CrossEntropy& cross_entropy, void* stream);
int cross_entropy_backward(const CrossEntropyGradient& gradient, void* stream);

}  // namespace beit::cuda
