#include "emulated_tensor_cores.h"

#include <map>
#include <vector>

namespace emulator {

namespace {

constexpr unsigned kWarp = 0xffffffffu;

float half_of(uint32_t pair, int which) {
  return emulated_bits<float>(which == 0 ? pair << 16 : pair & 0xffff0000u);
}

struct Operands {
  uint32_t left[4];
  uint32_t right[2];
};

Operands operands_of(Lanes lanes, int lane) {
  Operands operands;
  std::memcpy(&operands, lanes[lane], sizeof operands);
  return operands;
}

void load(uint32_t (&part)[4], const __nv_bfloat16* row, bool transposed) {
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) std::abort();  // as the hardware does
  const auto lanes = exchange(kWarp, &row, sizeof row);
  const int g = self().lane / 4, t = self().lane % 4;
  for (int i = 0; i < 4; i++) {
    const auto element = [&](int r, int c) {
      const __nv_bfloat16* start;
      std::memcpy(&start, lanes[8 * i + r], sizeof start);
      return static_cast<uint32_t>(start[c].bits);
    };
    part[i] = transposed ? element(2 * t, g) | element(2 * t + 1, g) << 16
                         : element(g, 2 * t) | element(g, 2 * t + 1) << 16;
  }
  // Nobody may overwrite the rows before all have read them.
  exchange(kWarp, nullptr, 0);
}

struct Copy {
  void* to;
  const void* from;
  bool zeros;
};

void perform(const Copy& copy) {
  if (copy.zeros) {
    std::memset(copy.to, 0, 16);
  } else {
    std::memcpy(copy.to, copy.from, 16);
  }
}

// Groups of copies by thread of the block; the last is still open.
std::map<int, std::vector<std::vector<Copy>>> copies;

std::vector<std::vector<Copy>>& copies_of_thread() {
  auto& groups = copies[self().warp * 32 + self().lane];
  if (groups.empty()) groups.emplace_back();
  return groups;
}

}  // namespace

void multiply(float (&sums)[4], const uint32_t (&left)[4], uint32_t right0, uint32_t right1) {
  Operands mine;
  std::memcpy(mine.left, left, sizeof left);
  mine.right[0] = right0;
  mine.right[1] = right1;
  const auto lanes = exchange(kWarp, &mine, sizeof mine);
  const int g = self().lane / 4, t = self().lane % 4;
  for (int i = 0; i < 4; i++) {
    const int upper = i / 2, column = 2 * t + i % 2;  // row g + 8 * upper
    float sum = 0;
    for (int k = 0; k < 16; k++) {
      // Element (row, k) of the left operand and (k, column) of the right one.
      const auto a = operands_of(lanes, 4 * g + k % 8 / 2);
      const auto b = operands_of(lanes, 4 * column + k % 8 / 2);
      sum += half_of(a.left[upper + k / 8 * 2], k % 2) * half_of(b.right[k / 8], k % 2);
    }
    sums[i] += sum;
  }
}

void load_matrices(uint32_t (&part)[4], const __nv_bfloat16* row) { load(part, row, false); }
void load_transposed_matrices(uint32_t (&part)[4], const __nv_bfloat16* row) { load(part, row, true); }

void copy_async(void* shared, const void* global, bool zeros) {
  if ((reinterpret_cast<uintptr_t>(shared) | reinterpret_cast<uintptr_t>(global)) % 16 != 0) std::abort();
  const Copy copy{shared, global, zeros};
  if (is_reversed()) {
    perform(copy);
  } else {
    copies_of_thread().back().push_back(copy);
  }
}

void commit_copies() { copies_of_thread().emplace_back(); }

void finish_copies(size_t pending_groups) {
  auto& groups = copies_of_thread();
  while (groups.size() - 1 > pending_groups) {
    for (const auto& copy : groups.front()) perform(copy);
    groups.erase(groups.begin());
  }
}

}  // namespace emulator
