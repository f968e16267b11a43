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

// What every External of ours is marked with. Another copy of the package in the process has another tag: its
// objects may be laid out otherwise.
const napi_type_tag& handle_tag();

// `bytes` is what the object holds outside the JavaScript heap: the garbage collector is told of it.
template <class T>
Napi::Value make_handle(Napi::Env env, std::shared_ptr<T> value, int64_t bytes) {
  Environment::of(env).account(env, bytes, 1);
  const auto external = Napi::External<HandleBase>::New(env, new Handle<T>(std::move(value), bytes),
                                                        [](Napi::Env env, HandleBase* handle) {
                                                          handle->dispose(env);
                                                          delete handle;
                                                        });
  external.TypeTag(&handle_tag());
  return external;
}

// The handle behind `value`; nullptr where it is something else.
HandleBase* handle_of(const Napi::Value& value, const char* name);

// The object behind argument `name`, or an error that names it.
template <class T>
std::shared_ptr<T> from_handle(const Napi::Value& value, const char* name) {
  auto* handle = dynamic_cast<Handle<T>*>(handle_of(value, name));
  if (handle == nullptr) fail("ERR_INVALID_ARGUMENT", name, ": not a native handle of the expected kind");
  if (handle->disposed()) {
    fail("ERR_DISPOSED", name, " was used after dispose(); keep it alive, or keep(…) it out of its scope()");
  }
  return handle->value();
}

}  // namespace beit::bindings
