// The numbers that a step reports, on their way from the device.
#pragma once
#include <ATen/ATen.h>
#include <c10/core/Event.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/objective.h"

namespace beit::train {

struct StepResult {
  double loss = 0.0;                                    // mean over the micro-batches
  double gradient_norm = 0.0;                           // before clipping
  bool finite = true;                                   // of loss and gradient; false: nothing was changed
  std::vector<std::pair<std::string, double>> metrics;  // those of the objective
  std::vector<int64_t> token_counts;
  std::vector<std::pair<std::string, double>>
      parts;              // seconds each, where TrainerOptions::profile asks for them
  bool replayed = false;  // as a graph, where TrainerOptions::graphs asks for it
  std::string notice;     // for the user; empty: none
};

// A step that is queued on the device. On a GPU the host need not wait for it before it queues the next.
class PendingStep {
 public:
  // `numbers` float64 (3 + metrics + tokens): loss, gradient norm, finite or not, metrics, token counts.
  PendingStep(const at::Tensor& numbers, std::vector<const char*> metrics);

  // Waits for the step.
  StepResult result() const;

  std::vector<std::pair<std::string, double>> parts;
  bool replayed = false;
  std::string notice;

 private:
  at::Tensor numbers_;  // on the CPU
  std::vector<const char*> metrics_;
  std::optional<c10::Event> copied_;  // none: the numbers are there
};

// Sums up the losses of the micro-batches of a step.
class StepReport {
 public:
  void add(const Loss& loss, double share);
  const at::Tensor& loss() const { return loss_; }
  // What PendingStep takes: everything in one tensor, so that the device is asked once.
  at::Tensor numbers(const at::Tensor& gradient_norm, const at::Tensor& finite) const;
  std::vector<const char*> metrics() const;

 private:
  at::Tensor loss_;
  at::Tensor token_counts_;
  std::vector<Metric> metrics_;
};

}  // namespace beit::train
