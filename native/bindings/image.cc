// Pieces of the image loader by themselves: one JPEG, one image through explicit decisions, an order, masks.
#include <climits>

#include "bindings/background.h"
#include "bindings/register.h"
#include "bindings/values.h"
#include "bindings/view_settings.h"
#include "data/decode_jpeg.h"
#include "data/permutation.h"

namespace beit::bindings {

namespace {

Napi::Value bytes_to_js(Napi::Env env, const uint8_t* data, size_t length) {
  auto array = Napi::Uint8Array::New(env, length);
  std::copy_n(data, length, array.Data());
  return array;
}

constexpr float kMaxFactor = 1000;  // of a jitter step: what it blends then fits 32 bits

JitterStep jitter_step_from(const Napi::Value& value) {
  const auto object = object_from(value, "jitter");
  const auto kind = string_from(object.Get("kind"), "jitter.kind");
  const auto factor = static_cast<float>(number_from(object.Get("factor"), "jitter.factor"));
  if (!(factor >= 0 && factor <= kMaxFactor)) {
    fail("ERR_INVALID_ARGUMENT", "jitter.factor: expected a number from 0 to ", kMaxFactor, ", got ", factor);
  }
  if (kind == "brightness") return {JitterStep::Kind::kBrightness, factor};
  if (kind == "contrast") return {JitterStep::Kind::kContrast, factor};
  if (kind == "saturation") return {JitterStep::Kind::kSaturation, factor};
  fail("ERR_INVALID_ARGUMENT", "jitter.kind: expected brightness, contrast or saturation, got '", kind, "'");
}

// A box that lies inside `image`.
Box box_from(const Napi::Value& value, const ImageView& image) {
  const auto numbers = integers_from(value, "box");
  if (numbers.size() != 4) fail("ERR_INVALID_ARGUMENT", "box: expected [left, top, width, height]");
  const auto inside = [](int64_t begin, int64_t length, int64_t end) {
    return begin >= 0 && length >= 1 && length <= end && begin <= end - length;
  };
  if (!inside(numbers[0], numbers[2], image.width) || !inside(numbers[1], numbers[3], image.height)) {
    fail("ERR_INVALID_ARGUMENT", "box: [", at::IntArrayRef(numbers), "] is not inside the image of ",
         image.width, " x ", image.height);
  }
  const auto side = [&](size_t i) { return static_cast<int>(numbers[i]); };
  return {side(0), side(1), side(2), side(3)};
}

}  // namespace

// decodeJpeg(bytes: Uint8Array, maxPixels: number): Promise<{ status, message, rgb, width, height }>
static Napi::Value decode_jpeg_to_rgb(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray()) fail("ERR_INVALID_ARGUMENT", "bytes: expected a Uint8Array");
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const auto* data = bytes.Data();
  const auto length = bytes.ByteLength();
  const auto max_pixels = integer_between(info[1], "maxPixels", 1, INT_MAX);
  struct Decoded {
    DecodeResult result;
    Image image;
  };
  return in_background(
      info.Env(),
      [=] {
        Decoded decoded;
        Image turned;
        decoded.result = decode_jpeg(data, length, max_pixels, decoded.image, turned);
        return decoded;
      },
      [](Napi::Env env, const Decoded& decoded) {
        const bool ok = decoded.result.status == DecodeStatus::kOk;
        const auto& image = decoded.image;
        auto object = Napi::Object::New(env);
        object.Set("status", decode_status_name(decoded.result.status));
        object.Set("message", decoded.result.message);
        object.Set("rgb", ok ? bytes_to_js(env, image.rgb.data(), size_t{3} * image.width * image.height)
                             : env.Null());
        object.Set("width", ok ? image.width : 0);
        object.Set("height", ok ? image.height : 0);
        return object;
      },
      bytes);
}

// Undefined: the fastest that this processor runs.
static const ImageKernels& kernels_from(const Napi::Value& value) {
  if (is_absent(value)) return fastest_kernels();
  const auto name = string_from(value, "kernels");
  if (name == "plain") return kPlainKernels;
#if defined(__x86_64__) && defined(__GNUC__)
  if (name == "avx2") return kAvx2Kernels;
#endif
  fail("ERR_INVALID_ARGUMENT", "kernels: expected 'plain' or, on x86-64, 'avx2', got '", name, "'");
}

// transformImage(image: RawImage, transform: ImageTransform): Promise<Uint8Array>, (3, height, width)
static Napi::Value transform_image(const Napi::CallbackInfo& info) {
  const auto image = raw_image_from(info[0], "image");
  const auto transform = object_from(info[1], "transform");
  const auto steps = object_from(transform.Get("jitter"), "jitter").As<Napi::Array>();
  CropPlan plan;
  for (uint32_t i = 0; i < steps.Length(); i++) plan.jitter.push_back(jitter_step_from(steps.Get(i)));
  plan.flip = boolean_from(transform.Get("flip"), "flip");
  plan.box = box_from(transform.Get("box"), image);
  const auto size = size_from(transform.Get("size"), "size");
  const auto interpolation = interpolation_from(transform.Get("interpolation"), "interpolation");
  const ImageKernels& kernels = kernels_from(transform.Get("kernels"));
  return in_background(
      info.Env(),
      [=, &kernels] {
        ViewScratch scratch;
        scratch.kernels = &kernels;
        crop(image, plan, *scratch.kernels, scratch.crop);
        std::vector<uint8_t> planes(size_t{3} * size.height * size.width);
        resample(scratch.crop.view(), size.width, size.height, {0, 0, size.width, size.height}, interpolation,
                 *scratch.kernels, scratch.between, planes.data());
        return planes;
      },
      [](Napi::Env env, const std::vector<uint8_t>& planes) {
        return bytes_to_js(env, planes.data(), planes.size());
      },
      info[0].As<Napi::Object>().Get("rgb"));
}

// permutation(count: number, seed: number, epoch: number): Promise<Uint32Array>
static Napi::Value permutation_of(const Napi::CallbackInfo& info) {
  const auto count = static_cast<uint32_t>(integer_between(info[0], "count", 0, UINT32_MAX));
  const auto seed = seed_from(info[1]);
  const auto epoch = epoch_from(info[2]);
  return in_background(
      info.Env(), [=] { return permutation(count, seed, epoch); },
      [](Napi::Env env, const std::vector<uint32_t>& order) {
        auto array = Napi::Uint32Array::New(env, order.size());
        std::copy(order.begin(), order.end(), array.Data());
        return array;
      });
}

// blockwiseMask(settings: MaskSettings, seed: number, epoch: number, indices: number[]): Uint8Array
static Napi::Value blockwise_masks(const Napi::CallbackInfo& info) {
  const auto settings = mask_settings_from(info[0]);
  const auto seed = seed_from(info[1]);
  const auto epoch = epoch_from(info[2]);
  const auto indices = integers_from(info[3], "indices");
  auto masks = Napi::Uint8Array::New(info.Env(), indices.size() * static_cast<size_t>(settings.grid_size()));
  uint8_t* mask = masks.Data();
  for (const int64_t index : indices) {
    blockwise_mask(settings, SampleRandom(seed, epoch, static_cast<uint64_t>(index), Stream::kMask), mask);
    mask += settings.grid_size();
  }
  return masks;
}

// philox(key: number[2], counter: number[4]): number[4]
static Napi::Value philox(const Napi::CallbackInfo& info) {
  const auto key = integers_from(info[0], "key"), counter = integers_from(info[1], "counter");
  if (key.size() != 2 || counter.size() != 4) {
    fail("ERR_INVALID_ARGUMENT", "expected a key of 2 words of 32 bits and a counter of 4, got ", key.size(),
         " and ", counter.size());
  }
  const auto word = [](int64_t number) { return static_cast<uint32_t>(number); };
  const auto block = philox4x32(uint64_t{word(key[1])} << 32 | word(key[0]),
                                {{word(counter[0]), word(counter[1]), word(counter[2]), word(counter[3])}});
  auto result = Napi::Array::New(info.Env(), 4);
  for (uint32_t i = 0; i < 4; i++) result.Set(i, block.words[i]);
  return result;
}

void register_image(Napi::Env env, Napi::Object exports) {
  export_function<decode_jpeg_to_rgb>(env, exports, "decodeJpeg");
  export_function<transform_image>(env, exports, "transformImage");
  export_function<permutation_of>(env, exports, "permutation");
  export_function<blockwise_masks>(env, exports, "blockwiseMask");
  export_function<philox>(env, exports, "philox");
}

}  // namespace beit::bindings
