// The settings of the image loader as they come from lib/native.ts, checked again: native code must not be
// made to write outside its memory by a wrong number.
#pragma once
#include <napi.h>

#include "data/two_views.h"

namespace beit::bindings {

ViewSettings view_settings_from(const Napi::Value& value);
MaskSettings mask_settings_from(const Napi::Value& value);
RandAugmentSettings rand_augment_settings_from(const Napi::Value& value);

Interpolation interpolation_from(const Napi::Value& value, const char* name);
std::array<uint8_t, 3> color_from(const Napi::Value& value, const char* name);  // red, green, blue
Size size_from(const Napi::Value& value, const char* name);
std::vector<double> numbers_from(const Napi::Value& value, const char* name, size_t count);

// { rgb: Uint8Array, width: number, height: number }: the memory stays JavaScript's.
ImageView raw_image_from(const Napi::Value& value, const char* name);

}  // namespace beit::bindings
