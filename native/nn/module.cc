#include "nn/module.h"

#include <c10/core/GradMode.h>

#include <unordered_map>

#include "engine/error.h"

namespace beit::nn {

void Module::load(const std::vector<std::string>& names, const std::vector<at::Tensor>& values) {
  std::unordered_map<std::string, const NamedTensor*> entries;
  for (const auto& entry : state()) entries.emplace(entry.name, &entry);
  std::vector<at::Tensor> targets;
  for (size_t i = 0; i < names.size(); i++) {
    auto found = entries.find(names[i]);
    if (found == entries.end()) fail("ERR_CHECKPOINT_MISMATCH", "the module has no tensor '", names[i], "'");
    const auto& target = found->second->tensor;
    if (values.at(i).sizes() != target.sizes()) {
      fail("ERR_CHECKPOINT_MISMATCH", names[i], " has shape ", target.sizes(), ", got ", values[i].sizes());
    }
    targets.push_back(target);
  }
  c10::NoGradGuard no_grad;
  for (size_t i = 0; i < targets.size(); i++) targets[i].copy_(values[i]);
}

void Module::copy_state_from(const Module& other) {
  c10::NoGradGuard no_grad;
  for (size_t i = 0; i < state().size(); i++) state()[i].tensor.copy_(other.state()[i].tensor);
}

}  // namespace beit::nn
