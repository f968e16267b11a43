#include "nn/parameter_store.h"

#include <ATen/CPUGeneratorImpl.h>

#include "engine/fresh_zeros.h"

namespace beit::nn {

ParameterStore::ParameterStore(at::TensorOptions options, std::optional<uint64_t> seed) : options_(options) {
  if (seed) generator_ = at::make_generator<at::CPUGeneratorImpl>(*seed);
}

at::Tensor ParameterStore::parameter(const Path& path, at::IntArrayRef shape, const Init& init) {
  at::Tensor tensor;
  if (generator_) {
    tensor = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
    init(tensor, *generator_);
    tensor = tensor.to(options_);
  } else {
    tensor = fresh_zeros(shape, options_);
  }
  tensor.requires_grad_(true);
  entries_.push_back({path.str(), tensor, /*is_buffer=*/false});
  return tensor;
}

at::Tensor ParameterStore::buffer(const Path& path, const at::Tensor& value) {
  auto tensor = value.to(options_.device());
  entries_.push_back({path.str(), tensor, /*is_buffer=*/true});
  return tensor;
}

}  // namespace beit::nn
