// Reading arguments and making results: small conversions that every binding needs.
#pragma once
#include <ATen/ATen.h>
#include <napi.h>

#include <string>
#include <vector>

#include "bindings/handle.h"
#include "engine/tensor_slot.h"

namespace beit::bindings {

using SlotPtr = std::shared_ptr<TensorSlot>;

// 'float32' | 'float64' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint8' | 'bool'
at::ScalarType dtype_from_name(const std::string& name);
const char* dtype_name(at::ScalarType dtype);

at::Device device_from_name(const std::string& name);  // 'cpu', 'cuda' or 'cuda:N'

std::string string_from(const Napi::Value& value, const char* name);
int64_t integer_from(const Napi::Value& value, const char* name);
double number_from(const Napi::Value& value, const char* name);
double number_between(const Napi::Value& value, const char* name, double low, double high);
// A whole number in low..high.
int64_t integer_between(const Napi::Value& value, const char* name, int64_t low, int64_t high);
bool boolean_from(const Napi::Value& value, const char* name);
Napi::Object object_from(const Napi::Value& value, const char* name);
std::vector<int64_t> integers_from(const Napi::Value& value, const char* name);
std::vector<std::string> strings_from(const Napi::Value& value, const char* name);
std::vector<SlotPtr> tensors_from(const Napi::Value& value, const char* name);

constexpr int64_t kMaxInteger = (int64_t{1} << 53) - 1;  // of JavaScript

// What the random numbers of a sample are a function of.
inline uint64_t seed_from(const Napi::Value& value) {
  return static_cast<uint64_t>(integer_between(value, "seed", 0, kMaxInteger));
}
inline uint32_t epoch_from(const Napi::Value& value) {
  return static_cast<uint32_t>(integer_between(value, "epoch", 0, UINT32_MAX));
}
inline uint64_t index_from(const Napi::Value& value) {
  return static_cast<uint64_t>(integer_between(value, "index", 0, kMaxInteger));
}

inline SlotPtr tensor_from(const Napi::Value& value, const char* name) {
  return from_handle<TensorSlot>(value, name);
}
inline bool is_absent(const Napi::Value& value) { return value.IsNull() || value.IsUndefined(); }
// null and undefined give an empty pointer.
inline SlotPtr optional_tensor_from(const Napi::Value& value, const char* name) {
  return is_absent(value) ? nullptr : tensor_from(value, name);
}

std::vector<SlotPtr> optional_tensors_from(const Napi::Value& value, const char* name);

// A tensor handle that owns its memory: what JavaScript's garbage collector is told is the tensor's size.
Napi::Value tensor_to_js(Napi::Env env, SlotPtr slot);
inline Napi::Value tensor_to_js(Napi::Env env, at::Tensor tensor) {
  return tensor_to_js(env, std::make_shared<TensorSlot>(std::move(tensor)));
}
// A handle on memory that something else owns (a parameter of a model): nothing is accounted.
Napi::Value tensor_view_to_js(Napi::Env env, at::Tensor tensor);

}  // namespace beit::bindings
