#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>

#include "cuda_graph/api.h"

namespace beit::cuda {

namespace {

// In newer versions, which lack this function, a generator registers itself when a capture first asks it for
// numbers.
template <typename CudaGraph>
void register_generator(CudaGraph& graph, [[maybe_unused]] const at::Generator& generator) {
  if constexpr (requires { graph.register_generator_state(generator); }) {
    graph.register_generator_state(generator);
  }
}

class LibtorchGraph : public Graph {
 public:
  void begin(const at::Generator& generator) override {
    device_ = c10::cuda::current_device();
    register_generator(graph_, generator);
    // Other threads may do what a capture forbids: loaders pin memory.
    graph_.capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
  }

  void end() override { graph_.capture_end(); }

  void abandon() noexcept override {
    try {
      graph_.capture_end();
    } catch (const std::exception&) {
      give_back_pool();
    }
  }

  void replay() override { graph_.replay(); }

 private:
  // libtorch's capture_end does not when CUDA has nothing to end, and its allocator would look after no
  // stream until it did.
  void give_back_pool() noexcept {
    try {
      c10::cuda::CUDACachingAllocator::endAllocateToPool(device_, pool_);
      c10::cuda::CUDACachingAllocator::releasePool(device_, pool_);
    } catch (const std::exception&) {
      // It had done so.
    }
  }

  // Not the graph's own: that one it tells only after it has captured something.
  at::MempoolId_t pool_ = at::cuda::graph_pool_handle();
  c10::DeviceIndex device_ = 0;
  at::cuda::CUDAGraph graph_;
};

constexpr GraphApi kApi{
    .version = kGraphApiVersion,
    .create = []() -> std::unique_ptr<Graph> { return std::make_unique<LibtorchGraph>(); },
};

}  // namespace

}  // namespace beit::cuda

const beit::cuda::GraphApi* beit_cuda_graph_api() { return &beit::cuda::kApi; }
