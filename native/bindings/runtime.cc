// The run time around the models: versions, threads, devices, and the end of an environment.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include "bindings/async.h"
#include "bindings/register.h"
#include "bindings/values.h"
#include "data/decode_jpeg.h"
#include "engine/cuda_driver.h"

namespace beit::bindings {

// version(): { compiled: string, config: string, jpeg: boolean }: the libtorch compiled against, what the one
// found says, and whether JPEG files are decoded here.
static Napi::Value version(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("compiled", TORCH_VERSION);
  result.Set("config", at::show_config());
  result.Set("jpeg", jpeg_supported());
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

// cudaDevices(): Promise<{ name: string, memoryBytes: number }[]>. The GPUs that libtorch can use; none
// unless libtorch_cuda was opened before the addon (lib/binding.ts).
static Napi::Value cuda_devices(const Napi::CallbackInfo& info) {
  return on_engine(
      info.Env(),
      [] {
        auto devices = cuda_driver_devices();
        const size_t usable = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
        devices.resize(usable, {"unknown GPU", 0});
        return devices;
      },
      [](Napi::Env env, const std::vector<CudaDevice>& devices) {
        auto result = Napi::Array::New(env, devices.size());
        for (uint32_t i = 0; i < devices.size(); i++) {
          auto device = Napi::Object::New(env);
          device.Set("name", devices[i].name);
          device.Set("memoryBytes", static_cast<double>(devices[i].memory_bytes));
          result.Set(i, device);
        }
        return result;
      });
}

// cancelAndJoin(): void. Stops every native thread of this environment: called from process.on('exit').
static void cancel_and_join(const Napi::CallbackInfo& info) { Environment::of(info.Env()).cancel_and_join(); }

void register_environment(Napi::Env env, Napi::Object exports) {
  // float32 means float32 on a GPU too: libtorch would let cuDNN round convolutions to 10 bits.
  at::globalContext().setAllowTF32CuDNN(false);
  export_function<version>(env, exports, "version");
  export_function<set_threads>(env, exports, "setThreads");
  export_function<cuda_devices>(env, exports, "cudaDevices");
  export_function<cancel_and_join>(env, exports, "cancelAndJoin");
}

}  // namespace beit::bindings
