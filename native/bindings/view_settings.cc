#include "bindings/view_settings.h"

#include <climits>
#include <limits>

#include "bindings/values.h"

namespace beit::bindings {

namespace {

// The largest side of a view or of a patch grid.
constexpr int64_t kMaxSide = 1 << 16;
constexpr int64_t kMaxPadding = 1024;
constexpr double kMaxMagnitude = 1000;
constexpr int64_t kMaxLayers = 100;
// A view is cut out of an image at most this much larger.
constexpr double kMinCropShare = 0.01;
// Of an image: three bytes a pixel of a row then fit 32 bits.
constexpr int64_t kMaxImageSide = 1 << 26;

std::array<double, 2> range_from(const Napi::Value& value, const char* name, double limit) {
  const auto numbers = numbers_from(value, name, 2);
  if (!(0 < numbers[0] && numbers[0] <= numbers[1] && numbers[1] <= limit)) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected two numbers 0 < from <= to <= ", limit, ", got ",
         numbers[0], ", ", numbers[1]);
  }
  return {numbers[0], numbers[1]};
}

MaskSettings::Mode mode_from(const Napi::Value& value) {
  const auto mode = string_from(value, "mask.mode");
  if (mode == "original") return MaskSettings::Mode::kOriginal;
  if (mode == "exact") return MaskSettings::Mode::kExact;
  if (mode == "random") return MaskSettings::Mode::kRandom;
  fail("ERR_INVALID_ARGUMENT", "mask.mode: expected original, exact or random, got '", mode, "'");
}

// Interpolations of a transform that moves pixels.
std::optional<Interpolation> warp_interpolation_from(const Napi::Value& value, const char* name) {
  const auto interpolation = string_from(value, name);
  if (interpolation == "random") return std::nullopt;
  if (interpolation == "bilinear") return Interpolation::kBilinear;
  if (interpolation == "bicubic") return Interpolation::kBicubic;
  fail("ERR_INVALID_ARGUMENT", name, ": expected bilinear, bicubic or random, got '", interpolation, "'");
}

Crop crop_from(const Napi::Value& value) {
  const auto crop = string_from(value, "crop");
  if (crop == "random-resized-crop") return Crop::kRandomResized;
  if (crop == "random-crop") return Crop::kRandom;
  if (crop == "center-crop") return Crop::kCenter;
  if (crop == "whole") return Crop::kWhole;
  fail("ERR_INVALID_ARGUMENT", "crop: expected random-resized-crop, random-crop, center-crop or whole, got '",
       crop, "'");
}

}  // namespace

std::vector<double> numbers_from(const Napi::Value& value, const char* name, size_t count) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != count) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected an array of ", count, " numbers");
  }
  std::vector<double> numbers;
  for (uint32_t i = 0; i < count; i++) {
    numbers.push_back(number_between(value.As<Napi::Array>().Get(i), name, -1e9, 1e9));
  }
  return numbers;
}

Size size_from(const Napi::Value& value, const char* name) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != 2) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected [height, width]");
  }
  const auto side = [&](uint32_t i) {
    return static_cast<int>(integer_between(value.As<Napi::Array>().Get(i), name, 1, kMaxSide));
  };
  return {side(0), side(1)};
}

Interpolation interpolation_from(const Napi::Value& value, const char* name) {
  const auto interpolation = string_from(value, name);
  if (interpolation == "bilinear") return Interpolation::kBilinear;
  if (interpolation == "bicubic") return Interpolation::kBicubic;
  if (interpolation == "lanczos") return Interpolation::kLanczos;
  fail("ERR_INVALID_ARGUMENT", name, ": expected bilinear, bicubic or lanczos, got '", interpolation, "'");
}

MaskSettings mask_settings_from(const Napi::Value& value) {
  const auto object = object_from(value, "mask");
  const auto grid = size_from(object.Get("grid"), "mask.grid");
  MaskSettings settings{};
  settings.mode = mode_from(object.Get("mode"));
  settings.rows = grid.height;
  settings.columns = grid.width;
  const int64_t total = int64_t{grid.height} * grid.width;
  if (total > INT_MAX) fail("ERR_INVALID_ARGUMENT", "mask.grid: too many patches");
  settings.patches = static_cast<int>(integer_between(object.Get("patches"), "mask.patches", 1, total));
  settings.min_patches_per_block = static_cast<int>(
      integer_between(object.Get("minPatchesPerBlock"), "mask.minPatchesPerBlock", 1, total));
  const auto max_patches = object.Get("maxPatchesPerBlock");
  settings.max_patches_per_block =
      max_patches.IsNull() || max_patches.IsUndefined()
          ? settings.patches
          : static_cast<int>(integer_between(max_patches, "mask.maxPatchesPerBlock", 1, total));
  settings.min_aspect = number_between(object.Get("minAspect"), "mask.minAspect", 1e-3, 1);
  return settings;
}

RandAugmentSettings rand_augment_settings_from(const Napi::Value& value) {
  const auto object = object_from(value, "randAugment");
  RandAugmentSettings settings{};
  settings.max_magnitude =
      number_between(object.Get("maxMagnitude"), "randAugment.maxMagnitude", 0, kMaxMagnitude);
  settings.magnitude =
      number_between(object.Get("magnitude"), "randAugment.magnitude", 0, settings.max_magnitude);
  settings.magnitude_std = number_between(object.Get("magnitudeStd"), "randAugment.magnitudeStd", 0,
                                          std::numeric_limits<double>::infinity());
  settings.layers =
      static_cast<int>(integer_between(object.Get("layers"), "randAugment.layers", 1, kMaxLayers));
  settings.probability = number_between(object.Get("probability"), "randAugment.probability", 0, 1);
  settings.increasing = boolean_from(object.Get("increasing"), "randAugment.increasing");
  settings.interpolation = warp_interpolation_from(object.Get("interpolation"), "randAugment.interpolation");
  settings.fill = color_from(object.Get("fill"), "randAugment.fill");
  return settings;
}

std::array<uint8_t, 3> color_from(const Napi::Value& value, const char* name) {
  const auto numbers = numbers_from(value, name, 3);
  std::array<uint8_t, 3> color;
  for (size_t i = 0; i < 3; i++) {
    if (!(numbers[i] >= 0 && numbers[i] <= 255)) {
      fail("ERR_INVALID_ARGUMENT", name, ": expected red, green, blue from 0 to 255, got ", numbers[i]);
    }
    color[i] = static_cast<uint8_t>(numbers[i]);
  }
  return color;
}

ViewSettings view_settings_from(const Napi::Value& value) {
  const auto object = object_from(value, "settings");
  const auto is_set = [&](const char* name) {
    return !object.Get(name).IsNull() && !object.Get(name).IsUndefined();
  };
  ViewSettings settings{};
  settings.seed =
      static_cast<uint64_t>(integer_between(object.Get("seed"), "seed", 0, (int64_t{1} << 53) - 1));
  settings.image_size = size_from(object.Get("imageSize"), "imageSize");
  if (is_set("tokenImageSize"))
    settings.token_image_size = size_from(object.Get("tokenImageSize"), "tokenImageSize");
  settings.crop = crop_from(object.Get("crop"));
  settings.padding = static_cast<int>(integer_between(object.Get("padding"), "padding", 0, kMaxPadding));
  settings.crop_share = number_between(object.Get("cropShare"), "cropShare", kMinCropShare, 1);
  settings.scale = range_from(object.Get("scale"), "scale", 1);
  settings.ratio = range_from(object.Get("ratio"), "ratio", 1000);
  settings.interpolation = interpolation_from(object.Get("interpolation"), "interpolation");
  settings.token_interpolation = interpolation_from(object.Get("tokenInterpolation"), "tokenInterpolation");
  settings.flip_probability = number_between(object.Get("flipProbability"), "flipProbability", 0, 1);
  const auto jitter = numbers_from(object.Get("colorJitter"), "colorJitter", 3);
  for (size_t i = 0; i < 3; i++) {
    if (jitter[i] < 0)
      fail("ERR_INVALID_ARGUMENT", "colorJitter: expected strengths of at least 0, got ", jitter[i]);
    settings.color_jitter[i] = jitter[i];
  }
  if (is_set("randAugment")) settings.rand_augment = rand_augment_settings_from(object.Get("randAugment"));
  if (is_set("mask")) settings.mask = mask_settings_from(object.Get("mask"));
  settings.max_pixels = integer_between(object.Get("maxPixels"), "maxPixels", 1, INT_MAX);
  return settings;
}

ImageView raw_image_from(const Napi::Value& value, const char* name) {
  const auto object = object_from(value, name);
  const auto width = static_cast<int>(integer_between(object.Get("width"), "width", 1, kMaxImageSide));
  const auto height = static_cast<int>(integer_between(object.Get("height"), "height", 1, kMaxImageSide));
  const auto rgb = object.Get("rgb");
  if (!rgb.IsTypedArray() || rgb.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    fail("ERR_INVALID_ARGUMENT", name, ".rgb: expected a Uint8Array");
  }
  const auto bytes = rgb.As<Napi::Uint8Array>();
  if (static_cast<double>(bytes.ByteLength()) != 3.0 * width * height) {
    fail("ERR_SHAPE_MISMATCH", name, ".rgb: ", width, " x ", height, " pixels of RGB are ",
         int64_t{3} * width * height, " bytes, got ", bytes.ByteLength());
  }
  return {bytes.Data(), width, height};
}

}  // namespace beit::bindings
