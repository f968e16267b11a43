#include "bindings/values.h"

#include <array>

namespace beit::bindings {

namespace {

struct NamedDtype {
  const char* name;
  at::ScalarType dtype;
};
constexpr std::array<NamedDtype, 10> kDtypes{{{"float32", at::kFloat},
                                              {"float64", at::kDouble},
                                              {"float16", at::kHalf},
                                              {"bfloat16", at::kBFloat16},
                                              {"int64", at::kLong},
                                              {"int32", at::kInt},
                                              {"int16", at::kShort},
                                              {"int8", at::kChar},
                                              {"uint8", at::kByte},
                                              {"bool", at::kBool}}};

[[noreturn]] void wrong_type(const char* name, const char* expected) {
  fail("ERR_INVALID_ARGUMENT", name, ": expected ", expected);
}

Napi::Array array_from(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) wrong_type(name, "an array");
  return value.As<Napi::Array>();
}

template <class Convert>
auto map_array(const Napi::Value& value, const char* name, Convert convert) {
  auto array = array_from(value, name);
  std::vector<decltype(convert(value, name))> result;
  result.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) result.push_back(convert(array.Get(i), name));
  return result;
}

}  // namespace

at::ScalarType dtype_from_name(const std::string& name) {
  for (const auto& entry : kDtypes) {
    if (name == entry.name) return entry.dtype;
  }
  fail("ERR_INVALID_ARGUMENT", "unknown dtype '", name, "'");
}

const char* dtype_name(at::ScalarType dtype) {
  for (const auto& entry : kDtypes) {
    if (dtype == entry.dtype) return entry.name;
  }
  fail("ERR_NATIVE", "a tensor of dtype ", dtype, " has no name in JavaScript");
}

at::Device device_from_name(const std::string& name) {
  try {
    at::Device device(name);
    if (device.is_cpu() || device.is_cuda()) return device;
  } catch (const c10::Error&) {
  }
  fail("ERR_INVALID_ARGUMENT", "unknown device '", name, "': expected 'cpu', 'cuda' or 'cuda:N'");
}

std::string string_from(const Napi::Value& value, const char* name) {
  if (!value.IsString()) wrong_type(name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

double number_from(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) wrong_type(name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t integer_from(const Napi::Value& value, const char* name) {
  const double number = number_from(value, name);
  if (number != static_cast<double>(static_cast<int64_t>(number))) wrong_type(name, "an integer");
  return static_cast<int64_t>(number);
}

double number_between(const Napi::Value& value, const char* name, double low, double high) {
  const double number = number_from(value, name);
  if (!(number >= low && number <= high)) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected a number from ", low, " to ", high, ", got ", number);
  }
  return number;
}

int64_t integer_between(const Napi::Value& value, const char* name, int64_t low, int64_t high) {
  const int64_t number = integer_from(value, name);
  if (number < low || number > high) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected a whole number from ", low, " to ", high, ", got ",
         number);
  }
  return number;
}

bool boolean_from(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) wrong_type(name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

Napi::Object object_from(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) wrong_type(name, "an object");
  return value.As<Napi::Object>();
}

std::vector<int64_t> integers_from(const Napi::Value& value, const char* name) {
  return map_array(value, name, integer_from);
}

std::vector<std::string> strings_from(const Napi::Value& value, const char* name) {
  return map_array(value, name, string_from);
}

std::vector<SlotPtr> tensors_from(const Napi::Value& value, const char* name) {
  return map_array(value, name, tensor_from);
}

std::vector<SlotPtr> optional_tensors_from(const Napi::Value& value, const char* name) {
  return map_array(value, name, optional_tensor_from);
}

Napi::Value tensor_to_js(Napi::Env env, SlotPtr slot) {
  const int64_t bytes = slot->byte_length();
  return make_handle(env, std::move(slot), bytes);
}

Napi::Value tensor_view_to_js(Napi::Env env, at::Tensor tensor) {
  return make_handle(env, std::make_shared<TensorSlot>(std::move(tensor)), 0);
}

}  // namespace beit::bindings
