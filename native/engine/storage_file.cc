#include "engine/storage_file.h"

#include <fcntl.h>

#include <algorithm>

#include "engine/crc32.h"
#include "engine/error.h"
#include "engine/file.h"

namespace beit {

namespace {

// Read, and added to a checksum while it is still in the cache.
constexpr int64_t kChunk = 1 << 20;

at::Tensor read_range(File& file, const FileRange& range, const std::string& path,
                      const std::function<void()>& throw_if_cancelled) {
  auto storage = at::empty({range.length}, at::kByte);
  auto* data = storage.mutable_data_ptr<uint8_t>();
  uint32_t crc = 0;
  for (int64_t at = 0; at < range.length; at += kChunk) {
    throw_if_cancelled();
    const auto length = static_cast<size_t>(std::min(kChunk, range.length - at));
    file.read_at(data + at, length, range.offset + at);
    if (range.crc32) crc = crc32(crc, data + at, length);
  }
  if (range.crc32 && crc != *range.crc32) {
    fail("ERR_FORMAT", path, ": the storage at byte ", range.offset, " is damaged: its CRC32 is 0x", std::hex,
         crc, ", expected 0x", *range.crc32);
  }
  return storage;
}

void check_range(const FileRange& range, int64_t file_size, const std::string& path) {
  if (range.offset >= 0 && range.length >= 0 && range.offset <= file_size &&
      range.length <= file_size - range.offset) {
    return;
  }
  fail("ERR_FORMAT", path, ": ", range.length, " bytes at ", range.offset, " are needed, and it has ",
       file_size);
}

// All elements lie inside the range, by arithmetic that cannot overflow.
void check_view(const StorageView& view, const FileRange& range, const std::string& path) {
  const auto refuse = [&](const char* why) { fail("ERR_FORMAT", path, ": tensor '", view.name, "' ", why); };
  const auto item = static_cast<int64_t>(c10::elementSize(view.dtype));
  if (view.shape.size() != view.strides.size()) refuse("has not as many strides as dimensions");
  if (view.offset < 0) refuse("has a negative offset");
  int64_t last = view.offset;
  bool empty = false;
  for (size_t i = 0; i < view.shape.size(); i++) {
    if (view.shape[i] < 0 || view.strides[i] < 0) refuse("has negative sizes or strides");
    if (view.shape[i] == 0) empty = true;
    int64_t extent = 0;
    if (__builtin_mul_overflow(std::max<int64_t>(view.shape[i] - 1, 0), view.strides[i], &extent) ||
        __builtin_add_overflow(last, extent, &last)) {
      refuse("has strides that overflow");
    }
  }
  const int64_t capacity = range.length / item;
  if (empty ? view.offset > capacity : last >= capacity) refuse("reaches past the end of its storage");
}

at::Tensor make_view(const at::Tensor& storage, const StorageView& view) {
  return at::empty({0}, storage.options().dtype(view.dtype))
      .set_(storage.storage(), view.offset, view.shape, view.strides);
}

}  // namespace

std::vector<at::Tensor> read_storages(const std::string& path, const std::vector<FileRange>& ranges,
                                      const std::vector<StorageView>& views, at::Device device,
                                      const std::function<void()>& throw_if_cancelled) {
  File file(path, O_RDONLY);
  const int64_t size = file.size();
  for (const auto& range : ranges) check_range(range, size, path);
  // Kernels take the bytes of a bool as they are, and only 0 and 1 have a meaning.
  std::vector<bool> has_bool(ranges.size()), has_other(ranges.size());
  for (const auto& view : views) {
    check_view(view, ranges.at(view.range), path);
    (view.dtype == at::kBool ? has_bool : has_other)[view.range] = true;
  }
  std::vector<at::Tensor> storages;
  for (size_t i = 0; i < ranges.size(); i++) {
    auto storage = read_range(file, ranges[i], path, throw_if_cancelled);
    if (has_bool[i]) {
      if (has_other[i]) fail("ERR_FORMAT", path, ": bools share a storage with elements of another dtype");
      storage = storage.ne(0).view(at::kByte);
    }
    storages.push_back(device.is_cpu() ? storage : storage.to(device));
  }
  std::vector<at::Tensor> tensors;
  for (const auto& view : views) tensors.push_back(make_view(storages[view.range], view));
  return tensors;
}

}  // namespace beit
