// Tensors from positions in a file, with memory near the size of what is read.
#pragma once
#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace beit {

struct FileTensor {
  std::vector<int64_t> shape;
  at::ScalarType dtype;
  int64_t offset;  // bytes from the start of the file; row-major, little-endian
};

std::vector<at::Tensor> read_tensors(const std::string& path, const std::vector<FileTensor>& records,
                                     at::Device device);

}  // namespace beit
