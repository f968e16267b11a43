// Relative position bias of BEiT: which row of the table each pair of tokens takes, and the gather.
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

// Rows of the table: one a relative offset of two patches, and three for pairs with the class token.
int64_t relative_position_rows(int64_t rows, int64_t columns);

// (N + 1, N + 1) int64 for a grid of N = rows x columns patches behind a class token.
at::Tensor relative_position_index(int64_t rows, int64_t columns);

// table (R, H), index (N, N) -> (H, N, N). The backward pass adds up in a fixed order on CPU.
at::Tensor relative_position_bias(const at::Tensor& table, const at::Tensor& index);

}  // namespace beit::ops
