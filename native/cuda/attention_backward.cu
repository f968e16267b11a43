// Attention backward, in two passes that each make the weights again from the sums that the forward pass
// kept: by queries (their gradient and that of the bias) and by keys (their gradient and that of the values).
// With P the weights, dP = dO V^T and delta = rowsum(dO * O), the scores' gradient is dS = P * (dP - delta)
// (https://arxiv.org/abs/2307.08691, algorithm 2). Nothing is added from two blocks, so no atomics are
// needed.
#include <algorithm>

#include "cuda/attention_tile.cuh"

namespace beit::cuda {

namespace {

// Blocks of the pass by queries, whatever the GPU: sums must not depend on its size.
constexpr int64_t kWantedBlocks = 528;
// Shared memory up to which a block keeps its part of the bias's gradient there.
constexpr size_t kMostShared = 160 * 1024;

// How the pass by queries is divided, and the workspace: padded bias, its transpose, delta (B, H, N), and the
// bias's gradient of each chunk of images.
struct Plan {
  int tiles, groups, chunks, images_of_chunk;
  size_t bias_floats, delta_floats, partial_floats;

  explicit Plan(const Attention& x)
      : tiles(tiles_of(x.tokens)), groups(static_cast<int>((x.tokens + 15) / 16)) {
    const int64_t wanted = std::max<int64_t>(1, std::min(x.images, kWantedBlocks / (tiles * x.heads)));
    images_of_chunk = static_cast<int>((x.images + wanted - 1) / wanted);
    chunks = static_cast<int>((x.images + images_of_chunk - 1) / images_of_chunk);
    bias_floats = static_cast<size_t>(x.heads) * tiles * kTile * tiles * kTile;
    delta_floats = static_cast<size_t>((x.images * x.heads * x.tokens + 3) / 4 * 4);
    partial_floats = static_cast<size_t>(chunks) * x.heads * tiles * fragments() * kThreads * 4;
  }

  // Of 16 x 8 of a row tile.
  size_t fragments() const { return static_cast<size_t>(groups) * 2; }
};

// Weights and gradient of the scores of 16 x 16 pairs, from scores and dP: `weights` holds the scores at
// first.
__device__ inline void score_gradients(float& weight, float& gradient, float scale, float bias, float log_sum,
                                       float delta) {
  weight = exp2f(weight * scale + bias - log_sum);
  gradient = weight * (gradient - delta);
}

// The lane's part of rowsum(dO * O) of one row, over the four lanes of the row.
template <int width>
__device__ inline float row_product(const bf16* a, const bf16* b) {
  const int part = static_cast<int>(threadIdx.x) % 4;
  float sum = 0;
#pragma unroll
  for (int i = 0; i < width / 8; i++) {
    const int at = (i * 4 + part) * 2;
    sum += __bfloat162float(a[at]) * __bfloat162float(b[at]);
    sum += __bfloat162float(a[at + 1]) * __bfloat162float(b[at + 1]);
  }
  sum += __shfl_xor_sync(0xffffffffu, sum, 1);
  return sum + __shfl_xor_sync(0xffffffffu, sum, 2);
}

// By queries: 64 of one head, of the images of one chunk one after the other.
template <int width>
__global__ void __launch_bounds__(kThreads)
    query_gradient_kernel(Attention x, AttentionGradients gradients, const float* padded_bias, float* delta,
                          float4* partial, int images_of_chunk, bool bias_in_shared) {
  bf16* query_tile = dynamic_shared<bf16>();
  bf16* out_tile = query_tile + kTileElements<width>;  // gradient of the output
  bf16* key_tile = out_tile + kTileElements<width>;
  bf16* value_tile = key_tile + kTileElements<width>;
  const int tokens = static_cast<int>(x.tokens), tiles = (tokens + kTile - 1) / kTile;
  const int fragments = (tokens + 15) / 16 * 2;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int first_query = static_cast<int>(blockIdx.x) * kTile, first_row = first_query + warp * 16;
  const int64_t head = blockIdx.y, model = x.heads * width;
  float4* kept = partial + ((blockIdx.z * x.heads + head) * tiles + blockIdx.x) * fragments * kThreads;
  float4* sums = bias_in_shared ? reinterpret_cast<float4*>(value_tile + kTileElements<width>) : kept;
  const int64_t bias_row = tiles * kTile;
  const float* bias = padded_bias + (head * bias_row + first_row + lane / 4) * bias_row + lane % 4 * 2;
  const float scale = rsqrtf(static_cast<float>(width));
  const bool active = first_row < tokens;

  const int64_t begin = static_cast<int64_t>(blockIdx.z) * images_of_chunk;
  const int64_t end = min(begin + images_of_chunk, x.images);
  for (int64_t image = begin; image < end; image++) {
    const bf16* q = static_cast<const bf16*>(x.q) + image * tokens * x.q_row + head * width;
    const bf16* k = static_cast<const bf16*>(x.k) + image * tokens * x.kv_row + head * width;
    const bf16* v = static_cast<const bf16*>(x.v) + image * tokens * x.kv_row + head * width;
    const bf16* out = static_cast<const bf16*>(x.out) + image * tokens * model + head * width;
    const bf16* out_gradient =
        static_cast<const bf16*>(gradients.out) + image * tokens * model + head * width;
    const int64_t of_sums = (image * x.heads + head) * tokens;
    load_tile<width>(query_tile, q, x.q_row, first_query, tokens);
    load_tile<width>(out_tile, out_gradient, model, first_query, tokens);
    commit_copies();
    float log_sum[2], row_delta[2];
    for (int half = 0; half < 2; half++) {
      const int row = first_row + lane / 4 + half * 8;
      const int64_t place = static_cast<int64_t>(min(row, tokens - 1)) * model;
      const float product = row_product<width>(out + place, out_gradient + place);
      // Rows beyond the last: zeros in the tiles make their gradient zero.
      row_delta[half] = row < tokens ? product : 0;
      log_sum[half] = row < tokens ? x.log_sums[of_sums + row] : 0;
      if (row < tokens && lane % 4 == 0) delta[of_sums + row] = product;
    }
    uint32_t queries[width / 16][4], out_rows[width / 16][4];
    float query_gradient[width / 8][4];
#pragma unroll
    for (int n = 0; n < width / 8; n++) {
      for (int i = 0; i < 4; i++) query_gradient[n][i] = 0;
    }
    for (int tile = 0; tile < tiles; tile++) {
      load_tile<width>(key_tile, k, x.kv_row, tile * kTile, tokens);
      load_tile<width>(value_tile, v, x.kv_row, tile * kTile, tokens);
      commit_copies();
      wait_for_copies<0>();
      __syncthreads();
      if (active && tile == 0) {
        load_lefts<width>(queries, query_tile, warp * 16);
        load_lefts<width>(out_rows, out_tile, warp * 16);
      }
      const int groups = active ? min(kTile / 16, (tokens - tile * kTile + 15) / 16) : 0;
      for (int group = 0; group < groups; group++) {
        float weights[2][4] = {}, gradient[2][4] = {};
        multiply_by_rows<width>(weights, queries, key_tile, group * 16);
        multiply_by_rows<width>(gradient, out_rows, value_tile, group * 16);
        const int column = tile * kTile + group * 16;
#pragma unroll
        for (int n = 0; n < 2; n++) {
          float added[4];
          load_bias(added, bias + column + n * 8, bias_row);
          for (int i = 0; i < 4; i++) {
            score_gradients(weights[n][i], gradient[n][i], scale * kLog2E, added[i], log_sum[i / 2],
                            row_delta[i / 2]);
          }
          if (gradients.bias != nullptr) {
            float4& sum = sums[(column / 8 + n) * kThreads + threadIdx.x];
            const float4 before = image == begin ? make_float4(0, 0, 0, 0) : sum;
            sum = make_float4(before.x + gradient[n][0], before.y + gradient[n][1], before.z + gradient[n][2],
                              before.w + gradient[n][3]);
          }
        }
        uint32_t left[4];
        as_left(left, gradient);
        multiply_by_tile<width>(query_gradient, left, key_tile, group * 16);
      }
      __syncthreads();
    }
    if (active) {
      store_rows<width>(static_cast<bf16*>(gradients.q) + image * tokens * x.q_row + head * width, x.q_row,
                        first_row, tokens, query_gradient, scale, scale);
    }
  }
  if (gradients.bias == nullptr || !bias_in_shared || !active) return;
  for (int i = 0; i < fragments; i++) kept[i * kThreads + threadIdx.x] = sums[i * kThreads + threadIdx.x];
}

// By keys: 64 of one head of one image. Scores are transposed here: rows are keys, columns queries.
template <int width>
__global__ void __launch_bounds__(kThreads)
    key_value_gradient_kernel(Attention x, AttentionGradients gradients, const float* transposed_bias,
                              const float* delta) {
  bf16* key_tile = dynamic_shared<bf16>();
  bf16* value_tile = key_tile + kTileElements<width>;
  bf16* query_tile = value_tile + kTileElements<width>;
  bf16* out_tile = query_tile + kTileElements<width>;  // gradient of the output
  const int tokens = static_cast<int>(x.tokens), tiles = (tokens + kTile - 1) / kTile;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int first_key = static_cast<int>(blockIdx.x) * kTile, first_row = first_key + warp * 16;
  const int64_t head = blockIdx.y, image = blockIdx.z, model = x.heads * width;
  const bf16* q = static_cast<const bf16*>(x.q) + image * tokens * x.q_row + head * width;
  const bf16* out_gradient = static_cast<const bf16*>(gradients.out) + image * tokens * model + head * width;
  const int64_t of_keys = image * tokens * x.kv_row + head * width,
                of_sums = (image * x.heads + head) * tokens;
  load_tile<width>(key_tile, static_cast<const bf16*>(x.k) + of_keys, x.kv_row, first_key, tokens);
  load_tile<width>(value_tile, static_cast<const bf16*>(x.v) + of_keys, x.kv_row, first_key, tokens);
  commit_copies();

  const int64_t bias_row = tiles * kTile;
  const float* bias = transposed_bias + (head * bias_row + first_row + lane / 4) * bias_row + lane % 4 * 2;
  const float scale = rsqrtf(static_cast<float>(width));
  const bool active = first_row < tokens;
  uint32_t keys[width / 16][4], values[width / 16][4];
  float key_gradient[width / 8][4], value_gradient[width / 8][4];
#pragma unroll
  for (int n = 0; n < width / 8; n++) {
    for (int i = 0; i < 4; i++) key_gradient[n][i] = value_gradient[n][i] = 0;
  }
  for (int tile = 0; tile < tiles; tile++) {
    load_tile<width>(query_tile, q, x.q_row, tile * kTile, tokens);
    load_tile<width>(out_tile, out_gradient, model, tile * kTile, tokens);
    commit_copies();
    wait_for_copies<0>();
    __syncthreads();
    if (active && tile == 0) {
      load_lefts<width>(keys, key_tile, warp * 16);
      load_lefts<width>(values, value_tile, warp * 16);
    }
    const int groups = active ? min(kTile / 16, (tokens - tile * kTile + 15) / 16) : 0;
    for (int group = 0; group < groups; group++) {
      float weights[2][4] = {}, gradient[2][4] = {};
      multiply_by_rows<width>(weights, keys, query_tile, group * 16);
      multiply_by_rows<width>(gradient, values, out_tile, group * 16);
      const int column = tile * kTile + group * 16;
#pragma unroll
      for (int n = 0; n < 2; n++) {
        float added[4];
        load_bias(added, bias + column + n * 8, bias_row);
        for (int i = 0; i < 4; i++) {
          const int query = column + n * 8 + lane % 4 * 2 + i % 2;
          const bool beyond = query >= tokens;  // its bias of minus infinity makes the weight zero
          score_gradients(weights[n][i], gradient[n][i], scale * kLog2E, added[i],
                          beyond ? 0 : x.log_sums[of_sums + query], beyond ? 0 : delta[of_sums + query]);
        }
      }
      uint32_t left[4];
      as_left(left, weights);
      multiply_by_tile<width>(value_gradient, left, out_tile, group * 16);
      as_left(left, gradient);
      multiply_by_tile<width>(key_gradient, left, query_tile, group * 16);
    }
    __syncthreads();
  }
  if (!active) return;
  store_rows<width>(static_cast<bf16*>(gradients.k) + of_keys, x.kv_row, first_row, tokens, key_gradient,
                    scale, scale);
  store_rows<width>(static_cast<bf16*>(gradients.v) + of_keys, x.kv_row, first_row, tokens, value_gradient, 1,
                    1);
}

template <int width>
cudaError_t launch_gradients(const Attention& x, const AttentionGradients& gradients, const Plan& plan,
                             float* workspace, cudaStream_t stream) {
  const float* padded_bias = workspace;
  const float* transposed_bias = padded_bias + plan.bias_floats;
  float* delta = workspace + 2 * plan.bias_floats;
  auto* partial = reinterpret_cast<float4*>(delta + plan.delta_floats);
  const size_t bias_bytes = gradients.bias == nullptr ? 0 : plan.fragments() * kThreads * sizeof(float4);
  const bool bias_in_shared = 4 * kTileBytes<width> + bias_bytes <= kMostShared;
  const dim3 by_queries(plan.tiles, static_cast<unsigned>(x.heads), plan.chunks);
  const cudaError_t error =
      launch(query_gradient_kernel<width>, by_queries, kThreads,
             4 * kTileBytes<width> + (bias_in_shared ? bias_bytes : 0), stream, x, gradients, padded_bias,
             delta, partial, plan.images_of_chunk, bias_in_shared);
  if (error != cudaSuccess) return error;
  const dim3 by_keys(plan.tiles, static_cast<unsigned>(x.heads), static_cast<unsigned>(x.images));
  return launch(key_value_gradient_kernel<width>, by_keys, kThreads, 4 * kTileBytes<width>, stream, x,
                gradients, transposed_bias, delta);
}

}  // namespace

size_t attention_workspace(const Attention& x, bool backward) {
  const Plan plan(x);
  const size_t floats =
      backward ? 2 * plan.bias_floats + plan.delta_floats + plan.partial_floats : plan.bias_floats;
  return floats * sizeof(float);
}

int attention_backward(const Attention& x, const AttentionGradients& gradients, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  const Plan plan(x);
  auto* workspace = static_cast<float*>(x.workspace);
  cudaError_t error = pad_bias(x, workspace, /*transposed=*/false, on);
  if (error == cudaSuccess) error = pad_bias(x, workspace + plan.bias_floats, /*transposed=*/true, on);
  if (error == cudaSuccess) {
    error = with_width(
        x.width, [&]<int width>() { return launch_gradients<width>(x, gradients, plan, workspace, on); });
  }
  if (error != cudaSuccess || gradients.bias == nullptr) return error;
  const auto* partial = reinterpret_cast<const float4*>(workspace + 2 * plan.bias_floats + plan.delta_floats);
  return sum_bias_gradients(x, partial, plan.chunks, gradients.bias, on);
}

}  // namespace beit::cuda
