// Trainers: a module with its optimizer, one call per training step.
#include "train/trainer.h"

#include <cmath>
#include <map>

#include "bindings/async.h"
#include "bindings/augmentation.h"
#include "bindings/module.h"
#include "bindings/register.h"
#include "bindings/training_values.h"
#include "train/discrete_vae_step.h"
#include "train/image_classification_step.h"
#include "train/layer_decay.h"
#include "train/masked_image_modeling_step.h"

namespace beit::bindings {

namespace {

using TrainerPtr = std::shared_ptr<train::Trainer>;
using PendingStepPtr = std::shared_ptr<train::PendingStep>;

TrainerPtr trainer_from(const Napi::Value& value) { return from_handle<train::Trainer>(value, "trainer"); }

train::Reconstruction reconstruction_from(const Napi::Value& value) {
  const auto name = string_from(value, "reconstruction");
  if (name == "mse") return train::Reconstruction::kMse;
  if (name == "smooth-l1") return train::Reconstruction::kSmoothL1;
  if (name == "logit-laplace") return train::Reconstruction::kLogitLaplace;
  fail("ERR_INVALID_ARGUMENT", "reconstruction: expected 'mse', 'smooth-l1' or 'logit-laplace', got '", name,
       "'");
}

// Reads the arguments now; the objective itself allocates tensors, so it is made on the engine thread.
std::function<std::shared_ptr<train::Objective>()> objective_from(const Napi::Object& objective) {
  const auto kind = string_from(objective.Get("kind"), "kind");
  if (kind == "masked_image_modeling") {
    auto model = module_from<models::BeitForMaskedImageModeling>(objective.Get("model"), "model",
                                                                 "a BeitForMaskedImageModeling");
    std::shared_ptr<models::ImageTokenizer> tokenizer;
    if (const auto value = objective.Get("tokenizer"); !value.IsNull()) {
      tokenizer = module_from<models::ImageTokenizer>(value, "tokenizer", "an image tokenizer or null");
    }
    train::MaskedImageModelingStep::Options options;
    options.mean = numbers_from<3>(objective.Get("mean"), "mean");
    options.std = numbers_from<3>(objective.Get("std"), "std");
    if (const auto patches = objective.Get("maskedPatches"); !is_absent(patches)) {
      options.masked_patches = integer_from(patches, "maskedPatches");
    }
    return [=] { return std::make_shared<train::MaskedImageModelingStep>(model, tokenizer, options); };
  }
  if (kind == "discrete_vae") {
    auto model =
        module_from<models::ConvDiscreteVae>(objective.Get("model"), "model", "a convolutional discrete VAE");
    train::DiscreteVaeStep::Options options;
    options.reconstruction = reconstruction_from(objective.Get("reconstruction"));
    options.straight_through = boolean_from(objective.Get("straightThrough"), "straightThrough");
    options.noise = boolean_from(objective.Get("noise"), "noise");
    return [=] { return std::make_shared<train::DiscreteVaeStep>(model, options); };
  }
  if (kind == "image_classification") {
    auto model = module_from<models::BeitForImageClassification>(objective.Get("model"), "model",
                                                                 "a BeitForImageClassification");
    train::ImageClassificationStep::Options options;
    options.mean = numbers_from<3>(objective.Get("mean"), "mean");
    options.std = numbers_from<3>(objective.Get("std"), "std");
    options.loss = classification_loss_from(objective.Get("loss"));
    options.label_smoothing = number_between(objective.Get("labelSmoothing"), "labelSmoothing", 0, 1);
    return [=] { return std::make_shared<train::ImageClassificationStep>(model, options); };
  }
  fail("ERR_INVALID_ARGUMENT", "kind: unknown objective '", kind, "'");
}

// A number that weights are multiplied by: one that is not finite would leave none of them whole.
double rate_from(const Napi::Value& value, const char* name) {
  const double rate = number_from(value, name);
  if (!(std::isfinite(rate) && rate >= 0.0)) {
    fail("ERR_INVALID_ARGUMENT", name, ": expected a finite number of at least 0, got ", rate);
  }
  return rate;
}

train::TrainerOptions options_from(const Napi::Object& object) {
  train::TrainerOptions options;
  const auto betas = numbers_from<2>(object.Get("betas"), "betas");
  for (const double beta : betas) {
    if (!(beta >= 0.0 && beta < 1.0)) {
      fail("ERR_INVALID_ARGUMENT", "betas: expected numbers from 0 to below 1, got ", beta);
    }
  }
  options.adamw.beta1 = betas[0];
  options.adamw.beta2 = betas[1];
  options.adamw.eps = rate_from(object.Get("eps"), "eps");
  if (const auto fused = object.Get("fused"); !fused.IsUndefined()) {
    options.adamw.fused = boolean_from(fused, "fused");
  }
  if (const auto clip = object.Get("clipGradient"); !clip.IsNull()) {
    options.clip_gradient = rate_from(clip, "clipGradient");
  }
  if (const auto decay = object.Get("layerDecay"); !is_absent(decay)) {
    options.adamw.layer_decay = number_between(decay, "layerDecay", 0, 1);
  }
  if (const auto value = object.Get("ema"); !is_absent(value)) {
    const auto ema = object_from(value, "ema");
    options.average = module_from<nn::Module>(ema.Get("model"), "ema.model", "a model");
    options.average_decay = number_between(ema.Get("decay"), "ema.decay", 0, 1);
  }
  options.compute.precision = precision_from(object.Get("precision"));
  if (const auto optimize = object.Get("optimize"); !is_absent(optimize)) {
    options.compute.optimize = optimize_from(optimize);
  }
  options.adamw.compute = options.compute;
  if (const auto profile = object.Get("profile"); !is_absent(profile)) {
    options.profile = boolean_from(profile, "profile");
  }
  if (const auto graphs = object.Get("cudaGraphs"); !is_absent(graphs)) {
    options.graphs = boolean_from(graphs, "cudaGraphs");
  }
  options.seed = static_cast<uint64_t>(integer_from(object.Get("seed"), "seed"));
  return options;
}

train::StepSettings settings_from(const Napi::Value& value) {
  const auto object = object_from(value, "settings");
  train::StepSettings settings;
  settings.learning_rate = rate_from(object.Get("learningRate"), "learningRate");
  settings.weight_decay = rate_from(object.Get("weightDecay"), "weightDecay");
  if (const auto temperature = object.Get("temperature"); !temperature.IsUndefined()) {
    settings.temperature = number_from(temperature, "temperature");
    if (!(settings.temperature > 0.0)) {
      fail("ERR_INVALID_ARGUMENT", "temperature: expected a number above 0, got ", settings.temperature);
    }
  }
  if (const auto weight = object.Get("klWeight"); !weight.IsUndefined()) {
    settings.kl_weight = rate_from(weight, "klWeight");
  }
  return settings;
}

// A micro-batch of which the tensors are not made yet: TensorSlot::get belongs to the engine thread.
struct BatchSlots {
  SlotPtr pixels, token_pixels, mask, tokens, targets;
  std::optional<train::BatchErasing> erase;
  std::optional<MixPlan> mix;

  explicit BatchSlots(const Napi::Value& value) {
    const auto object = object_from(value, "batch");
    pixels = tensor_from(object.Get("pixels"), "pixels");
    token_pixels = optional_tensor_from(object.Get("tokenPixels"), "tokenPixels");
    mask = optional_tensor_from(object.Get("mask"), "mask");
    tokens = optional_tensor_from(object.Get("tokens"), "tokens");
    targets = optional_tensor_from(object.Get("targets"), "targets");
    if (const auto value = object.Get("erase"); !is_absent(value)) erase = batch_erasing_from(value);
    if (const auto value = object.Get("mix"); !is_absent(value)) mix = mix_plan_from(value);
  }
  train::MicroBatch tensors() const {
    const auto get = [](const SlotPtr& slot) { return slot ? slot->get() : at::Tensor(); };
    return {get(pixels), get(token_pixels), get(mask), get(tokens), get(targets), /*rows=*/{}, erase, mix};
  }
};

Napi::Value result_to_js(Napi::Env env, const train::StepResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("loss", result.loss);
  object.Set("gradientNorm", result.gradient_norm);
  object.Set("finite", result.finite);
  object.Set("masked", 0.0);
  object.Set("correct", 0.0);
  for (const auto& [name, value] : result.metrics) object.Set(name, value);
  auto counts = Napi::BigInt64Array::New(env, result.token_counts.size());
  std::copy(result.token_counts.begin(), result.token_counts.end(), counts.Data());
  object.Set("tokenCounts", counts);
  if (result.replayed) object.Set("replayed", true);
  if (!result.notice.empty()) object.Set("notice", result.notice);
  if (!result.parts.empty()) {
    auto parts = Napi::Object::New(env);
    for (const auto& [name, seconds] : result.parts) parts.Set(name, seconds);
    object.Set("parts", parts);
  }
  return object;
}

Napi::Value named_tensors_to_js(Napi::Env env, const std::vector<train::NamedValue>& values) {
  auto names = Napi::Array::New(env, values.size());
  auto tensors = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) {
    names.Set(i, values[i].name);
    tensors.Set(i, tensor_view_to_js(env, values[i].tensor));
  }
  auto result = Napi::Object::New(env);
  result.Set("names", names);
  result.Set("tensors", tensors);
  return result;
}

}  // namespace

// trainerCreate(objective, options): Promise<TrainerHandle>
static Napi::Value trainer_create(const Napi::CallbackInfo& info) {
  auto make_objective = objective_from(object_from(info[0], "objective"));
  auto options = options_from(object_from(info[1], "options"));
  return on_engine(
      info.Env(), [=] { return std::make_shared<train::Trainer>(make_objective(), options); },
      [](Napi::Env env, TrainerPtr trainer) {
        const int64_t bytes = trainer->moment_bytes();
        return make_handle(env, std::move(trainer), bytes);
      });
}

// trainerBeginStep(trainer, microBatches: BatchTensors[], settings: StepSettings): Promise<PendingStepHandle>
static Napi::Value trainer_begin_step(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  auto array = object_from(info[1], "microBatches").As<Napi::Array>();
  std::vector<BatchSlots> slots;
  for (uint32_t i = 0; i < array.Length(); i++) slots.emplace_back(array.Get(i));
  auto settings = settings_from(info[2]);
  return on_engine(
      info.Env(),
      [=] {
        std::vector<train::MicroBatch> batches;
        for (const auto& batch : slots) batches.push_back(batch.tensors());
        return std::make_shared<train::PendingStep>(trainer->begin_step(batches, settings));
      },
      [](Napi::Env env, PendingStepPtr step) { return make_handle(env, std::move(step), 0); });
}

// pendingStepResult(step: PendingStepHandle): Promise<StepResult>
static Napi::Value pending_step_result(const Napi::CallbackInfo& info) {
  auto step = from_handle<train::PendingStep>(info[0], "step");
  return on_engine(info.Env(), [=] { return step->result(); }, result_to_js);
}

// trainerEvaluate(trainer, batch: BatchTensors, settings: StepSettings): Promise<StepResult>
static Napi::Value trainer_evaluate(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  BatchSlots slots(info[1]);
  auto settings = settings_from(info[2]);
  return on_engine(info.Env(), [=] { return trainer->evaluate(slots.tensors(), settings); }, result_to_js);
}

// trainerState(trainer): Promise<NamedTensors>
static Napi::Value trainer_state(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  return on_engine(info.Env(), [=] { return trainer->state(); }, named_tensors_to_js);
}

// trainerLoad(trainer, names: string[], tensors: TensorHandle[]): Promise<void>
static Napi::Value trainer_load(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  auto names = strings_from(info[1], "names");
  auto slots = tensors_from(info[2], "tensors");
  return on_engine(info.Env(), [=] {
    std::vector<train::NamedValue> values;
    for (size_t i = 0; i < names.size(); i++) values.push_back({names[i], slots.at(i)->get()});
    trainer->load(values);
  });
}

// trainerGradients(trainer): Promise<NamedTensors>
static Napi::Value trainer_gradients(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  return on_engine(info.Env(), [=] { return trainer->gradients(); }, named_tensors_to_js);
}

// emulateDeviceGraphs(emulation: 'off' | 'on' | 'capture-fails' | 'replay-fails'): Promise<void>
static Napi::Value emulate_graphs(const Napi::CallbackInfo& info) {
  const auto name = string_from(info[0], "emulation");
  using Emulation = train::GraphEmulation;
  const std::map<std::string, Emulation> emulations{{"off", Emulation::kOff},
                                                    {"on", Emulation::kOn},
                                                    {"capture-fails", Emulation::kCaptureFails},
                                                    {"replay-fails", Emulation::kReplayFails}};
  const auto found = emulations.find(name);
  if (found == emulations.end()) fail("ERR_INVALID_ARGUMENT", "emulation: unknown emulation '", name, "'");
  return on_engine(info.Env(), [emulation = found->second] { train::emulate_device_graphs(emulation); });
}

// layerDecayScales(names: string[], decay: number): number[]
static Napi::Value layer_decay_scales(const Napi::CallbackInfo& info) {
  const auto scales =
      train::layer_decay_scales(strings_from(info[0], "names"), number_between(info[1], "decay", 0, 1));
  auto array = Napi::Array::New(info.Env(), scales.size());
  for (uint32_t i = 0; i < scales.size(); i++) array.Set(i, scales[i]);
  return array;
}

void register_trainer(Napi::Env env, Napi::Object exports) {
  export_function<trainer_create>(env, exports, "trainerCreate");
  export_function<trainer_begin_step>(env, exports, "trainerBeginStep");
  export_function<pending_step_result>(env, exports, "pendingStepResult");
  export_function<trainer_evaluate>(env, exports, "trainerEvaluate");
  export_function<trainer_state>(env, exports, "trainerState");
  export_function<trainer_load>(env, exports, "trainerLoad");
  export_function<trainer_gradients>(env, exports, "trainerGradients");
  export_function<layer_decay_scales>(env, exports, "layerDecayScales");
  export_function<emulate_graphs>(env, exports, "emulateDeviceGraphs");
}

}  // namespace beit::bindings
