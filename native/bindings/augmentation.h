// Settings of the augmentation of batches as they come from lib/native.ts, checked again.
#pragma once
#include <napi.h>

#include "data/mixing.h"
#include "train/batch_mixing.h"

namespace beit::bindings {

ErasingSettings erasing_settings_from(const Napi::Value& value);
// BatchErasing and MixPlan of lib/native.ts.
train::BatchErasing batch_erasing_from(const Napi::Value& value);
MixPlan mix_plan_from(const Napi::Value& value);

}  // namespace beit::bindings
