// Settings of the augmentation of batches as they come from lib/native.ts, checked again.
#pragma once
#include <napi.h>

#include "data/random_erasing.h"

namespace beit::bindings {

ErasingSettings erasing_settings_from(const Napi::Value& value);

}  // namespace beit::bindings
