// Calls whose result is one tensor.
#pragma once
#include <c10/core/GradMode.h>

#include <utility>

#include "bindings/async.h"
#include "bindings/values.h"

namespace beit::bindings {

// Runs `work` on the engine thread without recording a gradient; the Promise gives its tensor.
template <class Work>
Napi::Value tensor_on_engine(Napi::Env env, Work work) {
  return on_engine(
      env,
      [work = std::move(work)] {
        c10::NoGradGuard no_grad;
        return work();
      },
      [](Napi::Env env, at::Tensor tensor) { return tensor_to_js(env, std::move(tensor)); });
}

}  // namespace beit::bindings
