#include "ops/operations.h"

#include "engine/error.h"

namespace beit::ops {

namespace {

// Each takes its tensors in the order of its function's arguments.
const std::map<std::string, Operation>& operations() {
  static const std::map<std::string, Operation> all{
      {"gelu",
       [](const OperationArguments& a) -> std::vector<at::Tensor> { return {at::gelu(a.tensor(0))}; }},
  };
  return all;
}

}  // namespace

double OperationArguments::number(const std::string& name) const {
  const auto found = numbers.find(name);
  if (found == numbers.end()) fail("ERR_INVALID_ARGUMENT", "numbers: '", name, "' is missing");
  return found->second;
}

at::Tensor OperationArguments::tensor(size_t index) const {
  return index < tensors.size() ? tensors[index] : at::Tensor();
}

Operation operation(const std::string& name) {
  const auto found = operations().find(name);
  if (found == operations().end()) fail("ERR_INVALID_ARGUMENT", "no operation is called '", name, "'");
  return found->second;
}

}  // namespace beit::ops
