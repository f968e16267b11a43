#include "engine/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace beit {

File::File(const std::string& path, int flags)
    : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
  if (fd_ < 0) io_error("cannot open");
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

int64_t File::size() const {
  struct stat status;
  if (::fstat(fd_, &status) != 0) io_error("cannot read");
  return status.st_size;
}

void File::read_at(void* data, size_t length, int64_t offset) {
  auto* at = static_cast<uint8_t*>(data);
  while (length > 0) {
    const ssize_t n = ::pread(fd_, at, length, offset);
    if (n == 0) fail("ERR_IO", path_, ": ends ", length, " bytes before the tensor does");
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("cannot read");
    at += n;
    offset += n;
    length -= static_cast<size_t>(n);
  }
}

void File::write(const void* data, size_t length) {
  const auto* at = static_cast<const uint8_t*>(data);
  while (length > 0) {
    const ssize_t n = ::write(fd_, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("cannot write");
    at += n;
    length -= static_cast<size_t>(n);
  }
}

void File::write_at(const void* data, size_t length, int64_t offset) {
  const auto* at = static_cast<const uint8_t*>(data);
  while (length > 0) {
    const ssize_t n = ::pwrite(fd_, at, length, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) io_error("cannot write");
    at += n;
    offset += n;
    length -= static_cast<size_t>(n);
  }
}

void File::reserve(int64_t length) {
#ifdef __linux__
  if (const int error = ::posix_fallocate(fd_, 0, length); error != 0) {
    errno = error;
    io_error("cannot make room in");
  }
#else
  if (::ftruncate(fd_, length) != 0) io_error("cannot make room in");
#endif
}

void File::remove_name() {
  if (::unlink(path_.c_str()) != 0) io_error("cannot remove the name of");
}

std::shared_ptr<void> File::map(int64_t length) {
  const auto bytes = static_cast<size_t>(length);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory == MAP_FAILED) io_error("cannot map");
  return {memory, [bytes](void* address) { ::munmap(address, bytes); }};
}

void File::start_writeback([[maybe_unused]] int64_t offset, [[maybe_unused]] int64_t length) {
#ifdef __linux__
  ::sync_file_range(fd_, offset, length, SYNC_FILE_RANGE_WRITE);  // A hint: the sync at the end decides.
#endif
}

void File::sync_and_close() {
  if (::fsync(fd_) != 0) io_error("cannot sync");
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) io_error("cannot close");
}

void File::io_error(const char* what) const { fail("ERR_IO", what, " ", path_, ": ", std::strerror(errno)); }

}  // namespace beit
