// What is done to batches for training, one decision at a time: plans of mixing, boxes of random erasing.
#include "bindings/augmentation.h"

#include <climits>

#include "bindings/register.h"
#include "bindings/values.h"
#include "bindings/view_settings.h"
#include "data/mixing.h"

namespace beit::bindings {

namespace {

constexpr int64_t kMaxInteger = (int64_t{1} << 53) - 1;  // of JavaScript
constexpr double kMaxAlpha = 1e4;
constexpr double kMaxAspect = 1e3;
constexpr int64_t kMaxBoxes = 1000;

uint64_t seed_from(const Napi::Value& value) {
  return static_cast<uint64_t>(integer_between(value, "seed", 0, kMaxInteger));
}

uint32_t epoch_from(const Napi::Value& value) {
  return static_cast<uint32_t>(integer_between(value, "epoch", 0, UINT32_MAX));
}

MixSettings mix_settings_from(const Napi::Value& value) {
  const auto object = object_from(value, "settings");
  const auto size = size_from(object.Get("imageSize"), "imageSize");
  return {number_between(object.Get("mixup"), "mixup", 0, kMaxAlpha),
          number_between(object.Get("cutmix"), "cutmix", 0, kMaxAlpha),
          number_between(object.Get("probability"), "probability", 0, 1),
          number_between(object.Get("switchProbability"), "switchProbability", 0, 1),
          size.height,
          size.width};
}

// [top, left, height, width]
Napi::Value box_to_js(Napi::Env env, const Box& box) {
  auto array = Napi::Array::New(env, 4);
  const std::array sides{box.top, box.left, box.height, box.width};
  for (uint32_t i = 0; i < sides.size(); i++) array.Set(i, sides[i]);
  return array;
}

}  // namespace

ErasingSettings erasing_settings_from(const Napi::Value& value) {
  const auto object = object_from(value, "erase");
  ErasingSettings settings{};
  settings.probability = number_between(object.Get("probability"), "erase.probability", 0, 1);
  settings.min_area = number_between(object.Get("minArea"), "erase.minArea", 0, 1);
  settings.max_area = number_between(object.Get("maxArea"), "erase.maxArea", settings.min_area, 1);
  settings.min_aspect =
      number_between(object.Get("minAspect"), "erase.minAspect", 1 / kMaxAspect, kMaxAspect);
  settings.max_aspect =
      number_between(object.Get("maxAspect"), "erase.maxAspect", settings.min_aspect, kMaxAspect);
  settings.count = static_cast<int>(integer_between(object.Get("count"), "erase.count", 1, kMaxBoxes));
  return settings;
}

// mixPlan(settings: MixSettings, seed: number, epoch: number, batch: number): MixPlan | null
static Napi::Value mix_plan_of_batch(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto plan = mix_plan(mix_settings_from(info[0]), seed_from(info[1]), epoch_from(info[2]),
                             static_cast<uint64_t>(integer_between(info[3], "batch", 0, kMaxInteger)));
  if (!plan) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("kind", plan->box ? "cutmix" : "mixup");
  object.Set("lambda", plan->lambda);
  object.Set("box", plan->box ? box_to_js(env, *plan->box) : env.Null());
  return object;
}

// randomErasing(settings: ErasingSettings, imageSize, seed: number, epoch: number, index: number): Erasure[]
static Napi::Value random_erasing_of_sample(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto size = size_from(info[1], "imageSize");
  const auto erasures = random_erasing(
      erasing_settings_from(info[0]), size.height, size.width, seed_from(info[2]), epoch_from(info[3]),
      static_cast<uint64_t>(integer_between(info[4], "index", 0, kMaxInteger)));
  auto array = Napi::Array::New(env, erasures.size());
  for (uint32_t i = 0; i < erasures.size(); i++) {
    const auto& [box, values] = erasures[i];
    auto noise = Napi::Float32Array::New(env, values.size());
    std::copy(values.begin(), values.end(), noise.Data());
    auto object = Napi::Object::New(env);
    object.Set("box", box_to_js(env, box));
    object.Set("noise", noise);
    array.Set(i, object);
  }
  return array;
}

void register_augmentation(Napi::Env env, Napi::Object exports) {
  export_function<mix_plan_of_batch>(env, exports, "mixPlan");
  export_function<random_erasing_of_sample>(env, exports, "randomErasing");
}

}  // namespace beit::bindings
