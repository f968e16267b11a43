// A file, or a part of it, for positioned reads: safe from any thread, no shared file position.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace beit {

class FileRange {
 public:
  // `length` bytes from `offset`, or -1 for all to the end of the file. Throws Error ERR_IO with the reason.
  FileRange(const std::string& path, int64_t offset, int64_t length);
  ~FileRange();
  FileRange(const FileRange&) = delete;
  FileRange& operator=(const FileRange&) = delete;

  int64_t length() const { return length_; }

  // Reads the first `count` bytes into `bytes`. Throws Error ERR_IO, also where the file ends before.
  void read(int64_t count, std::vector<uint8_t>& bytes) const;

 private:
  int fd_;
  int64_t offset_;
  int64_t length_;
};

}  // namespace beit
