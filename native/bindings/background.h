// Work that is neither libtorch's nor the image loader's (one image, a permutation): on Node's own threads,
// so that it neither blocks the event loop nor waits behind training steps.
#pragma once
#include <napi.h>

#include <exception>
#include <optional>
#include <type_traits>
#include <vector>

#include "bindings/errors.h"

namespace beit::bindings {

template <class Work, class Convert>
class BackgroundWork : public Napi::AsyncWorker {
 public:
  BackgroundWork(Napi::Env env, Work work, Convert convert)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }
  // Keeps `value` while the work reads its memory.
  void pin(const Napi::Object& value) { pinned_.push_back(Napi::Persistent(value)); }

 protected:
  void Execute() override {
    try {
      result_.emplace(work_());
    } catch (...) {
      error_ = std::current_exception();
    }
  }
  void OnOK() override {
    try {
      if (error_) std::rethrow_exception(error_);
      deferred_.Resolve(convert_(Env(), std::move(*result_)));
    } catch (...) {
      deferred_.Reject(to_js_error(Env(), std::current_exception()));
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  Work work_;
  Convert convert_;
  std::optional<std::invoke_result_t<Work>> result_;
  std::exception_ptr error_;
  std::vector<Napi::ObjectReference> pinned_;
};

// `work()` on another thread, then `convert(env, result)` on the JavaScript thread. `pinned` stays alive
// meanwhile.
template <class Work, class Convert>
Napi::Value in_background(Napi::Env env, Work work, Convert convert, const Napi::Value& pinned = {}) {
  auto* job = new BackgroundWork<Work, Convert>(env, std::move(work), std::move(convert));
  if (!pinned.IsEmpty()) job->pin(pinned.As<Napi::Object>());
  auto promise = job->promise();
  job->Queue();
  return promise;
}

}  // namespace beit::bindings
