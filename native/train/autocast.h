// Mixed precision of a scope: matrix products and convolutions in bfloat16, weights and sums in float32.
#pragma once
#include <ATen/ATen.h>

#include "ops/compute.h"

namespace beit::train {

using ops::Precision;

// Autocast for operations on `device` while the object lives; the settings of before afterwards. Autocast is
// per thread, so it is set here, on the engine thread, and not by whoever asked for the precision.
class Autocast {
 public:
  Autocast(at::Device device, Precision precision);
  // What a Transformer needs: nothing on the CPU, where its own operations choose the arithmetic of each
  // product (ops/linear.h).
  static Autocast for_transformer(at::Device device, const ops::Compute& compute);
  // What its matrix products then take their operands as.
  static at::ScalarType transformer_type(at::Device device, const ops::Compute& compute);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType device_type_;
  bool was_enabled_;
  at::ScalarType dtype_before_;
};

}  // namespace beit::train
