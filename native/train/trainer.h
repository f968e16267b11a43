// One optimizer step as one call: forward and backward over the micro-batches, clip, AdamW. Knows neither
// files nor schedules; those are lib/train.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/adamw.h"
#include "train/objective.h"
#include "train/step_graph.h"
#include "train/step_report.h"
#include "train/weight_average.h"

namespace beit::train {

struct TrainerOptions {
  AdamW::Options adamw;
  std::optional<double> clip_gradient;  // largest global norm
  ops::Compute compute;
  uint64_t seed = 0;  // of drop path and Gumbel noise
  // Follows the weights, step by step; none: nothing does.
  std::shared_ptr<nn::Module> average;
  double average_decay = 0.0;
  bool profile = false;  // of each step, where its time goes
  bool graphs = false;   // steps of the same shapes are recorded once and replayed
};

struct StepSettings {
  double learning_rate = 0.0;
  double weight_decay = 0.0;
  double temperature = 1.0;
  double kl_weight = 0.0;
};

struct NamedValue {
  std::string name;
  at::Tensor tensor;
};

class Trainer {
 public:
  // ERR_INVALID_ARGUMENT unless the model is float32, and the average one of the same kind.
  Trainer(std::shared_ptr<const Objective> objective, const TrainerOptions& options);

  // A step that is interrupted (engine/interruptible.h) is given up: the weights are as before.
  // On a GPU it has been queued, and nothing waited for it, when this returns.
  // Tensors of the batches may be on any device.
  PendingStep begin_step(std::vector<MicroBatch> batches, const StepSettings& settings);
  // Without gradient, drop path and noise.
  StepResult evaluate(const MicroBatch& batch, const StepSettings& settings) const;

  // 'step' (int64 scalar), 'exp_avg.NAME' and 'exp_avg_sq.NAME' of every parameter (live), 'generator'
  // (uint8).
  std::vector<NamedValue> state() const;
  // Copies a state into this trainer. ERR_CHECKPOINT_MISMATCH, before anything is written, when it does not
  // fit.
  void load(const std::vector<NamedValue>& values);
  // Of the last step, after clipping. Live.
  std::vector<NamedValue> gradients() const;

  int64_t moment_bytes() const;

 private:
  LossSettings loss_settings(const StepSettings& settings, bool training) const;
  StepGraph make_graph() const;
  // Forward, backward, clipping and update: the numbers to report, and the gradients of all parameters.
  std::vector<at::Tensor> compute(const std::vector<MicroBatch>& batches, const LossSettings& settings);

  std::shared_ptr<const Objective> objective_;
  TrainerOptions options_;
  AdamW optimizer_;
  std::optional<WeightAverage> average_;
  // On the CPU whatever the device, so that its state goes from one to the other: each step draws from it the
  // seed of the generator that the device draws with.
  at::Generator generator_;
  at::Generator device_generator_;
  std::vector<const char*> metrics_;  // of the last step
  std::optional<StepGraph> graph_;
};

}  // namespace beit::train
