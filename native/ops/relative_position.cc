#include "ops/relative_position.h"

namespace beit::ops {

int64_t relative_position_rows(int64_t rows, int64_t columns) {
  return (2 * rows - 1) * (2 * columns - 1) + 3;
}

at::Tensor relative_position_index(int64_t rows, int64_t columns) {
  const int64_t patches = rows * columns;
  const int64_t table_rows = relative_position_rows(rows, columns);
  auto index = at::empty({patches + 1, patches + 1}, at::TensorOptions().dtype(at::kLong));
  auto at_pair = index.accessor<int64_t, 2>();
  for (int64_t i = 0; i < patches; i++) {
    for (int64_t j = 0; j < patches; j++) {
      const int64_t down = i / columns - j / columns + rows - 1;
      const int64_t right = i % columns - j % columns + columns - 1;
      at_pair[1 + i][1 + j] = down * (2 * columns - 1) + right;
    }
  }
  // Class token to any, any to class token, class token to itself: in this order, the corner is written
  // thrice.
  index.select(0, 0).fill_(table_rows - 3);
  index.select(1, 0).fill_(table_rows - 2);
  at_pair[0][0] = table_rows - 1;
  return index;
}

at::Tensor relative_position_bias(const at::Tensor& table, const at::Tensor& index) {
  // An embedding and not table[index]: the latter's backward is an accumulating index_put, whose order is not
  // fixed.
  // Side by side once, and not by each block that uses and keeps it.
  return at::embedding(table, index).permute({2, 0, 1}).contiguous();  // (N, N, H) -> (H, N, N)
}

}  // namespace beit::ops
