// The second stage of sums over rows: the blocks of the first left their parts in memory.
#include "cuda/rows.cuh"

namespace beit::cuda {

namespace {

constexpr int kGroups = 16;  // of rows: each takes every sixteenth

__global__ void sum_columns_kernel(const float* partial, int64_t rows, int64_t columns, float* sums) {
  __shared__ float of_groups[kGroups][32];
  const int lane = static_cast<int>(threadIdx.x), group = static_cast<int>(threadIdx.y);
  const int64_t column = static_cast<int64_t>(blockIdx.x) * 32 + lane;
  float sum = 0;
  if (column < columns) {
    for (int64_t row = group; row < rows; row += kGroups) sum += partial[row * columns + column];
  }
  of_groups[group][lane] = sum;
  __syncthreads();
  if (group > 0 || column >= columns) return;
  for (int other = 1; other < kGroups; other++) sum += of_groups[other][lane];
  sums[column] = sum;
}

}  // namespace

cudaError_t sum_columns(const float* partial, int64_t rows, int64_t columns, float* sums,
                        cudaStream_t stream) {
  return launch(sum_columns_kernel, static_cast<unsigned>((columns + 31) / 32), dim3(32, kGroups), 0, stream,
                partial, rows, columns, sums);
}

}  // namespace beit::cuda
