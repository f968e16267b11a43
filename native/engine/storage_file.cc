#include "engine/storage_file.h"

#include <algorithm>

#include "engine/error.h"

namespace beit {

namespace {

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
  check_ranges(path, ranges);
  std::vector<bool> has_bool(ranges.size()), has_other(ranges.size());
  for (const auto& view : views) {
    check_view(view, ranges.at(view.range), path);
    (view.dtype == at::kBool ? has_bool : has_other)[view.range] = true;
  }
  std::vector<at::Tensor> storages;
  std::vector<uint8_t*> memory;
  for (size_t i = 0; i < ranges.size(); i++) {
    if (has_bool[i] && has_other[i]) {
      fail("ERR_FORMAT", path, ": bools share a storage with elements of another dtype");
    }
    storages.push_back(at::empty({ranges[i].length}, at::kByte));
    memory.push_back(storages.back().mutable_data_ptr<uint8_t>());
  }
  read_ranges(path, ranges, memory, throw_if_cancelled);
  for (size_t i = 0; i < ranges.size(); i++) {
    // Kernels take the bytes of a bool as they are, and only 0 and 1 have a meaning.
    if (has_bool[i]) storages[i] = storages[i].ne(0).view(at::kByte);
    if (!device.is_cpu()) storages[i] = storages[i].to(device);
  }
  std::vector<at::Tensor> tensors;
  for (const auto& view : views) tensors.push_back(make_view(storages[view.range], view));
  return tensors;
}

}  // namespace beit
