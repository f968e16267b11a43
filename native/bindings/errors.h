// The one place where a C++ exception becomes a JavaScript error with a code (lib/binding.ts makes it a
// BeitError), and the one wrapper through which every function of the addon is called.
#pragma once
#include <napi.h>

#include <exception>

#include "engine/error.h"

namespace beit::bindings {

Napi::Value to_js_error(Napi::Env env, std::exception_ptr error);

// Exports `function` under `name`; whatever it throws reaches JavaScript with a code.
template <auto function>
void export_function(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New(
                        env,
                        [](const Napi::CallbackInfo& info) -> Napi::Value {
                          try {
                            if constexpr (std::is_void_v<decltype(function(info))>) {
                              function(info);
                              return info.Env().Undefined();
                            } else {
                              return function(info);
                            }
                          } catch (const Napi::Error&) {
                            throw;
                          } catch (...) {
                            throw Napi::Error(info.Env(), to_js_error(info.Env(), std::current_exception()));
                          }
                        },
                        name));
}

}  // namespace beit::bindings
