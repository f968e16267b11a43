// Names and memory of GPUs from the NVIDIA driver itself (libcuda.so.1), since the addon does not link CUDA.
// Knows nothing of JavaScript or libtorch.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace beit {

struct CudaDevice {
  std::string name;
  int64_t memory_bytes;
};

// The GPUs that this process may use, in the order of their 'cuda:N'; empty where there is no driver.
std::vector<CudaDevice> cuda_driver_devices();

}  // namespace beit
