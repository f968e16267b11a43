// A file descriptor with whole reads and writes and errors that name the file.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace beit {

class File {
 public:
  // `flags` of open(2). ERR_IO.
  File(const std::string& path, int flags);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int64_t size() const;
  void read_at(void* data, size_t length, int64_t offset);
  void write(const void* data, size_t length);
  void write_at(const void* data, size_t length, int64_t offset);
  // Makes the file this long and takes the room for it now, so that no later write lacks it. ERR_IO.
  void reserve(int64_t length);
  // Takes the file's name away: the file is gone when nothing uses it any more. ERR_IO.
  void remove_name();
  // The first `length` bytes as memory that is shared with the file. It outlives this object. ERR_IO.
  std::shared_ptr<void> map(int64_t length);
  // Lets the disk begin with the bytes written so far, and does not wait for it.
  void start_writeback(int64_t offset, int64_t length);
  void sync_and_close();

 private:
  [[noreturn]] void io_error(const char* what) const;

  std::string path_;
  int fd_;
};

}  // namespace beit
