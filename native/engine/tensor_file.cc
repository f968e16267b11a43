#include "engine/tensor_file.h"

#include <fcntl.h>

#include "engine/file.h"

namespace beit {

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

}  // namespace beit
