// The position bias of attention: padded for the kernels that read it, and its gradient put together.
#include "cuda/attention_tile.cuh"

namespace beit::cuda {

namespace {

// bias (H, N, N) or null -> padded (H, Np, Np), see pad_bias()
__global__ void pad_bias_kernel(const float* bias, float* padded, int tokens, int padded_tokens,
                                bool transposed) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y), head = static_cast<int>(blockIdx.z);
  if (column >= padded_tokens) return;
  float value = column < tokens ? 0.0f : __int_as_float(0xff800000);  // minus infinity
  if (bias != nullptr && row < tokens && column < tokens) {
    const float* of_head = bias + static_cast<int64_t>(head) * tokens * tokens;
    const int64_t at = transposed ? static_cast<int64_t>(column) * tokens + row
                                  : static_cast<int64_t>(row) * tokens + column;
    value = of_head[at] * kLog2E;
  }
  padded[(static_cast<int64_t>(head) * padded_tokens + row) * padded_tokens + column] = value;
}

__global__ void sum_bias_gradients_kernel(const float* partial, float* gradient, int tokens, int chunks) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y), head = static_cast<int>(blockIdx.z);
  if (column >= tokens) return;
  const int row_tiles = (tokens + kTile - 1) / kTile, groups = (tokens + 15) / 16;
  // Where the block that owned this element kept it: fragment, thread, and one of the four sums of a lane.
  const int thread = row % kTile / 16 * 32 + row % 8 * 4 + column % 8 / 2;
  const int sum = row % 16 / 8 * 2 + column % 2;
  const int64_t tile = static_cast<int64_t>(head) * row_tiles + row / kTile;
  const int64_t fragment = tile * groups * 2 + column / 8;
  const int64_t of_chunk = static_cast<int64_t>(gridDim.z) * row_tiles * groups * 2 * kThreads * 4;
  float total = 0;
  for (int chunk = 0; chunk < chunks; chunk++) {
    total += partial[chunk * of_chunk + (fragment * kThreads + thread) * 4 + sum];
  }
  gradient[(static_cast<int64_t>(head) * tokens + row) * tokens + column] = total;
}

dim3 rows_of_heads(int64_t columns, int64_t rows, int64_t heads) {
  return {static_cast<unsigned>((columns + kThreads - 1) / kThreads), static_cast<unsigned>(rows),
          static_cast<unsigned>(heads)};
}

}  // namespace

cudaError_t pad_bias(const Attention& x, float* padded, bool transposed, cudaStream_t stream) {
  const int padded_tokens = tiles_of(x.tokens) * kTile;
  return launch(pad_bias_kernel, rows_of_heads(padded_tokens, padded_tokens, x.heads), kThreads, 0, stream,
                x.bias, padded, x.tokens, padded_tokens, transposed);
}

cudaError_t sum_bias_gradients(const Attention& x, const float4* partial, int chunks, float* gradient,
                               cudaStream_t stream) {
  return launch(sum_bias_gradients_kernel, rows_of_heads(x.tokens, x.tokens, x.heads), kThreads, 0, stream,
                reinterpret_cast<const float*>(partial), gradient, x.tokens, chunks);
}

}  // namespace beit::cuda
