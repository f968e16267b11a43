// The run time around the models: versions, threads, devices, and the end of an environment.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <torch/headeronly/version.h>

#include "bindings/async.h"
#include "bindings/register.h"
#include "bindings/values.h"

namespace beit::bindings {

// version(): { compiled: string, config: string }: the libtorch compiled against, and what the one found
// says.
static Napi::Value version(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("compiled", TORCH_VERSION);
  result.Set("config", at::show_config());
#ifdef BEIT_HAVE_JPEG
  result.Set("jpeg", true);
#else
  result.Set("jpeg", false);
#endif
  return result;
}

// setThreads(count: number): Promise<number>. Threads of one operation; 0 leaves it. Resolves to the number
// in use.
static Napi::Value set_threads(const Napi::CallbackInfo& info) {
  const auto count = integer_from(info[0], "count");
  return on_engine(
      info.Env(),
      [count] {
        // libtorch keeps the number per thread: it must be set on the engine thread.
        if (count > 0) at::set_num_threads(static_cast<int>(count));
        return at::get_num_threads();
      },
      [](Napi::Env env, int threads) { return Napi::Number::New(env, threads); });
}

// openCuda(library: string): Promise<string | null>. Opens libtorch_cuda.so, which registers its kernels with
// the libtorch already loaded; null, or what the dynamic linker said.
static Napi::Value open_cuda(const Napi::CallbackInfo& info) {
  auto library = string_from(info[0], "library");
  return on_engine(
      info.Env(),
      [library]() -> std::string {
        if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return "";
        return dlerror();
      },
      [](Napi::Env env, std::string error) -> Napi::Value {
        return error.empty() ? env.Null() : Napi::Value(Napi::String::New(env, error));
      });
}

// cudaDevices(): Promise<number>. How many GPUs libtorch can use; 0 before openCuda.
static Napi::Value cuda_devices(const Napi::CallbackInfo& info) {
  return on_engine(
      info.Env(),
      [] { return at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().deviceCount()) : 0; },
      [](Napi::Env env, int count) { return Napi::Number::New(env, count); });
}

// cancelAndJoin(): void. Stops every native thread of this environment: called from process.on('exit').
static void cancel_and_join(const Napi::CallbackInfo& info) { Environment::of(info.Env()).cancel_and_join(); }

void register_environment(Napi::Env env, Napi::Object exports) {
  export_function<version>(env, exports, "version");
  export_function<set_threads>(env, exports, "setThreads");
  export_function<open_cuda>(env, exports, "openCuda");
  export_function<cuda_devices>(env, exports, "cudaDevices");
  export_function<cancel_and_join>(env, exports, "cancelAndJoin");
}

}  // namespace beit::bindings
