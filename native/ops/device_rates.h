// What a device reaches at its best: a floor for anything that runs on it (bench/performance/floor.ts).
#pragma once
#include <ATen/ATen.h>

namespace beit::ops {

struct DeviceRates {
  double arithmetic = 0.0;  // FLOP/s of a matrix product: bfloat16 on a GPU, float32 on a CPU
  double memory = 0.0;      // bytes a second of a copy, read and written
};

// Of products of matrices of `side` by `side`, and of copies of `bytes`: the fastest of several runs.
DeviceRates measure_device_rates(at::Device device, int64_t side, int64_t bytes);

}  // namespace beit::ops
