// What every model and tokenizer is: named tensors on one device, and a way to copy them elsewhere.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <vector>

#include "nn/parameter_store.h"
#include "ops/compute.h"

namespace beit::nn {

// What a forward pass needs beside its inputs. Drop path and Gumbel noise draw from `generator`.
struct ForwardContext {
  bool training = false;
  std::optional<at::Generator> generator;
  ops::Compute compute;
};

// How a module is made: dtype and device of its parameters, and the seed of their initial values (none:
// zeros, because weights are loaded next).
struct ModuleOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  std::optional<uint64_t> seed;
};

class Module {
 public:
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // Parameters and buffers in state-dict order. The tensors are the module's own: writing to them changes it.
  const std::vector<NamedTensor>& state() const { return store_.entries(); }
  at::Device device() const { return store_.options().device(); }
  // The same with its number, which a module made on 'cuda' does not name.
  at::Device numbered_device() const { return state().front().tensor.device(); }
  at::ScalarType dtype() const { return c10::typeMetaToScalarType(store_.options().dtype()); }

  // A module of the same configuration and weights elsewhere. Shares nothing with this one.
  virtual std::shared_ptr<Module> clone_to(at::Device device, at::ScalarType dtype) const = 0;

  // Copies `values` into the tensors of these names, converting dtype and device. ERR_CHECKPOINT_MISMATCH on
  // an unknown name or another shape, before anything is written.
  void load(const std::vector<std::string>& names, const std::vector<at::Tensor>& values);

 protected:
  explicit Module(const ModuleOptions& options)
      : store_(at::TensorOptions().device(options.device).dtype(options.dtype), options.seed) {}
  ParameterStore& store() { return store_; }
  void copy_state_from(const Module& other);

 private:
  ParameterStore store_;
};

}  // namespace beit::nn
