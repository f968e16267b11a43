// What a training step computes of a batch. One objective a file (masked_image_modeling_step.cc,
// discrete_vae_step.cc, image_classification_step.cc); the trainer knows no more than this.
#pragma once
#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "nn/module.h"
#include "train/batch_mixing.h"
#include "train/step_profile.h"

namespace beit::train {

// One micro-batch as it comes from the loader; mask, tokens and targets on the CPU, since they are looked at.
// Undefined where the objective has no use for it.
struct MicroBatch {
  at::Tensor pixels;        // (B, 3, H, W): uint8, or float32 that is already normalised
  at::Tensor token_pixels;  // (B, 3, h, w): uint8, or float32 in [0, 1]
  at::Tensor mask;          // (B, N) bool
  at::Tensor tokens;        // (B, N) int64, instead of token_pixels
  at::Tensor targets;       // int64 (B) class ids, or float32 (B, C) weights of the classes
  at::Tensor rows;          // int64 (M): patches that are looked at, of B * N; on_device() finds them
  std::optional<BatchErasing> erase;
  std::optional<MixPlan> mix;
};

struct LossSettings {
  nn::ForwardContext forward;
  double temperature = 1.0;  // of relaxed codes
  double kl_weight = 0.0;
  StepProfile* profile = nullptr;  // none: nobody asked

  void mark(const char* part) const {
    if (profile) profile->mark(part);
  }
};

// A number to report. Over the micro-batches of a step it is summed or averaged.
struct Metric {
  enum class Over { kSum, kMean };
  const char* name;
  Over over;
  at::Tensor value;  // scalar on the device, without a gradient
};

struct Loss {
  at::Tensor value;  // float32 scalar with its graph
  std::vector<Metric> metrics;
  at::Tensor token_counts;  // (V) int64: how often each token was a target or a code; (0) without tokens
};

class Objective {
 public:
  virtual ~Objective() = default;
  // The module that is trained.
  virtual const nn::Module& model() const = 0;
  // ERR_SHAPE_MISMATCH or ERR_INVALID_ARGUMENT when the batch does not fit, before anything is computed.
  virtual void check(const MicroBatch& batch) const = 0;
  // The batch on the device, as loss() takes it. An objective that takes it wherever it is leaves it there.
  virtual MicroBatch on_device(const MicroBatch& batch) const { return batch; }
  // Whether loss() of one batch is that of another with other numbers in the same tensors, as on_device()
  // gives them, so that it can be recorded and replayed.
  virtual bool replayable() const { return false; }
  virtual Loss loss(const MicroBatch& batch, const LossSettings& settings) const = 0;
};

}  // namespace beit::train
