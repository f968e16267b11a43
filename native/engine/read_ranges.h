// Runs of bytes of a file into memory, by several threads, with their checksums. Knows nothing of libtorch.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace beit {

// A run of bytes of a file, and its CRC-32 where it is known.
struct FileRange {
  int64_t offset;
  int64_t length;
  std::optional<uint32_t> crc32;
};

// Every range must lie inside the file. ERR_FORMAT.
void check_ranges(const std::string& path, const std::vector<FileRange>& ranges);

// Reads range i to memory[i], which nothing has touched yet, and compares its checksum: ERR_FORMAT when it
// differs. Ends early when `throw_if_cancelled`, which is called on every thread, throws.
void read_ranges(const std::string& path, const std::vector<FileRange>& ranges,
                 const std::vector<uint8_t*>& memory, const std::function<void()>& throw_if_cancelled);

}  // namespace beit
