#include "data/file_range.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace beit {

namespace {

// No image is larger; a wrong path to a huge file should not fill the memory.
constexpr int64_t kMaxLength = int64_t{1} << 30;

// The length that -1 stands for. Throws where the range cannot be one of an image.
int64_t checked_length(int fd, int64_t offset, int64_t length) {
  struct stat status;
  if (::fstat(fd, &status) != 0) fail("ERR_IO", "cannot open: ", std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("ERR_IO", "not a regular file");
  if (length < 0) length = std::max<int64_t>(status.st_size - offset, 0);
  if (length > kMaxLength) fail("ERR_IO", length, " bytes are too many for an image");
  return length;
}

}  // namespace

FileRange::FileRange(const std::string& path, int64_t offset, int64_t length)
    : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), offset_(offset) {
  if (fd_ < 0) fail("ERR_IO", "cannot open: ", std::strerror(errno));
  try {
    length_ = checked_length(fd_, offset, length);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

FileRange::~FileRange() { ::close(fd_); }

void FileRange::read(int64_t count, std::vector<uint8_t>& bytes) const {
  bytes.resize(static_cast<size_t>(count));
  int64_t done = 0;
  while (done < count) {
    const ssize_t n = ::pread(fd_, bytes.data() + done, static_cast<size_t>(count - done), offset_ + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("ERR_IO", "cannot read: ", std::strerror(errno));
    if (n == 0) fail("ERR_IO", "the file ends ", length_ - done, " bytes before the image does");
    done += n;
  }
}

}  // namespace beit
