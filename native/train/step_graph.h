// Which steps are recorded as a graph, and which are replayed: warm-up, then one capture, then replays of it.
// Knows neither what a step computes nor what records it.
#pragma once
#include <ATen/ATen.h>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "train/device_graph.h"
#include "train/objective.h"

namespace beit::train {

class StepGraph {
 public:
  // Steps of the same shapes, one after the other, before one of them is recorded.
  static constexpr int kWarmUpSteps = 3;

  struct Step {
    // Puts the generator where the step begins. Called before the work is run, recorded or replayed.
    std::function<void()> seed;
    // Of batches on the device. Reads nothing else that changes from step to step, unless it is a tensor that
    // stays. May be called again later.
    std::function<std::vector<at::Tensor>(const std::vector<MicroBatch>&)> work;
  };
  struct Result {
    std::vector<at::Tensor> tensors;  // of a replay: always the same, until the next one writes them
    bool replayed = false;
    std::string notice{};  // said once: why steps are not replayed
  };

  explicit StepGraph(std::unique_ptr<DeviceGraph> graph) : graph_(std::move(graph)) {}
  // Nothing is ever recorded, because of `reason`.
  explicit StepGraph(const std::string& reason) { refuse(reason); }
  explicit StepGraph(const std::exception& reason);

  // Runs the step once, in whichever way. Batches of other shapes than those that were recorded run as they
  // are.
  Result run(const std::vector<MicroBatch>& batches, const Step& step);

 private:
  enum class State { kWarmUp, kCaptured, kRefused };

  bool fits(const std::vector<MicroBatch>& batches) const;
  void take_shapes_of(const std::vector<MicroBatch>& batches);
  void fill_inputs(const std::vector<MicroBatch>& batches);
  void refuse(const std::string& reason);
  Result run_at_once(const std::vector<MicroBatch>& batches, const Step& step);

  State state_ = State::kWarmUp;
  std::unique_ptr<DeviceGraph> graph_;
  int warm_ = 0;
  // What the recorded work reads and gives.
  std::vector<MicroBatch> inputs_;
  std::vector<at::Tensor> outputs_;
  std::string notice_;
};

}  // namespace beit::train
