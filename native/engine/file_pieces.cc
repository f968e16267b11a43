#include "engine/file_pieces.h"

#include <fcntl.h>

#include <algorithm>
#include <array>

#include "engine/crc32.h"
#include "engine/error.h"
#include "engine/file.h"

namespace beit {

namespace {

// Small enough that the bytes are still in the cache when they are written after their checksum was made.
constexpr int64_t kChunk = 256 * 1024;
constexpr int64_t kWriteback = 16 * 1024 * 1024;

// The bytes of a tensor's storage, as a view of it.
at::Tensor storage_bytes(const at::Tensor& tensor, std::pair<int64_t, int64_t> range) {
  const auto [begin, end] = range;
  const auto size = static_cast<int64_t>(tensor.storage().nbytes());
  if (begin < 0 || begin > end || end > size) {
    fail("ERR_INVALID_ARGUMENT", "bytes ", begin, " to ", end, " are not in a storage of ", size);
  }
  return at::empty({0}, tensor.options().dtype(at::kByte)).set_(tensor.storage(), begin, {end - begin}, {1});
}

class PieceWriter {
 public:
  explicit PieceWriter(const std::string& path) : file_(path, O_WRONLY | O_CREAT | O_EXCL) {}

  void write(const FilePiece& piece) {
    uint32_t crc = 0;
    if (piece.tensor.defined()) {
      const auto source = piece.range ? storage_bytes(piece.tensor, *piece.range) : piece.tensor.detach();
      const auto memory = source.to(at::kCPU).contiguous();
      crc = write(static_cast<const uint8_t*>(memory.const_data_ptr()), static_cast<int64_t>(memory.nbytes()),
                  !piece.crc_at.empty());
    } else {
      crc = write(piece.bytes.data(), static_cast<int64_t>(piece.bytes.size()), !piece.crc_at.empty());
    }
    for (const int64_t at : piece.crc_at) crcs_.emplace_back(at, crc);
  }

  void finish() {
    for (const auto& [at, crc] : crcs_) {
      std::array<uint8_t, 4> little_endian;
      for (size_t i = 0; i < 4; i++) little_endian[i] = static_cast<uint8_t>(crc >> (8 * i));
      file_.write_at(little_endian.data(), little_endian.size(), at);
    }
    file_.sync_and_close();
  }

 private:
  uint32_t write(const uint8_t* data, int64_t length, bool with_crc) {
    uint32_t crc = 0;
    for (int64_t done = 0; done < length; done += kChunk) {
      const auto size = static_cast<size_t>(std::min(kChunk, length - done));
      if (with_crc) crc = crc32(crc, data + done, size);
      file_.write(data + done, size);
      written_ += static_cast<int64_t>(size);
      if (written_ - started_ >= kWriteback) {
        file_.start_writeback(started_, written_ - started_);
        started_ = written_;
      }
    }
    return crc;
  }

  File file_;
  int64_t written_ = 0;
  int64_t started_ = 0;
  std::vector<std::pair<int64_t, uint32_t>> crcs_;
};

}  // namespace

void write_pieces(const std::string& path, const std::vector<FilePiece>& pieces) {
  PieceWriter writer(path);
  for (const auto& piece : pieces) writer.write(piece);
  writer.finish();
}

}  // namespace beit
