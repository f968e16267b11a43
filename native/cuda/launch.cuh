// What every kernel file starts with: the CUDA language and how a kernel is launched. Written so that the
// same file compiles as plain C++ with the emulator of test/cuda/emulator in the place of nvcc: no <<<>>>, no
// `extern __shared__`, no inline assembly outside tensor_cores.cuh.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#else
#include "cuda_emulator.h"
#endif

#include <cstddef>
#include <cstdint>

namespace beit::cuda {

#ifdef __CUDACC__

// The shared memory whose size the launch decides, aligned to 16 bytes.
template <class T>
__device__ inline T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char bytes_of_block[];
  return reinterpret_cast<T*>(bytes_of_block);
}

// Queues a kernel on a stream. `shared` bytes of dynamic shared memory may be more than the 48 KiB that need
// no asking; the error then is that of a device that has less.
template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                   Arguments... arguments) {
  if (shared > 48 * 1024) {
    const cudaError_t error =
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
    if (error != cudaSuccess) return error;
  }
  kernel<<<grid, block, shared, stream>>>(static_cast<Parameters>(arguments)...);
  return cudaGetLastError();
}

#else

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(emulator::dynamic_shared_memory());
}

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared, cudaStream_t,
                   Arguments... arguments) {
  return emulator::run_grid(grid, block, shared, [=] { kernel(static_cast<Parameters>(arguments)...); });
}

#endif

}  // namespace beit::cuda
