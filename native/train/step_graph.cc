#include "train/step_graph.h"

#include <array>
#include <utility>

#include "engine/error.h"

namespace beit::train {

namespace {

template <class Batch>
auto tensors_of(Batch& batch) {
  return std::array{&batch.pixels, &batch.token_pixels, &batch.mask,
                    &batch.tokens, &batch.targets,      &batch.rows};
}

bool alike(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type();
}

// Without its C++ stack.
std::string reason_of(const std::exception& error) {
  const auto* of_libtorch = dynamic_cast<const c10::Error*>(&error);
  return of_libtorch ? of_libtorch->what_without_backtrace() : error.what();
}

}  // namespace

StepGraph::StepGraph(const std::exception& reason) : StepGraph(reason_of(reason)) {}

StepGraph::Result StepGraph::run(const std::vector<MicroBatch>& batches, const Step& step) {
  if (state_ == State::kRefused) return run_at_once(batches, step);
  if (!fits(batches)) {
    // Those that come several times in a row are what is recorded, not a first step of some other shape.
    if (state_ == State::kWarmUp) take_shapes_of(batches);
    return run_at_once(batches, step);
  }
  if (state_ == State::kWarmUp && warm_ < kWarmUpSteps) {
    warm_++;
    return {graph_->warm_up([&] {
      step.seed();
      return step.work(batches);
    })};
  }
  try {
    fill_inputs(batches);
    if (state_ == State::kWarmUp) {
      step.seed();
      // By value: a graph may keep it.
      outputs_ = graph_->capture([inputs = inputs_, work = step.work] { return work(inputs); });
      state_ = State::kCaptured;
    }
    step.seed();
    graph_->replay();
    return {outputs_, /*replayed=*/true};
  } catch (const Error& error) {
    if (error.code() == "ERR_CANCELLED") throw;
    refuse(reason_of(error));
  } catch (const std::exception& error) {
    refuse(reason_of(error));
  }
  return run_at_once(batches, step);
}

StepGraph::Result StepGraph::run_at_once(const std::vector<MicroBatch>& batches, const Step& step) {
  step.seed();
  return {step.work(batches), /*replayed=*/false, std::exchange(notice_, {})};
}

bool StepGraph::fits(const std::vector<MicroBatch>& batches) const {
  if (batches.size() != inputs_.size()) return false;
  for (size_t i = 0; i < batches.size(); i++) {
    const auto given = tensors_of(batches[i]);
    const auto own = tensors_of(inputs_[i]);
    for (size_t j = 0; j < given.size(); j++) {
      if (!alike(*given[j], *own[j])) return false;
    }
  }
  return true;
}

void StepGraph::take_shapes_of(const std::vector<MicroBatch>& batches) {
  warm_ = 0;
  inputs_ = batches;
  for (auto& input : inputs_) {
    for (auto* tensor : tensors_of(input)) {
      if (tensor->defined()) *tensor = at::empty_like(*tensor);
    }
  }
}

void StepGraph::fill_inputs(const std::vector<MicroBatch>& batches) {
  for (size_t i = 0; i < batches.size(); i++) {
    const auto from = tensors_of(batches[i]);
    const auto to = tensors_of(inputs_[i]);
    for (size_t j = 0; j < from.size(); j++) {
      if (from[j]->defined()) to[j]->copy_(*from[j]);
    }
  }
}

void StepGraph::refuse(const std::string& reason) {
  state_ = State::kRefused;
  graph_.reset();
  inputs_.clear();
  outputs_.clear();
  notice_ = "cudaGraphs: steps are not replayed as a graph, but each operation queued: " + reason;
}

}  // namespace beit::train
