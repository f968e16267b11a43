// The work of a device recorded once and given to it again as a whole, which spares the host queueing it.
#pragma once
#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace beit::train {

class DeviceGraph {
 public:
  using Work = std::function<std::vector<at::Tensor>()>;
  virtual ~DeviceGraph() = default;

  // Runs `work` on the stream that it is going to be recorded on: what it makes only once, it has made then.
  virtual std::vector<at::Tensor> warm_up(const Work& work) = 0;
  // Records `work` without running it: its tensors hold nothing before a replay. When it throws, nothing was
  // recorded and nothing has run.
  virtual std::vector<at::Tensor> capture(const Work& work) = 0;
  // Runs what was recorded with what its tensors hold by then, after all that was queued before.
  virtual void replay() = 0;
};

// Recorded work draws from `generator` as it is at each replay. ERR_DEVICE with the reason where nothing can
// be recorded: on the CPU, or without beit_cuda_graph.so.
std::unique_ptr<DeviceGraph> make_device_graph(const at::Generator& generator);

// For tests: on the CPU, work is recorded as a function that replays call. It is as unhelpful as a GPU:
// tensors hold nothing of use before a replay, a capture leaves the generator anywhere, and the capture or
// the second replay fails if it is to.
enum class GraphEmulation { kOff, kOn, kCaptureFails, kReplayFails };
void emulate_device_graphs(GraphEmulation emulation);

}  // namespace beit::train
