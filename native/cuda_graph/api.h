// What the library of CUDA graphs (beit_cuda_graph.so) gives the addon, which opens it where a GPU is:
// libtorch's graphs, which are in libtorch_cuda, and that the addon does not link.
#pragma once
#include <ATen/core/Generator.h>

#include <cstdint>
#include <memory>

namespace beit::cuda {

// Counts changes of this file. A library of another version is not used.
constexpr uint32_t kGraphApiVersion = 1;

// The work of the current device that one stream was given, to be given again. On one thread.
class Graph {
 public:
  virtual ~Graph() = default;
  // Until end(), what is queued on the current stream is recorded and not run, and memory comes from a pool
  // of the graph. `generator` is asked at each replay where its random numbers begin. Once.
  virtual void begin(const at::Generator& generator) = 0;
  virtual void end() = 0;
  // Instead of end(), or after begin() or end() have thrown: nothing is recorded any more.
  virtual void abandon() noexcept = 0;
  // Queues it on the current stream.
  virtual void replay() = 0;
};

struct GraphApi {
  uint32_t version;
  std::unique_ptr<Graph> (*create)();
};

}  // namespace beit::cuda

// The one symbol that the library exports.
extern "C" __attribute__((visibility("default"))) const beit::cuda::GraphApi* beit_cuda_graph_api();
