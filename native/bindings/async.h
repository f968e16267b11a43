// How a native call becomes a Promise: the arguments are read on the JavaScript thread, the work runs on the
// engine thread, the result is turned into a value back on the JavaScript thread.
#pragma once
#include <napi.h>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

#include "bindings/environment.h"
#include "bindings/errors.h"

namespace beit::bindings {

// A promise that other threads settle through Environment::post. JavaScript values are touched only there.
class PendingPromise {
 public:
  explicit PendingPromise(Napi::Env env)
      : environment_(Environment::of(env)), deferred_(Napi::Promise::Deferred::New(env)) {
    environment_.begin_work(env);
  }
  Napi::Promise promise() const { return deferred_.Promise(); }

  // From any thread, once. `make_value` is called on the JavaScript thread; what it throws rejects.
  void settle(std::function<Napi::Value(Napi::Env)> make_value) {
    environment_.post([this_copy = *this, make_value = std::move(make_value)](Napi::Env env) {
      Napi::HandleScope scope(env);
      this_copy.environment_.end_work(env);
      try {
        this_copy.deferred_.Resolve(make_value(env));
      } catch (...) {
        this_copy.deferred_.Reject(to_js_error(env, std::current_exception()));
      }
    });
  }
  void reject(std::exception_ptr error) {
    settle([error](Napi::Env) -> Napi::Value { std::rethrow_exception(error); });
  }

 private:
  Environment& environment_;
  Napi::Promise::Deferred deferred_;
};

// `work()` on the engine thread, then `convert(env, result)` on the JavaScript thread.
template <class Work, class Convert>
Napi::Value on_engine(Napi::Env env, Work work, Convert convert) {
  using Result = std::invoke_result_t<Work>;
  PendingPromise pending(env);
  auto promise = pending.promise();
  auto job = [pending, work = std::move(work), convert = std::move(convert)]() mutable {
    try {
      if constexpr (std::is_void_v<Result>) {
        work();
        pending.settle([convert](Napi::Env env) -> Napi::Value { return convert(env); });
      } else {
        auto result = std::make_shared<Result>(work());
        pending.settle(
            [result, convert](Napi::Env env) -> Napi::Value { return convert(env, std::move(*result)); });
      }
    } catch (...) {
      pending.reject(std::current_exception());
    }
  };
  Environment::of(env).engine().submit(std::move(job));
  return promise;
}

// For work without a result.
template <class Work>
Napi::Value on_engine(Napi::Env env, Work work) {
  return on_engine(env, std::move(work), [](Napi::Env env) { return env.Undefined(); });
}

}  // namespace beit::bindings
