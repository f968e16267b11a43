// Classifiers at work: what they say of images, for evaluation and prediction.
#include "bindings/async.h"
#include "bindings/module.h"
#include "bindings/register.h"
#include "bindings/training_values.h"
#include "train/classifier_scores.h"

namespace beit::bindings {

namespace {

train::ClassifierScoring scoring_from(const Napi::Value& value) {
  const auto object = object_from(value, "settings");
  train::ClassifierScoring scoring;
  scoring.mean = numbers_from<3>(object.Get("mean"), "mean");
  scoring.std = numbers_from<3>(object.Get("std"), "std");
  scoring.loss = classification_loss_from(object.Get("loss"));
  scoring.precision = precision_from(object.Get("precision"));
  if (const auto top_k = object.Get("topK"); !top_k.IsNull()) scoring.top_k = integer_from(top_k, "topK");
  return scoring;
}

template <class Array, class Value>
Array array_of(Napi::Env env, const std::vector<Value>& values) {
  auto array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Value scores_to_js(Napi::Env env, const train::ClassifierScores& scores) {
  auto result = Napi::Object::New(env);
  result.Set("classesPerImage", static_cast<double>(scores.classes_per_image));
  result.Set("losses", array_of<Napi::Float64Array>(env, scores.losses));
  result.Set("classes", array_of<Napi::Int32Array>(env, scores.classes));
  result.Set("probabilities", array_of<Napi::Float32Array>(env, scores.probabilities));
  return result;
}

}  // namespace

// classifierScores(module, pixels, targets: Handle | null, settings: ScoringSettings):
// Promise<ClassifierScores>
static Napi::Value classifier_scores(const Napi::CallbackInfo& info) {
  auto model =
      module_from<models::BeitForImageClassification>(info[0], "module", "a BeitForImageClassification");
  auto pixels = tensor_from(info[1], "pixels");
  auto targets = optional_tensor_from(info[2], "targets");
  auto scoring = scoring_from(info[3]);
  return on_engine(
      info.Env(),
      [=] {
        return train::classifier_scores(*model, pixels->get(), targets ? targets->get() : at::Tensor(),
                                        scoring);
      },
      scores_to_js);
}

void register_classifier(Napi::Env env, Napi::Object exports) {
  export_function<classifier_scores>(env, exports, "classifierScores");
}

}  // namespace beit::bindings
