// The end of a step over all parameters at once: the global norm of their gradients, how much of them is
// clipped, whether the step is finite, and AdamW (Loshchilov and Hutter, arXiv 1711.05101). What the host
// knows of the parameters lies in tables in device memory, what changes from step to step in device memory
// too, so that a captured step can be replayed. Plain C++; the kernels are in optimizer.cu.
//
// Memory traffic, bytes a parameter: 4 for the norm; 16 read and 12 written by the update, and 4 more where
// gradients are clipped. Sums are those of chunks, added in a fixed order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace beit::cuda {

// A block takes so many numbers of one tensor.
constexpr int64_t kOptimizerChunk = 16384;

// All float32, contiguous and aligned to 16 bytes.
struct OptimizedTensor {
  float* parameter;
  float* exp_avg;
  float* exp_avg_sq;
  int64_t count;
  float scale;   // of the learning rate
  float decays;  // 1, or 0: it has no weight decay
};

struct OptimizerChunk {
  int32_t tensor;
  int32_t index;  // of the chunks of that tensor
};

// What the steps change: float32 scalars one after the other.
struct OptimizerRates {
  float learning_rate, weight_decay;
};

// What the gradients say, float32 scalars.
struct OptimizerVerdict {
  float norm;            // of all gradients as one vector
  float finite;          // 1 where it and the loss are
  float found_inf;       // 1 - finite
  float gradient_scale;  // min(1, most / (norm + 1e-6)), as PyTorch's clip_grad_norm_
};

// Pointers to device memory. A tensor whose gradient is null stays as it is and counts for nothing.
struct Optimizer {
  const OptimizedTensor* tensors;
  float* const* gradients;  // (tensors)
  const OptimizerChunk* chunks;
  int64_t chunk_count;
};

struct GradientVerdict {
  const float* loss;
  float most;       // the largest norm; infinity: nothing is clipped
  float* partials;  // (chunks), written
  OptimizerVerdict* verdict;
};

struct AdamWStep {
  double beta1, beta2;
  float eps;
  const OptimizerRates* rates;
  const float* found_inf;       // 1: nothing changes, not even the count of the steps
  const float* gradient_scale;  // the gradients are multiplied by it first, in place; or null: 1
  float* step;                  // updates made so far, this one counted afterwards
  float* corrections;           // (2), written: those of the biases of the moments
};

// Queue the kernels on a stream (a cudaStream_t) and give a cudaError_t: 0 is success.
int gradient_verdict(const Optimizer& optimizer, const GradientVerdict& verdict, void* stream);
int adamw_step(const Optimizer& optimizer, const AdamWStep& step, void* stream);

// Writes bytes of the host, a multiple of 4. They travel with the launches: nothing waits for a copy, and the
// host's memory is free at once, even when the launches are captured.
int write_words(void* to, const void* from, size_t bytes, void* stream);

}  // namespace beit::cuda
