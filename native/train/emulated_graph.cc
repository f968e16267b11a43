#include "train/emulated_graph.h"

#include <c10/core/GradMode.h>

#include "engine/error.h"

namespace beit::train {

namespace {

GraphEmulation& emulation() {
  static GraphEmulation current = GraphEmulation::kOff;
  return current;
}

class EmulatedGraph : public DeviceGraph {
 public:
  EmulatedGraph(const at::Generator& generator, GraphEmulation emulation)
      : generator_(generator), emulation_(emulation) {}

  std::vector<at::Tensor> warm_up(const Work& work) override { return work(); }

  std::vector<at::Tensor> capture(const Work& work) override {
    if (emulation_ == GraphEmulation::kCaptureFails) {
      generator_.set_current_seed(1);
      fail("ERR_DEVICE", "this capture was to fail");
    }
    // It does run here, and not at the first replay, but nobody is told what came of it.
    work_ = work;
    tensors_ = work();
    const c10::NoGradGuard no_gradient;
    for (const auto& tensor : tensors_) {
      results_.push_back(tensor.defined() ? tensor.clone() : tensor);
      if (tensor.defined()) at::Tensor(tensor).fill_(-1);
    }
    generator_.set_current_seed(1);
    return tensors_;
  }

  void replay() override {
    if (++replays_ == 2 && emulation_ == GraphEmulation::kReplayFails) {
      fail("ERR_DEVICE", "this replay was to fail");
    }
    if (replays_ > 1) results_ = work_();
    const c10::NoGradGuard no_gradient;
    for (size_t i = 0; i < tensors_.size(); i++) {
      if (tensors_[i].defined()) at::Tensor(tensors_[i]).copy_(results_[i]);
    }
  }

 private:
  at::Generator generator_;
  GraphEmulation emulation_;
  Work work_;
  std::vector<at::Tensor> tensors_;  // those that capture() gave
  std::vector<at::Tensor> results_;
  int replays_ = 0;
};

}  // namespace

void emulate_device_graphs(GraphEmulation emulated) { emulation() = emulated; }

std::unique_ptr<DeviceGraph> make_emulated_graph(const at::Generator& generator) {
  if (emulation() == GraphEmulation::kOff) return nullptr;
  return std::make_unique<EmulatedGraph>(generator, emulation());
}

}  // namespace beit::train
