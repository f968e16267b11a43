#include "bindings/handle.h"

#include "bindings/register.h"

namespace beit::bindings {

// dispose(handle): void. Idempotent.
static void dispose(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal()) fail("ERR_INVALID_ARGUMENT", "dispose: not a native handle");
  info[0].As<Napi::External<HandleBase>>().Data()->dispose(info.Env());
}

// memory(): { handles: number, bytes: number } alive in this environment.
static Napi::Value memory(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("handles", static_cast<double>(Environment::of(info.Env()).live_handles()));
  result.Set("bytes", static_cast<double>(Environment::of(info.Env()).live_bytes()));
  return result;
}

void register_handle(Napi::Env env, Napi::Object exports) {
  export_function<dispose>(env, exports, "dispose");
  export_function<memory>(env, exports, "memory");
}

}  // namespace beit::bindings
