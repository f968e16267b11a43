#include "bindings/handle.h"

#include "bindings/register.h"

namespace beit::bindings {

const napi_type_tag& handle_tag() {
  // The address tells copies of the addon apart; nothing else needs to be told apart within a process.
  static const napi_type_tag tag{0xbe17'70c4'0000'0001, reinterpret_cast<uintptr_t>(&tag)};
  return tag;
}

HandleBase* handle_of(const Napi::Value& value, const char* name) {
  if (!value.IsExternal()) return nullptr;
  const auto external = value.As<Napi::External<HandleBase>>();
  if (!external.CheckTypeTag(&handle_tag())) {
    fail("ERR_INVALID_ARGUMENT", name,
         " was made by another copy of beit-torch in this process: each copy takes its own objects only "
         "('npm ls "
         "beit-torch' lists them)");
  }
  return external.Data();
}

// dispose(handle): void. Idempotent.
static void dispose(const Napi::CallbackInfo& info) {
  auto* handle = handle_of(info[0], "dispose");
  if (handle == nullptr) fail("ERR_INVALID_ARGUMENT", "dispose: not a native handle");
  handle->dispose(info.Env());
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
