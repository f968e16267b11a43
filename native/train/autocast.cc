#include "train/autocast.h"

#include <ATen/autocast_mode.h>

namespace beit::train {

namespace {

Precision precision_of_transformer(at::Device device, const ops::Compute& compute) {
  return device.is_cpu() && compute.optimize ? Precision::kFp32 : compute.precision;
}

}  // namespace

Autocast::Autocast(at::Device device, Precision precision)
    : device_type_(device.type()),
      was_enabled_(at::autocast::is_autocast_enabled(device_type_)),
      dtype_before_(at::autocast::get_autocast_dtype(device_type_)) {
  at::autocast::set_autocast_dtype(device_type_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_type_, precision == Precision::kBf16);
  at::autocast::increment_nesting();
}

Autocast Autocast::for_transformer(at::Device device, const ops::Compute& compute) {
  return {device, precision_of_transformer(device, compute)};
}

at::ScalarType Autocast::transformer_type(at::Device device, const ops::Compute& compute) {
  return ops::product_type(precision_of_transformer(device, compute));
}

Autocast::~Autocast() {
  // The outermost scope drops the bfloat16 copies of the weights: the optimizer is about to change the
  // originals.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_type_, was_enabled_);
  at::autocast::set_autocast_dtype(device_type_, dtype_before_);
}

}  // namespace beit::train
