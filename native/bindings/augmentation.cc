// Augmentation one decision at a time: RandAugment, plans of mixing, boxes of random erasing.
#include "bindings/augmentation.h"

#include <algorithm>
#include <climits>

#include "bindings/background.h"
#include "bindings/register.h"
#include "bindings/values.h"
#include "bindings/view_settings.h"

namespace beit::bindings {

namespace {

constexpr double kMaxAlpha = 1e4;
constexpr double kMaxAspect = 1e3;
constexpr int64_t kMaxBoxes = 1000;
// Of an image whose noise is made while the caller waits.
constexpr int64_t kMaxErasedPixels = int64_t{1} << 24;

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

const char* warp_interpolation_name(Interpolation interpolation) {
  return interpolation == Interpolation::kBilinear ? "bilinear" : "bicubic";
}

// The largest argument that stands for something: of rotation. Others are bounded by what they mean.
constexpr double kMaxArgument = 1e4;

ImageOp image_op_from(const Napi::Value& value) {
  const auto object = object_from(value, "op");
  const auto name = string_from(object.Get("kind"), "op.kind");
  const auto found = std::find(kImageOpNames.begin(), kImageOpNames.end(), name);
  if (found == kImageOpNames.end()) fail("ERR_INVALID_ARGUMENT", "op.kind: there is no '", name, "'");
  const auto kind = static_cast<ImageOpKind>(found - kImageOpNames.begin());
  const auto interpolation = interpolation_from(object.Get("interpolation"), "op.interpolation");
  const auto argument = [&](double low, double high) {
    return number_between(object.Get("argument"), "op.argument", low, high);
  };
  switch (kind) {
    case ImageOpKind::kPosterize:
      return {kind, argument(0, 8), interpolation};
    case ImageOpKind::kSolarize:
    case ImageOpKind::kSolarizeAdd:
      return {kind, argument(0, 256), interpolation};
    default:
      return {kind, argument(-kMaxArgument, kMaxArgument), interpolation};
  }
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

train::BatchErasing batch_erasing_from(const Napi::Value& value) {
  const auto object = object_from(value, "erase");
  train::BatchErasing erasing{
      erasing_settings_from(value), seed_from(object.Get("seed")), epoch_from(object.Get("epoch")), {}};
  const auto indices = object_from(object.Get("indices"), "erase.indices").As<Napi::Array>();
  for (uint32_t i = 0; i < indices.Length(); i++) {
    erasing.indices.push_back(
        static_cast<uint64_t>(integer_between(indices.Get(i), "erase.indices", 0, kMaxInteger)));
  }
  return erasing;
}

MixPlan mix_plan_from(const Napi::Value& value) {
  const auto object = object_from(value, "mix");
  MixPlan plan{number_between(object.Get("lambda"), "mix.lambda", 0, 1), std::nullopt};
  const auto kind = string_from(object.Get("kind"), "mix.kind");
  if (kind == "mixup") return plan;
  if (kind != "cutmix") {
    fail("ERR_INVALID_ARGUMENT", "mix.kind: expected 'mixup' or 'cutmix', got '", kind, "'");
  }
  const auto sides = object_from(object.Get("box"), "mix.box").As<Napi::Array>();
  const auto side = [&](uint32_t i) {
    return static_cast<int>(integer_between(sides.Get(i), "mix.box", 0, INT_MAX));
  };
  plan.box = Box{.left = side(1), .top = side(0), .width = side(3), .height = side(2)};
  return plan;
}

// randAugment(settings: RandAugmentSettings, seed: number, epoch: number, index: number): ImageOp[]
static Napi::Value rand_augment_of_sample(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const SampleRandom random(seed_from(info[1]), epoch_from(info[2]), index_from(info[3]),
                            Stream::kRandAugment);
  const auto ops = rand_augment(rand_augment_settings_from(info[0]), random);
  auto array = Napi::Array::New(env, ops.size());
  for (uint32_t i = 0; i < ops.size(); i++) {
    auto object = Napi::Object::New(env);
    object.Set("kind", kImageOpNames[static_cast<size_t>(ops[i].kind)]);
    object.Set("argument", ops[i].argument);
    object.Set("interpolation", warp_interpolation_name(ops[i].interpolation));
    array.Set(i, object);
  }
  return array;
}

// applyImageOp(image: RawImage, op: ImageOp, fill: number[3]): Promise<Uint8Array>, (3, height, width)
static Napi::Value apply_image_op(const Napi::CallbackInfo& info) {
  const auto image = raw_image_from(info[0], "image");
  const auto op = image_op_from(info[1]);
  const auto fill = color_from(info[2], "fill");
  return in_background(
      info.Env(),
      [=] {
        const int64_t pixels = int64_t{image.width} * image.height;
        std::vector<uint8_t> planes(static_cast<size_t>(3 * pixels));
        for (int64_t i = 0; i < 3 * pixels; i++) planes[i % 3 * pixels + i / 3] = image.rgb[i];
        std::vector<uint8_t> copy;
        apply(op, fill, fastest_kernels(), planes.data(), image.height, image.width, copy);
        return planes;
      },
      [](Napi::Env env, const std::vector<uint8_t>& planes) {
        auto array = Napi::Uint8Array::New(env, planes.size());
        std::copy(planes.begin(), planes.end(), array.Data());
        return array;
      },
      info[0].As<Napi::Object>().Get("rgb"));
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
  if (int64_t{size.height} * size.width > kMaxErasedPixels) {
    fail("ERR_INVALID_ARGUMENT", "imageSize: expected at most ", kMaxErasedPixels, " pixels, got ",
         size.height, " x ", size.width);
  }
  const auto erasures = random_erasing(erasing_settings_from(info[0]), size.height, size.width,
                                       seed_from(info[2]), epoch_from(info[3]), index_from(info[4]));
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
  export_function<rand_augment_of_sample>(env, exports, "randAugment");
  export_function<apply_image_op>(env, exports, "applyImageOp");
  export_function<mix_plan_of_batch>(env, exports, "mixPlan");
  export_function<random_erasing_of_sample>(env, exports, "randomErasing");
}

}  // namespace beit::bindings
