// Attention forward: a block takes 64 queries of one head of one image and walks over the keys, with the
// softmax kept up to date on the way (FlashAttention-2, https://arxiv.org/abs/2307.08691, algorithm 1).
#include "cuda/attention_tile.cuh"

namespace beit::cuda {

namespace {

// Over the four lanes that share a row.
__device__ inline float row_max(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 2));
}
__device__ inline float row_sum(float value) {
  value += __shfl_xor_sync(0xffffffffu, value, 1);
  return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

// The softmax of a lane's two rows so far, and the values mixed by it.
template <int width>
struct Rows {
  float largest[2];
  float sum[2];
  float mixed[width / 8][4];
};

// Takes in 64 keys: scores, weights, weights * values.
template <int width>
__device__ inline void attend(Rows<width>& rows, const uint32_t (&queries)[width / 16][4], const bf16* keys,
                              const bf16* values, const float* bias, int64_t bias_row, int groups,
                              float scale) {
  float scores[kTile / 16][2][4];
  float largest[2] = {rows.largest[0], rows.largest[1]};
#pragma unroll
  for (int group = 0; group < kTile / 16; group++) {
    if (group >= groups) break;  // no keys there
    float(&s)[2][4] = scores[group];
#pragma unroll
    for (int n = 0; n < 2; n++) {
      for (int i = 0; i < 4; i++) s[n][i] = 0;
    }
    multiply_by_rows<width>(s, queries, keys, group * 16);
#pragma unroll
    for (int n = 0; n < 2; n++) {
      float added[4];
      load_bias(added, bias + group * 16 + n * 8, bias_row);
      for (int i = 0; i < 4; i++) s[n][i] = s[n][i] * scale + added[i];
      largest[0] = fmaxf(largest[0], fmaxf(s[n][0], s[n][1]));
      largest[1] = fmaxf(largest[1], fmaxf(s[n][2], s[n][3]));
    }
  }
  for (int half = 0; half < 2; half++) {
    largest[half] = row_max(largest[half]);
    const float shrink = exp2f(rows.largest[half] - largest[half]);
    rows.largest[half] = largest[half];
    rows.sum[half] *= shrink;
#pragma unroll
    for (int n = 0; n < width / 8; n++) {
      rows.mixed[n][2 * half] *= shrink;
      rows.mixed[n][2 * half + 1] *= shrink;
    }
  }
#pragma unroll
  for (int group = 0; group < kTile / 16; group++) {
    if (group >= groups) break;
    float(&s)[2][4] = scores[group];
#pragma unroll
    for (int n = 0; n < 2; n++) {
      for (int i = 0; i < 4; i++) {
        s[n][i] = exp2f(s[n][i] - largest[i / 2]);
        rows.sum[i / 2] += s[n][i];
      }
    }
    uint32_t weights[4];
    as_left(weights, s);
    multiply_by_tile<width>(rows.mixed, weights, values, group * 16);
  }
}

template <int width>
__global__ void __launch_bounds__(kThreads) attention_forward_kernel(Attention x, const float* padded_bias) {
  bf16* query_tile = dynamic_shared<bf16>();
  bf16* key_tiles = query_tile + kTileElements<width>;  // two, in turns
  bf16* value_tiles = key_tiles + 2 * kTileElements<width>;
  const int tokens = static_cast<int>(x.tokens), tiles = (tokens + kTile - 1) / kTile;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int first_query = static_cast<int>(blockIdx.x) * kTile;
  const int64_t head = blockIdx.y, image = blockIdx.z;
  const bf16* q = static_cast<const bf16*>(x.q) + image * tokens * x.q_row + head * width;
  const bf16* k = static_cast<const bf16*>(x.k) + image * tokens * x.kv_row + head * width;
  const bf16* v = static_cast<const bf16*>(x.v) + image * tokens * x.kv_row + head * width;
  load_tile<width>(query_tile, q, x.q_row, first_query, tokens);
  load_tile<width>(key_tiles, k, x.kv_row, 0, tokens);
  load_tile<width>(value_tiles, v, x.kv_row, 0, tokens);
  commit_copies();

  const int first_row = first_query + warp * 16;  // of the warp
  const int64_t bias_row = tiles * kTile;
  const float* bias = padded_bias + (head * bias_row + first_row + lane / 4) * bias_row + lane % 4 * 2;
  const float scale = kLog2E * rsqrtf(static_cast<float>(width));
  uint32_t queries[width / 16][4];
  Rows<width> rows;
  rows.largest[0] = rows.largest[1] = __int_as_float(0xff800000);  // minus infinity
  rows.sum[0] = rows.sum[1] = 0;
#pragma unroll
  for (int n = 0; n < width / 8; n++) {
    for (int i = 0; i < 4; i++) rows.mixed[n][i] = 0;
  }
  for (int tile = 0; tile < tiles; tile++) {
    const int now = tile % 2 * kTileElements<width>, next = (tile + 1) % 2 * kTileElements<width>;
    if (tile + 1 < tiles) {
      load_tile<width>(key_tiles + next, k, x.kv_row, (tile + 1) * kTile, tokens);
      load_tile<width>(value_tiles + next, v, x.kv_row, (tile + 1) * kTile, tokens);
    }
    commit_copies();
    wait_for_copies<1>();
    __syncthreads();
    if (first_row < tokens) {
      if (tile == 0) load_lefts<width>(queries, query_tile, warp * 16);
      const int groups = min(kTile / 16, (tokens - tile * kTile + 15) / 16);
      attend<width>(rows, queries, key_tiles + now, value_tiles + now, bias + tile * kTile, bias_row, groups,
                    scale);
    }
    __syncthreads();
  }
  if (first_row >= tokens) return;

  const float sums[2] = {row_sum(rows.sum[0]), row_sum(rows.sum[1])};
  const int64_t model = x.heads * width;
  store_rows<width>(static_cast<bf16*>(x.out) + image * tokens * model + head * width, model, first_row,
                    tokens, rows.mixed, 1.0f / sums[0], 1.0f / sums[1]);
  if (lane % 4 != 0) return;
  float* log_sums = x.log_sums + (image * x.heads + head) * tokens;
  for (int half = 0; half < 2; half++) {
    const int row = first_row + lane / 4 + half * 8;
    if (row < tokens) log_sums[row] = rows.largest[half] + log2f(sums[half]);
  }
}

}  // namespace

int attention_forward(const Attention& x, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  float* padded_bias = static_cast<float*>(x.workspace);
  const cudaError_t error = pad_bias(x, padded_bias, /*transposed=*/false, on);
  if (error != cudaSuccess) return error;
  const dim3 grid(tiles_of(x.tokens), static_cast<unsigned>(x.heads), static_cast<unsigned>(x.images));
  return with_width(x.width, [&]<int width>() {
    return launch(attention_forward_kernel<width>, grid, kThreads, 5 * kTileBytes<width>, on, x, padded_bias);
  });
}

}  // namespace beit::cuda
