// The operations that have a fast path beside the plain one, by name: for the tests that compare the two and
// the benchmarks that time them.
#pragma once
#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "ops/compute.h"

namespace beit::ops {

struct OperationArguments {
  std::vector<at::Tensor> tensors;  // undefined where the operation may do without
  std::map<std::string, double> numbers;
  Compute compute;

  // ERR_INVALID_ARGUMENT without one of this name.
  double number(const std::string& name) const;
  // The tensor, undefined beyond those given.
  at::Tensor tensor(size_t index) const;
};

using Operation = std::vector<at::Tensor> (*)(const OperationArguments& arguments);

// ERR_INVALID_ARGUMENT for a name that is none.
Operation operation(const std::string& name);

}  // namespace beit::ops
