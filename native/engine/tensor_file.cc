#include "engine/tensor_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace beit {

namespace {

class File {
 public:
  File(const std::string& path, int flags) : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (fd_ < 0) io_error("cannot open");
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void read_at(void* data, size_t length, int64_t offset) {
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

  void write(const void* data, size_t length) {
    const auto* at = static_cast<const uint8_t*>(data);
    while (length > 0) {
      const ssize_t n = ::write(fd_, at, length);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) io_error("cannot write");
      at += n;
      length -= static_cast<size_t>(n);
    }
  }

  void sync_and_close() {
    if (::fsync(fd_) != 0) io_error("cannot sync");
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) io_error("cannot close");
  }

 private:
  [[noreturn]] void io_error(const char* what) {
    fail("ERR_IO", what, " ", path_, ": ", std::strerror(errno));
  }

  std::string path_;
  int fd_;
};

}  // namespace

std::vector<at::Tensor> read_tensors(const std::string& path, const std::vector<FileTensor>& records,
                                     at::Device device) {
  File file(path, O_RDONLY);
  std::vector<at::Tensor> tensors;
  tensors.reserve(records.size());
  for (const auto& record : records) {
    auto tensor = at::empty(record.shape, at::TensorOptions().dtype(record.dtype));
    file.read_at(tensor.mutable_data_ptr(), tensor.nbytes(), record.offset);
    // Kernels take the bytes of a bool as they are, and only 0 and 1 have a meaning.
    if (record.dtype == at::kBool) tensor = tensor.view(at::kByte).ne(0);
    tensors.push_back(device.is_cpu() ? tensor : tensor.to(device));
  }
  return tensors;
}

void write_tensors(const std::string& path, const std::vector<uint8_t>& header,
                   const std::vector<at::Tensor>& tensors) {
  File file(path, O_WRONLY | O_CREAT | O_EXCL);
  file.write(header.data(), header.size());
  for (const auto& tensor : tensors) {
    auto on_cpu = tensor.detach().to(at::kCPU).contiguous();
    file.write(on_cpu.const_data_ptr(), on_cpu.nbytes());
  }
  file.sync_and_close();
}

}  // namespace beit
