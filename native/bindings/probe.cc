// Probes of a frozen model: its features, linear classifiers on them, votes among nearest neighbours.
#include <cfloat>
#include <climits>

#include "bindings/module.h"
#include "bindings/register.h"
#include "bindings/tensor_result.h"
#include "bindings/training_values.h"
#include "ops/nearest_neighbours.h"
#include "train/frozen_features.h"
#include "train/linear_probe_trainer.h"

namespace beit::bindings {

namespace {

using TrainerPtr = std::shared_ptr<train::LinearProbeTrainer>;

TrainerPtr trainer_from(const Napi::Value& value) {
  return from_handle<train::LinearProbeTrainer>(value, "probe");
}

// The tensors are made on the engine thread.
std::function<train::ProbeBatch()> batch_from(const Napi::Value& features, const Napi::Value& targets,
                                              const Napi::Value& rows) {
  return [features = tensor_from(features, "features"), targets = tensor_from(targets, "targets"),
          rows = optional_tensor_from(rows, "rows")] {
    return train::ProbeBatch{features->get(), targets->get(), rows ? rows->get() : at::Tensor()};
  };
}

Napi::Value totals_to_js(Napi::Env env, const train::ProbeTotals& totals) {
  const auto numbers = [env](const std::vector<double>& values) {
    auto array = Napi::Array::New(env, values.size());
    for (uint32_t i = 0; i < values.size(); i++) array.Set(i, values[i]);
    return array;
  };
  auto result = Napi::Object::New(env);
  result.Set("loss", numbers(totals.loss));
  result.Set("correct", numbers(totals.correct));
  result.Set("images", static_cast<double>(totals.images));
  return result;
}

models::TokenPooling pooling_from(const Napi::Value& value) {
  const auto name = string_from(value, "pooling");
  if (name == "cls") return models::TokenPooling::kCls;
  if (name == "mean") return models::TokenPooling::kMean;
  if (name == "concat") return models::TokenPooling::kConcat;
  if (name == "patches") return models::TokenPooling::kPatches;
  fail("ERR_INVALID_ARGUMENT", "pooling: expected 'cls', 'mean', 'concat' or 'patches', got '", name, "'");
}

train::FrozenFeatures feature_settings_from(const Napi::Value& value) {
  const auto object = object_from(value, "settings");
  std::optional<std::vector<int64_t>> blocks;
  if (!object.Get("blocks").IsNull()) blocks = integers_from(object.Get("blocks"), "blocks");
  return {std::move(blocks), pooling_from(object.Get("pooling")), numbers_from<3>(object.Get("mean"), "mean"),
          numbers_from<3>(object.Get("std"), "std"), precision_from(object.Get("precision"))};
}

ops::NeighbourVote vote_from(const Napi::Value& value) {
  const auto object = object_from(value, "vote");
  return {integers_from(object.Get("neighbours"), "neighbours"),
          number_between(object.Get("temperature"), "temperature", DBL_MIN, DBL_MAX),
          integer_between(object.Get("classes"), "classes", 1, INT_MAX)};
}

}  // namespace

// beitPooledFeatures(module, pixels, settings: FeatureSettings): Promise<TensorHandle>
static Napi::Value beit_pooled_features(const Napi::CallbackInfo& info) {
  auto model = module_from<models::Beit>(info[0], "module", "a BEiT");
  auto pixels = tensor_from(info[1], "pixels");
  auto settings = feature_settings_from(info[2]);
  return tensor_on_engine(info.Env(),
                          [=] { return train::frozen_features(*model, pixels->get(), settings); });
}

// featureBank(rows: number, layers: number, width: number, path: string | null): Promise<TensorHandle>
static Napi::Value feature_bank(const Napi::CallbackInfo& info) {
  const auto side = [&](size_t i, const char* name) {
    return integer_between(info[i], name, 1, kMaxInteger);
  };
  const int64_t rows = side(0, "rows"), layers = side(1, "layers"), width = side(2, "width");
  const auto path = info[3].IsNull() ? std::string() : string_from(info[3], "path");
  return on_engine(
      info.Env(), [=] { return train::feature_bank(rows, layers, width, path); },
      // Memory of a file is the system's to take back.
      [in_file = !path.empty()](Napi::Env env, at::Tensor bank) {
        return in_file ? tensor_view_to_js(env, std::move(bank)) : tensor_to_js(env, std::move(bank));
      });
}

// featureBankWrite(bank, start: number, features): Promise<void>
static Napi::Value feature_bank_write(const Napi::CallbackInfo& info) {
  auto bank = tensor_from(info[0], "bank");
  auto start = integer_between(info[1], "start", 0, kMaxInteger);
  auto features = tensor_from(info[2], "features");
  return on_engine(info.Env(), [=] { train::write_features(bank->get(), start, features->get()); });
}

// featureLayer(bank, layer: number, rows: number, columns: [from, to], device: string): Promise<TensorHandle>
static Napi::Value feature_layer(const Napi::CallbackInfo& info) {
  auto bank = tensor_from(info[0], "bank");
  auto layer = integer_between(info[1], "layer", 0, kMaxInteger),
       rows = integer_between(info[2], "rows", 0, kMaxInteger);
  const auto columns = integers_from(info[3], "columns");
  if (columns.size() != 2) fail("ERR_INVALID_ARGUMENT", "columns: expected [from, to]");
  auto device = device_from_name(string_from(info[4], "device"));
  return tensor_on_engine(info.Env(), [=] {
    const auto features = train::features_of_layer(bank->get(), layer, rows, columns[0], columns[1]);
    return ops::unit_length(features.to(device));
  });
}

// knnClassify(bank, labels, queries, vote: { neighbours, temperature, classes }): Promise<TensorHandle>
static Napi::Value knn_classify(const Napi::CallbackInfo& info) {
  auto bank = tensor_from(info[0], "bank"), labels = tensor_from(info[1], "labels"),
       queries = tensor_from(info[2], "queries");
  auto vote = vote_from(info[3]);
  return tensor_on_engine(info.Env(), [=] {
    ops::check_vote(bank->get(), labels->get(), queries->get(), vote);
    const auto neighbours = ops::nearest_neighbours(bank->get(), queries->get(), vote.neighbours.back());
    return ops::neighbour_votes(neighbours, labels->get(), vote);
  });
}

// linearProbeCreate(size: { layers, features, classes }, options: { device, seed, betas, eps }):
// Promise<LinearProbeHandle>
static Napi::Value linear_probe_create(const Napi::CallbackInfo& info) {
  const auto size = object_from(info[0], "size"), object = object_from(info[1], "options");
  const models::LinearProbeConfig config{integer_from(size.Get("layers"), "layers"),
                                         integer_from(size.Get("features"), "features"),
                                         integer_from(size.Get("classes"), "classes")};
  const nn::ModuleOptions options{
      .device = device_from_name(string_from(object.Get("device"), "device")),
      .dtype = at::kFloat,
      .seed = static_cast<uint64_t>(integer_from(object.Get("seed"), "seed")),
  };
  const auto betas = numbers_from<2>(object.Get("betas"), "betas");
  train::AdamW::Options adamw;
  adamw.beta1 = betas[0];
  adamw.beta2 = betas[1];
  adamw.eps = number_from(object.Get("eps"), "eps");
  return on_engine(
      info.Env(),
      [=] {
        auto probe = std::make_shared<models::LinearProbe>(config, options);
        return std::make_shared<train::LinearProbeTrainer>(std::move(probe), adamw);
      },
      [](Napi::Env env, TrainerPtr trainer) {
        const int64_t bytes = trainer->bytes();
        return make_handle(env, std::move(trainer), bytes);
      });
}

// linearProbeStep(probe, features, targets, rows: Handle | null, settings: { learningRate, weightDecay }):
// Promise<void>
static Napi::Value linear_probe_step(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  auto batch = batch_from(info[1], info[2], info[3]);
  const auto settings = object_from(info[4], "settings");
  const double learning_rate = number_from(settings.Get("learningRate"), "learningRate"),
               weight_decay = number_from(settings.Get("weightDecay"), "weightDecay");
  return on_engine(info.Env(), [=] { trainer->step(batch(), learning_rate, weight_decay); });
}

// linearProbeEvaluate(probe, features, targets, rows: Handle | null): Promise<void>
static Napi::Value linear_probe_evaluate(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  auto batch = batch_from(info[1], info[2], info[3]);
  return on_engine(info.Env(), [=] { trainer->evaluate(batch()); });
}

// linearProbeTotals(probe): Promise<{ loss: number[], correct: number[], images: number }>
static Napi::Value linear_probe_totals(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  return on_engine(info.Env(), [trainer] { return trainer->take_totals(); }, totals_to_js);
}

// linearProbeWeights(probe): Promise<[weight: TensorHandle, bias: TensorHandle]>
static Napi::Value linear_probe_weights(const Napi::CallbackInfo& info) {
  auto trainer = trainer_from(info[0]);
  return on_engine(
      info.Env(), [trainer] { return trainer->probe().state(); },
      [](Napi::Env env, std::vector<nn::NamedTensor> entries) {
        auto result = Napi::Array::New(env, entries.size());
        for (uint32_t i = 0; i < entries.size(); i++)
          result.Set(i, tensor_view_to_js(env, entries[i].tensor));
        return result;
      });
}

void register_probe(Napi::Env env, Napi::Object exports) {
  export_function<beit_pooled_features>(env, exports, "beitPooledFeatures");
  export_function<feature_bank>(env, exports, "featureBank");
  export_function<feature_bank_write>(env, exports, "featureBankWrite");
  export_function<feature_layer>(env, exports, "featureLayer");
  export_function<knn_classify>(env, exports, "knnClassify");
  export_function<linear_probe_create>(env, exports, "linearProbeCreate");
  export_function<linear_probe_step>(env, exports, "linearProbeStep");
  export_function<linear_probe_evaluate>(env, exports, "linearProbeEvaluate");
  export_function<linear_probe_totals>(env, exports, "linearProbeTotals");
  export_function<linear_probe_weights>(env, exports, "linearProbeWeights");
}

}  // namespace beit::bindings
