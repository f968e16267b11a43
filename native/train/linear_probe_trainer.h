// Training of linear classifiers on the features of every layer of a frozen model, all layers at once
// (run_linear_eval.py of microsoft/unilm, beit/): the loss is the sum over layers of the mean cross-entropy,
// so that no layer's classifier knows of another's.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "models/linear_probe.h"
#include "train/adamw.h"

namespace beit::train {

// Labelled features, on any device.
struct ProbeBatch {
  at::Tensor features;  // float32 (B or more, L, F)
  at::Tensor targets;   // int64 (B), in 0..C-1
  at::Tensor rows;      // int32 or int64: which rows of both to take, in this order; undefined: the first B
};

// Sums over the images since they were last taken, one a layer.
struct ProbeTotals {
  std::vector<double> loss;
  std::vector<double> correct;
  int64_t images = 0;
};

class LinearProbeTrainer {
 public:
  LinearProbeTrainer(std::shared_ptr<const models::LinearProbe> probe, const AdamW::Options& options);

  // One AdamW step. Every parameter decays, the biases as well, as in the original. Does not wait for the
  // device: loss and hits are added to the totals there.
  void step(const ProbeBatch& batch, double learning_rate, double weight_decay);
  // Adds to the totals alone.
  void evaluate(const ProbeBatch& batch);
  // The totals, which begin anew.
  ProbeTotals take_totals();

  const models::LinearProbe& probe() const { return *probe_; }
  int64_t bytes() const;

 private:
  ProbeBatch gathered(const ProbeBatch& batch) const;
  at::Tensor losses(const ProbeBatch& batch);  // (L) with their graph

  std::shared_ptr<const models::LinearProbe> probe_;
  AdamW optimizer_;
  at::Tensor totals_;  // float64 (2, L): loss, correct
  int64_t images_ = 0;
};

}  // namespace beit::train
