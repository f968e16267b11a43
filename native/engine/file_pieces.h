// Files put together from bytes and tensors, without a second copy of the tensors.
#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace beit {

// A stretch of a file: `bytes`, or a tensor.
struct FilePiece {
  std::vector<uint8_t> bytes;
  at::Tensor tensor;
  // First and last + 1 byte of the tensor's storage; without it, the elements of the tensor in row-major
  // order.
  std::optional<std::pair<int64_t, int64_t>> range;
  // Where in the file the CRC-32 of this piece goes, in 4 bytes, little-endian: zip has it before the data.
  std::vector<int64_t> crc_at;
};

// Creates `path` (it must not exist), writes the pieces one after the other and syncs the file. Engine
// thread.
void write_pieces(const std::string& path, const std::vector<FilePiece>& pieces);

}  // namespace beit
