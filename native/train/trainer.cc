#include "train/trainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <unordered_map>

#include "engine/error.h"

namespace beit::train {

namespace {

at::Generator make_generator(at::Device device) {
  if (device.is_cpu()) return at::detail::createCPUGenerator();
  return at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
}

const nn::Module& trainable(const nn::Module& model) {
  if (model.dtype() != at::kFloat) {
    fail("ERR_INVALID_ARGUMENT", "training needs a float32 model, got ", model.dtype(),
         ": load it as float32 and train with precision 'bf16'");
  }
  return model;
}

// Where the host looks at masks, tokens and targets: at each look at a GPU it would wait for all that this
// one has to do.
MicroBatch at_hand(MicroBatch batch) {
  for (auto* tensor : {&batch.mask, &batch.tokens, &batch.targets}) {
    if (tensor->defined()) *tensor = tensor->cpu();
  }
  return batch;
}

}  // namespace

Trainer::Trainer(std::shared_ptr<const Objective> objective, const TrainerOptions& options)
    : objective_(std::move(objective)),
      options_(options),
      optimizer_(trainable(objective_->model()), options.adamw),
      generator_(at::detail::createCPUGenerator(options.seed)),
      // The counter's device has its number, which the model's 'cuda' may lack.
      device_generator_(make_generator(optimizer_.step_count().device())) {
  if (options.average) average_.emplace(objective_->model(), options.average, options.average_decay);
  if (options.graphs) graph_.emplace(make_graph());
}

StepGraph Trainer::make_graph() const {
  if (!objective_->replayable())
    return StepGraph("this objective decides something of each step on the host");
  if (options_.profile) return StepGraph("a profiled step waits for each of its parts");
  try {
    auto graph = make_device_graph(device_generator_);
    if (optimizer_.rates_on_device()) return StepGraph(std::move(graph));
  } catch (const std::exception& error) {
    return StepGraph(error);
  }
  return StepGraph("the optimizer in use reads its learning rate on the host");
}

PendingStep Trainer::begin_step(std::vector<MicroBatch> batches, const StepSettings& settings) {
  if (batches.empty()) fail("ERR_INVALID_ARGUMENT", "microBatches: expected at least one");
  for (auto& batch : batches) {
    batch = at_hand(batch);
    objective_->check(batch);
  }

  std::optional<StepProfile> profile;
  if (options_.profile) profile.emplace(optimizer_.step_count().device());
  for (auto& batch : batches) batch = objective_->on_device(batch);
  optimizer_.set_rates(settings.learning_rate, settings.weight_decay);
  auto loss_settings = this->loss_settings(settings, /*training=*/true);
  loss_settings.forward.generator = device_generator_;
  loss_settings.profile = profile ? &*profile : nullptr;
  const uint64_t seed = at::check_generator<at::CPUGeneratorImpl>(generator_)->random64();
  const StepGraph::Step step{
      .seed = [this, seed] { device_generator_.set_current_seed(seed); },
      .work = [this, loss_settings](const auto& batches) { return compute(batches, loss_settings); }};
  StepGraph::Result result;
  if (graph_) {
    result = graph_->run(batches, step);
    if (result.replayed) optimizer_.replayed(at::TensorList(result.tensors).slice(1));
  } else {
    step.seed();
    result.tensors = step.work(batches);
  }
  PendingStep pending(result.tensors.front(), metrics_);
  pending.replayed = result.replayed;
  pending.notice = std::move(result.notice);
  loss_settings.mark("readBack");
  if (profile) pending.parts = profile->parts();
  return pending;
}

std::vector<at::Tensor> Trainer::compute(const std::vector<MicroBatch>& batches,
                                         const LossSettings& settings) {
  c10::AutoGradMode with_gradient(true);
  optimizer_.clear_gradients();
  const double share = 1.0 / static_cast<double>(batches.size());
  StepReport report;
  for (const auto& batch : batches) {
    const auto loss = objective_->loss(batch, settings);
    settings.mark("forward");
    (loss.value * share).backward();
    report.add(loss, share);
    settings.mark("backward");
  }

  c10::NoGradGuard no_gradient;
  const auto verdict = optimizer_.gradient_verdict(report.loss(), options_.clip_gradient);
  settings.mark("clip");
  optimizer_.step(verdict.found_inf, verdict.scale);
  if (average_) average_->update(verdict.found_inf);
  settings.mark("optimizer");
  metrics_ = report.metrics();
  auto results = optimizer_.gradients();
  results.insert(results.begin(), report.numbers(verdict.norm, verdict.finite));
  return results;
}

StepResult Trainer::evaluate(const MicroBatch& given, const StepSettings& settings) const {
  const auto batch = at_hand(given);
  objective_->check(batch);
  c10::NoGradGuard no_gradient;
  StepReport report;
  report.add(objective_->loss(objective_->on_device(batch), loss_settings(settings, /*training=*/false)),
             1.0);
  const auto numbers = report.numbers(at::zeros_like(report.loss()), at::isfinite(report.loss()));
  return PendingStep(numbers, report.metrics()).result();
}

LossSettings Trainer::loss_settings(const StepSettings& settings, bool training) const {
  LossSettings result;
  result.forward.training = training;
  result.forward.compute = options_.compute;
  result.temperature = settings.temperature;
  result.kl_weight = settings.kl_weight;
  return result;
}

std::vector<NamedValue> Trainer::state() const {
  std::vector<NamedValue> result{{"step", optimizer_.step_count().to(at::kLong)}};
  for (const auto& entry : optimizer_.entries()) result.push_back({"exp_avg." + entry.name, entry.exp_avg});
  for (const auto& entry : optimizer_.entries())
    result.push_back({"exp_avg_sq." + entry.name, entry.exp_avg_sq});
  result.push_back({"generator", generator_.get_state()});
  return result;
}

void Trainer::load(const std::vector<NamedValue>& values) {
  std::unordered_map<std::string, at::Tensor> given;
  for (const auto& value : values) given.emplace(value.name, value.tensor);
  const auto own = state();
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    if (found == given.end()) fail("ERR_CHECKPOINT_MISMATCH", "the state of the trainer has no '", name, "'");
    const auto& value = found->second;
    if (value.sizes() != tensor.sizes() || value.scalar_type() != tensor.scalar_type()) {
      fail("ERR_CHECKPOINT_MISMATCH", "'", name, "': expected ", tensor.scalar_type(), " ", tensor.sizes(),
           ", got ", value.scalar_type(), " ", value.sizes());
    }
  }
  if (given.size() != own.size()) {
    for (const auto& value : own) given.erase(value.name);
    fail("ERR_CHECKPOINT_MISMATCH", "'", given.begin()->first, "' is no part of this trainer's state");
  }
  c10::NoGradGuard no_gradient;
  generator_.set_state(given.at("generator").cpu().contiguous());
  for (const auto& entry : optimizer_.entries()) {
    at::Tensor(entry.exp_avg).copy_(given.at("exp_avg." + entry.name));
    at::Tensor(entry.exp_avg_sq).copy_(given.at("exp_avg_sq." + entry.name));
  }
  at::Tensor(optimizer_.step_count()).copy_(given.at("step"));
}

std::vector<NamedValue> Trainer::gradients() const {
  std::vector<NamedValue> result;
  for (const auto& entry : optimizer_.entries()) {
    if (entry.parameter.grad().defined()) result.push_back({entry.name, entry.parameter.grad()});
  }
  return result;
}

int64_t Trainer::moment_bytes() const {
  int64_t bytes = 0;
  for (const auto& entry : optimizer_.entries()) bytes += 2 * static_cast<int64_t>(entry.exp_avg.nbytes());
  return bytes;
}

}  // namespace beit::train
