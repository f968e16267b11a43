// What CUDA kernels call as well as the CPU, with the same bits from both: operations of IEEE 754 alone, and
// nothing of the standard library but sqrt, nearbyint and ldexp. Compiled without fused multiply-adds.
#pragma once

#ifdef __CUDACC__
#define BEIT_HOST_DEVICE __host__ __device__
#else
#define BEIT_HOST_DEVICE
#endif
