#include "engine/cuda_driver.h"

#include <dlfcn.h>

#include <array>

namespace beit {

namespace {

// The part of the driver's C interface that is needed: CUresult is 0 on success, CUdevice is an int.
template <class... Arguments>
class DriverCall {
 public:
  DriverCall(void* library, const char* name) : call_(reinterpret_cast<Call>(dlsym(library, name))) {}
  bool operator()(Arguments... arguments) const { return call_ != nullptr && call_(arguments...) == 0; }

 private:
  using Call = int (*)(Arguments...);
  Call call_;
};

}  // namespace

std::vector<CudaDevice> cuda_driver_devices() {
  std::vector<CudaDevice> devices;
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return devices;
  const DriverCall<unsigned> init(library, "cuInit");
  const DriverCall<int*> device_count(library, "cuDeviceGetCount");
  const DriverCall<int*, int> device_get(library, "cuDeviceGet");
  const DriverCall<char*, int, int> device_name(library, "cuDeviceGetName");
  const DriverCall<size_t*, int> total_memory(library, "cuDeviceTotalMem_v2");
  int count = 0;
  if (!init(0) || !device_count(&count)) return devices;
  for (int i = 0; i < count; i++) {
    int device = 0;
    size_t memory = 0;
    std::array<char, 256> name{};
    if (!device_get(&device, i) || !device_name(name.data(), static_cast<int>(name.size()), device) ||
        !total_memory(&memory, device)) {
      continue;
    }
    devices.push_back({name.data(), static_cast<int64_t>(memory)});
  }
  return devices;
}

}  // namespace beit
