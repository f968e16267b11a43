// Modules as arguments of native calls.
#pragma once
#include <napi.h>

#include <memory>

#include "bindings/handle.h"
#include "nn/module.h"

namespace beit::bindings {

// The module behind argument `name` as the class T, or an error that says what was expected.
template <class T>
std::shared_ptr<T> module_from(const Napi::Value& value, const char* name, const char* expected) {
  auto module = std::dynamic_pointer_cast<T>(from_handle<nn::Module>(value, name));
  if (!module) fail("ERR_INVALID_ARGUMENT", name, ": expected ", expected, ", got a module of another kind");
  return module;
}

}  // namespace beit::bindings
