// Creates and owns the tensors of a module. They are listed in the order of creation, which is the order of
// the original's state dict when each layer makes its own parameters before those of its sub-modules.
#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <vector>

#include "nn/init.h"
#include "nn/path.h"

namespace beit::nn {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  bool is_buffer;  // parameters require a gradient, buffers do not
};

class ParameterStore {
 public:
  // `options` are the dtype and device of the parameters. Without a seed they are zeros that cost
  // nothing: weights are loaded next.
  ParameterStore(at::TensorOptions options, std::optional<uint64_t> seed);

  at::Tensor parameter(const Path& path, at::IntArrayRef shape, const Init& init);
  // Keeps its own dtype.
  at::Tensor buffer(const Path& path, const at::Tensor& value);

  const std::vector<NamedTensor>& entries() const { return entries_; }
  const at::TensorOptions& options() const { return options_; }

 private:
  at::TensorOptions options_;
  std::optional<at::Generator> generator_;
  std::vector<NamedTensor> entries_;
};

}  // namespace beit::nn
