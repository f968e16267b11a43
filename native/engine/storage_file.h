// Storages from positions in a file, and the tensors on them: what shares a storage there shares memory here.
#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

#include "engine/read_ranges.h"

namespace beit {

// A tensor over the bytes of a range: strides and offset count elements.
struct StorageView {
  std::string name;  // for messages
  size_t range;
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  int64_t offset;
};

// Reads each range once, into memory that its views share, and compares its checksum. Every size is checked
// against the range, and each range against the file, before anything is allocated. Engine thread.
std::vector<at::Tensor> read_storages(const std::string& path, const std::vector<FileRange>& ranges,
                                      const std::vector<StorageView>& views, at::Device device,
                                      const std::function<void()>& throw_if_cancelled);

}  // namespace beit
