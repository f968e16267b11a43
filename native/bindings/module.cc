// Models and tokenizers: made, described, loaded, moved, and called without recording a gradient.
#include "bindings/module.h"

#include <c10/core/GradMode.h>

#include <set>

#include "bindings/async.h"
#include "bindings/module_config.h"
#include "bindings/register.h"
#include "bindings/tensor_result.h"
#include "bindings/training_values.h"
#include "bindings/values.h"
#include "models/beit_for_image_classification.h"
#include "models/beit_for_masked_image_modeling.h"
#include "models/image_tokenizer.h"

namespace beit::bindings {

namespace {

using models::BeitForImageClassification;
using models::BeitForMaskedImageModeling;
using models::ImageTokenizer;
using ModulePtr = std::shared_ptr<nn::Module>;

Napi::Value module_to_js(Napi::Env env, ModulePtr module) {
  int64_t bytes = 0;
  std::set<const void*> counted;  // blocks share their index
  for (const auto& entry : module->state()) {
    if (!counted.insert(entry.tensor.const_data_ptr()).second) continue;
    bytes += static_cast<int64_t>(entry.tensor.nbytes());
  }
  return make_handle<nn::Module>(env, std::move(module), bytes);
}

at::Tensor get_or_undefined(const SlotPtr& slot) { return slot ? slot->get() : at::Tensor(); }

std::function<ModulePtr(const nn::ModuleOptions&)> maker_from(const std::string& kind,
                                                              const Napi::Object& config) {
  if (kind == "beit_for_masked_image_modeling") {
    return [config = beit_config_from(config)](const nn::ModuleOptions& options) -> ModulePtr {
      return std::make_shared<BeitForMaskedImageModeling>(config, options);
    };
  }
  if (kind == "beit_for_image_classification") {
    return [config = beit_config_from(config)](const nn::ModuleOptions& options) -> ModulePtr {
      return std::make_shared<BeitForImageClassification>(config, options);
    };
  }
  if (kind == "dalle_dvae") {
    return [config = dalle_dvae_config_from(config)](const nn::ModuleOptions& options) -> ModulePtr {
      return std::make_shared<models::DalleDvae>(config, options);
    };
  }
  if (kind == "conv_discrete_vae") {
    return [config = conv_discrete_vae_config_from(config)](const nn::ModuleOptions& options) -> ModulePtr {
      return std::make_shared<models::ConvDiscreteVae>(config, options);
    };
  }
  fail("ERR_INVALID_ARGUMENT", "unknown kind of module '", kind, "'");
}

std::shared_ptr<BeitForMaskedImageModeling> beit_from(const Napi::Value& value) {
  return module_from<BeitForMaskedImageModeling>(value, "module", "a BeitForMaskedImageModeling");
}

std::shared_ptr<BeitForImageClassification> classifier_from(const Napi::Value& value) {
  return module_from<BeitForImageClassification>(value, "module", "a BeitForImageClassification");
}

std::shared_ptr<ImageTokenizer> tokenizer_from(const Napi::Value& value) {
  return module_from<ImageTokenizer>(value, "module", "an image tokenizer");
}

}  // namespace

// moduleCreate(kind: string, config: object, options: { device, dtype, seed: number | null }):
// Promise<Handle>
static Napi::Value module_create(const Napi::CallbackInfo& info) {
  auto make = maker_from(string_from(info[0], "kind"), object_from(info[1], "config"));
  auto object = object_from(info[2], "options");
  nn::ModuleOptions options;
  options.device = device_from_name(string_from(object.Get("device"), "device"));
  options.dtype = dtype_from_name(string_from(object.Get("dtype"), "dtype"));
  if (!object.Get("seed").IsNull()) {
    options.seed = static_cast<uint64_t>(integer_from(object.Get("seed"), "seed"));
  }
  return on_engine(info.Env(), [=] { return make(options); }, module_to_js);
}

static Napi::Value entries_to_js(Napi::Env env, std::vector<nn::NamedTensor> entries) {
  auto names = Napi::Array::New(env, entries.size());
  auto shapes = Napi::Array::New(env, entries.size());
  auto is_buffer = Napi::Array::New(env, entries.size());
  for (uint32_t i = 0; i < entries.size(); i++) {
    const auto sizes = entries[i].tensor.sizes();
    auto shape = Napi::Array::New(env, sizes.size());
    for (uint32_t k = 0; k < sizes.size(); k++) shape.Set(k, static_cast<double>(sizes[k]));
    names.Set(i, entries[i].name);
    shapes.Set(i, shape);
    is_buffer.Set(i, Napi::Boolean::New(env, entries[i].is_buffer));
  }
  auto result = Napi::Object::New(env);
  result.Set("names", names);
  result.Set("shapes", shapes);
  result.Set("isBuffer", is_buffer);
  return result;
}

// moduleShapes(kind: string, config: object): Promise<{ names: string[], shapes: number[][], isBuffer:
// boolean[] }>. On the meta device, which has no memory.
static Napi::Value module_shapes(const Napi::CallbackInfo& info) {
  auto make = maker_from(string_from(info[0], "kind"), object_from(info[1], "config"));
  return on_engine(
      info.Env(),
      [=] {
        const nn::ModuleOptions options{.device = at::kMeta, .dtype = at::kFloat, .seed = std::nullopt};
        return make(options)->state();
      },
      entries_to_js);
}

// moduleEntries(module): { names: string[], shapes: number[][], isBuffer: boolean[] }. At once: they never
// change.
static Napi::Value module_entries(const Napi::CallbackInfo& info) {
  return entries_to_js(info.Env(), from_handle<nn::Module>(info[0], "module")->state());
}

// moduleState(module): Promise<{ names: string[], tensors: Handle[], isBuffer: boolean[] }>. Live views.
static Napi::Value module_state(const Napi::CallbackInfo& info) {
  auto module = from_handle<nn::Module>(info[0], "module");
  return on_engine(
      info.Env(), [module] { return module->state(); },
      [](Napi::Env env, std::vector<nn::NamedTensor> entries) {
        auto names = Napi::Array::New(env, entries.size());
        auto tensors = Napi::Array::New(env, entries.size());
        auto is_buffer = Napi::Array::New(env, entries.size());
        for (uint32_t i = 0; i < entries.size(); i++) {
          names.Set(i, entries[i].name);
          tensors.Set(i, tensor_view_to_js(env, entries[i].tensor));
          is_buffer.Set(i, Napi::Boolean::New(env, entries[i].is_buffer));
        }
        auto result = Napi::Object::New(env);
        result.Set("names", names);
        result.Set("tensors", tensors);
        result.Set("isBuffer", is_buffer);
        return result;
      });
}

// moduleLoad(module, names: string[], tensors: Handle[]): Promise<void>
static Napi::Value module_load(const Napi::CallbackInfo& info) {
  auto module = from_handle<nn::Module>(info[0], "module");
  auto names = strings_from(info[1], "names");
  auto slots = tensors_from(info[2], "tensors");
  return on_engine(info.Env(), [=] {
    std::vector<at::Tensor> values;
    for (const auto& slot : slots) values.push_back(slot->get());
    module->load(names, values);
  });
}

// moduleTo(module, device: string, dtype: string): Promise<Handle>. Always a copy.
static Napi::Value module_to(const Napi::CallbackInfo& info) {
  auto module = from_handle<nn::Module>(info[0], "module");
  auto device = device_from_name(string_from(info[1], "device"));
  auto dtype = dtype_from_name(string_from(info[2], "dtype"));
  return on_engine(info.Env(), [=] { return module->clone_to(device, dtype); }, module_to_js);
}

// beitForward(module, pixels, mask: Handle | null, allTokens: boolean): Promise<Handle>
static Napi::Value beit_forward(const Napi::CallbackInfo& info) {
  auto model = beit_from(info[0]);
  auto pixels = tensor_from(info[1], "pixels");
  auto mask = optional_tensor_from(info[2], "mask");
  auto all_tokens = boolean_from(info[3], "allTokens");
  return tensor_on_engine(info.Env(), [=] {
    return model->forward(pixels->get(), get_or_undefined(mask), all_tokens, nn::ForwardContext{});
  });
}

// beitFeatures(module, pixels, mask: Handle | null): Promise<Handle>
static Napi::Value beit_features(const Napi::CallbackInfo& info) {
  auto model = beit_from(info[0]);
  auto pixels = tensor_from(info[1], "pixels");
  auto mask = optional_tensor_from(info[2], "mask");
  return tensor_on_engine(info.Env(), [=] {
    return model->features(pixels->get(), get_or_undefined(mask), nn::ForwardContext{});
  });
}

// beitBlockFeatures(module, pixels, mask: Handle | null, blocks: number[]): Promise<Handle[]>
static Napi::Value beit_block_features(const Napi::CallbackInfo& info) {
  auto model = module_from<models::Beit>(info[0], "module", "a BEiT");
  auto pixels = tensor_from(info[1], "pixels");
  auto mask = optional_tensor_from(info[2], "mask");
  auto blocks = integers_from(info[3], "blocks");
  return on_engine(
      info.Env(),
      [=] {
        c10::NoGradGuard no_grad;
        return model->block_features(pixels->get(), get_or_undefined(mask), blocks, nn::ForwardContext{});
      },
      [](Napi::Env env, std::vector<at::Tensor> features) {
        auto result = Napi::Array::New(env, features.size());
        for (uint32_t i = 0; i < features.size(); i++) result.Set(i, tensor_to_js(env, features[i]));
        return result;
      });
}

// beitAttention(module, pixels, mask: Handle | null, block: number): Promise<Handle>
static Napi::Value beit_attention(const Napi::CallbackInfo& info) {
  auto model = module_from<models::Beit>(info[0], "module", "a BEiT");
  auto pixels = tensor_from(info[1], "pixels");
  auto mask = optional_tensor_from(info[2], "mask");
  auto block = integer_from(info[3], "block");
  return tensor_on_engine(info.Env(), [=] {
    return model->attention_probabilities(pixels->get(), get_or_undefined(mask), block, nn::ForwardContext{});
  });
}

// beitClassify(module, pixels): Promise<Handle>
static Napi::Value beit_classify(const Napi::CallbackInfo& info) {
  auto model = classifier_from(info[0]);
  auto pixels = tensor_from(info[1], "pixels");
  return tensor_on_engine(info.Env(), [=] { return model->forward(pixels->get(), nn::ForwardContext{}); });
}

// beitPooled(module, pixels): Promise<Handle>
static Napi::Value beit_pooled(const Napi::CallbackInfo& info) {
  auto model = classifier_from(info[0]);
  auto pixels = tensor_from(info[1], "pixels");
  return tensor_on_engine(info.Env(), [=] { return model->pooled(pixels->get(), nn::ForwardContext{}); });
}

// tokenizerEncode(module, pixels): Promise<Handle>
static Napi::Value tokenizer_encode(const Napi::CallbackInfo& info) {
  auto tokenizer = tokenizer_from(info[0]);
  auto pixels = tensor_from(info[1], "pixels");
  return tensor_on_engine(info.Env(), [=] { return tokenizer->encode(pixels->get()); });
}

// tokenizerEncodeRows(module, pixels, rows, settings): Promise<Handle>
static Napi::Value tokenizer_encode_rows(const Napi::CallbackInfo& info) {
  auto tokenizer = tokenizer_from(info[0]);
  auto pixels = tensor_from(info[1], "pixels");
  auto rows = tensor_from(info[2], "rows");
  const auto compute = compute_from(object_from(info[3], "settings"));
  return tensor_on_engine(info.Env(),
                          [=] { return tokenizer->encode_rows(pixels->get(), rows->get(), compute); });
}

// tokenizerLogits(module, pixels): Promise<Handle>
static Napi::Value tokenizer_logits(const Napi::CallbackInfo& info) {
  auto tokenizer = tokenizer_from(info[0]);
  auto pixels = tensor_from(info[1], "pixels");
  return tensor_on_engine(info.Env(), [=] { return tokenizer->logits(pixels->get()); });
}

// tokenizerDecode(module, tokens): Promise<Handle>
static Napi::Value tokenizer_decode(const Napi::CallbackInfo& info) {
  auto tokenizer = tokenizer_from(info[0]);
  auto tokens = tensor_from(info[1], "tokens");
  return tensor_on_engine(info.Env(), [=] { return tokenizer->decode(tokens->get()); });
}

void register_module(Napi::Env env, Napi::Object exports) {
  export_function<module_create>(env, exports, "moduleCreate");
  export_function<module_shapes>(env, exports, "moduleShapes");
  export_function<module_entries>(env, exports, "moduleEntries");
  export_function<module_state>(env, exports, "moduleState");
  export_function<module_load>(env, exports, "moduleLoad");
  export_function<module_to>(env, exports, "moduleTo");
  export_function<beit_forward>(env, exports, "beitForward");
  export_function<beit_features>(env, exports, "beitFeatures");
  export_function<beit_block_features>(env, exports, "beitBlockFeatures");
  export_function<beit_attention>(env, exports, "beitAttention");
  export_function<beit_classify>(env, exports, "beitClassify");
  export_function<beit_pooled>(env, exports, "beitPooled");
  export_function<tokenizer_encode>(env, exports, "tokenizerEncode");
  export_function<tokenizer_encode_rows>(env, exports, "tokenizerEncodeRows");
  export_function<tokenizer_logits>(env, exports, "tokenizerLogits");
  export_function<tokenizer_decode>(env, exports, "tokenizerDecode");
}

}  // namespace beit::bindings
