#include "data/read_range.h"

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

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

void read_range(const std::string& path, int64_t offset, int64_t length, std::vector<uint8_t>& bytes) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status;
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) fail("ERR_IO", "cannot open: ", std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("ERR_IO", "not a regular file");
  if (length < 0) length = std::max<int64_t>(status.st_size - offset, 0);
  if (length > kMaxLength) fail("ERR_IO", length, " bytes are too many for an image");
  bytes.resize(static_cast<size_t>(length));
  int64_t done = 0;
  while (done < length) {
    const ssize_t n =
        ::pread(file.fd, bytes.data() + done, static_cast<size_t>(length - done), offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("ERR_IO", "cannot read: ", std::strerror(errno));
    if (n == 0) fail("ERR_IO", "the file ends ", length - done, " bytes before the image does");
    done += n;
  }
}

}  // namespace beit
