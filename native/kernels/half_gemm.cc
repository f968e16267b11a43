#include "kernels/half_gemm.h"

#include <algorithm>

#include "kernels/cpu.h"
#include "kernels/round_up.h"

namespace beit::kernels {

namespace {

constexpr int64_t kBlockRows = 192, kBlockColumns = 256, kTileRows = 12;

// Blocks of nearly the same size, each a multiple of `step`.
int64_t block_size(int64_t size, int64_t largest, int64_t step) {
  const int64_t blocks = (size + largest - 1) / largest;
  return round_up((size + blocks - 1) / blocks, step);
}

struct Blocks {
  int64_t rows, columns, down, across;
  explicit Blocks(const HalfProduct& p)
      : rows(block_size(p.rows, kBlockRows, kTileRows)),
        columns(block_size(p.columns, kBlockColumns, kHalfPanel)),
        down((p.rows + rows - 1) / rows),
        across((p.columns + columns - 1) / columns) {}
};

}  // namespace

int64_t half_left_size(int64_t rows, int64_t depth) {
  return round_up(rows, kHalfRowGroup) * round_up(depth, kHalfChunk);
}

int64_t half_right_size(int64_t depth, int64_t columns) {
  return round_up(depth, kHalfChunk) * round_up(columns, kHalfPanel);
}

int64_t half_tasks(const HalfProduct& product) {
  if (product.rows == 0 || product.columns == 0) return 0;
  const Blocks blocks(product);
  return blocks.down * blocks.across;
}

HalfBlock half_block(const HalfProduct& product, int64_t task) {
  const Blocks blocks(product);
  const int64_t row = task / blocks.across * blocks.rows, column = task % blocks.across * blocks.columns;
  return {row, std::min(row + blocks.rows, product.rows), column,
          std::min(column + blocks.columns, product.columns)};
}

bool has_half_gemm() { return cpu().avx512_fp16; }

void half_gemm(const HalfProduct& product, int64_t begin, int64_t end) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (has_half_gemm()) return avx512fp16::half_gemm(product, begin, end);
#endif
  plain::half_gemm(product, begin, end);
}

namespace plain {

namespace {

float product_of(const HalfProduct& p, int64_t row, int64_t column) {
  const int64_t padded_rows = round_up(p.rows, kHalfRowGroup),
                panels = round_up(p.columns, kHalfPanel) / kHalfPanel;
  float sum = 0;
  for (int64_t k = 0; k < p.depth; k++) {
    const int64_t chunk = k / kHalfChunk, at = k % kHalfChunk;
    const Half* panel = p.right + (chunk * panels + column / kHalfPanel) * kHalfChunk * kHalfPanel;
    const Half right = panel[half_right_place(column % kHalfPanel, at)];
    sum += half_to_float(p.left[(chunk * padded_rows + row) * kHalfChunk + at]) * half_to_float(right);
  }
  return sum;
}

}  // namespace

void half_gemm(const HalfProduct& p, int64_t begin, int64_t end) {
  for (int64_t task = begin; task < end; task++) {
    const auto block = half_block(p, task);
    for (int64_t r = block.row_begin; r < block.row_end; r++) {
      for (int64_t c = block.column_begin; c < block.column_end; c++) {
        const float scale = (p.row_scale ? p.row_scale[r] : 1) * (p.column_scale ? p.column_scale[c] : 1);
        const int64_t at = r * p.out_stride + c;
        p.out[at] =
            product_of(p, r, c) * scale + (p.bias ? p.bias[c] : 0) + (p.residual ? p.residual[at] : 0);
      }
    }
  }
}

}  // namespace plain

}  // namespace beit::kernels
