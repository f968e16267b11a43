// Arguments that training, evaluation and probes share.
#pragma once
#include <napi.h>

#include <array>

#include "bindings/values.h"
#include "train/autocast.h"
#include "train/classification_loss.h"

namespace beit::bindings {

template <size_t size>
std::array<double, size> numbers_from(const Napi::Value& value, const char* name) {
  auto array = object_from(value, name).As<Napi::Array>();
  if (!value.IsArray() || array.Length() != size) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected an array of ", size, " numbers");
  }
  std::array<double, size> result;
  for (uint32_t i = 0; i < size; i++) result[i] = number_from(array.Get(i), name);
  return result;
}

inline train::Precision precision_from(const Napi::Value& value) {
  const auto name = string_from(value, "precision");
  if (name == "fp32") return train::Precision::kFp32;
  if (name == "bf16") return train::Precision::kBf16;
  fail("ERR_INVALID_ARGUMENT", "precision: expected 'fp32' or 'bf16', got '", name, "'");
}

inline bool optimize_from(const Napi::Value& value) {
  const auto name = string_from(value, "optimize");
  if (name == "auto" || name == "off") return name == "auto";
  fail("ERR_INVALID_ARGUMENT", "optimize: expected 'auto' or 'off', got '", name, "'");
}

// { precision, optimize }
inline ops::Compute compute_from(const Napi::Object& settings) {
  return {precision_from(settings.Get("precision")), optimize_from(settings.Get("optimize"))};
}

inline train::ClassificationLoss classification_loss_from(const Napi::Value& value) {
  const auto name = string_from(value, "loss");
  if (name == "cross-entropy") return train::ClassificationLoss::kCrossEntropy;
  if (name == "binary-cross-entropy") return train::ClassificationLoss::kBinaryCrossEntropy;
  fail("ERR_INVALID_ARGUMENT", "loss: expected 'cross-entropy' or 'binary-cross-entropy', got '", name, "'");
}

}  // namespace beit::bindings
