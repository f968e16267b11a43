// What JavaScript holds of a native object: an External around a shared_ptr. Work in the queue keeps its own
// shared_ptr, so disposing or collecting a handle never pulls an object away from a running job.
#pragma once
#include <napi.h>

#include <memory>

#include "bindings/environment.h"
#include "engine/error.h"

namespace beit::bindings {

class HandleBase {
 public:
  virtual ~HandleBase() = default;
  virtual void dispose(Napi::Env env) = 0;
  virtual bool disposed() const = 0;
};

template <class T>
class Handle : public HandleBase {
 public:
  Handle(std::shared_ptr<T> value, int64_t bytes) : value_(std::move(value)), bytes_(bytes) {}

  void dispose(Napi::Env env) override {
    if (!value_) return;
    value_.reset();
    Environment::of(env).account(env, -bytes_, -1);
  }
  bool disposed() const override { return !value_; }
  const std::shared_ptr<T>& value() const { return value_; }

 private:
  std::shared_ptr<T> value_;
  int64_t bytes_;
};

// `bytes` is what the object holds outside the JavaScript heap: the garbage collector is told of it.
template <class T>
Napi::Value make_handle(Napi::Env env, std::shared_ptr<T> value, int64_t bytes) {
  Environment::of(env).account(env, bytes, 1);
  return Napi::External<HandleBase>::New(env, new Handle<T>(std::move(value), bytes),
                                         [](Napi::Env env, HandleBase* handle) {
                                           handle->dispose(env);
                                           delete handle;
                                         });
}

// The object behind argument `name`, or an error that names it.
template <class T>
std::shared_ptr<T> from_handle(const Napi::Value& value, const char* name) {
  auto* base = value.IsExternal() ? value.As<Napi::External<HandleBase>>().Data() : nullptr;
  auto* handle = dynamic_cast<Handle<T>*>(base);
  if (handle == nullptr) fail("ERR_INVALID_ARGUMENT", name, ": not a native handle of the expected kind");
  if (handle->disposed()) {
    fail("ERR_DISPOSED", name, " was used after dispose(); keep it alive, or keep(…) it out of its scope()");
  }
  return handle->value();
}

}  // namespace beit::bindings
