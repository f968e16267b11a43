// Bytes of a file, or of a part of it, in one positioned read: safe from any thread, no shared file position.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace beit {

// Reads `length` bytes from `offset` (-1: to the end of the file) into `bytes`. Throws Error ERR_IO with the
// reason.
void read_range(const std::string& path, int64_t offset, int64_t length, std::vector<uint8_t>& bytes);

}  // namespace beit
