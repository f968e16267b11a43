// Where the time of a step goes.
#pragma once
#include <ATen/ATen.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace beit::train {

// The time since the last mark, or since it was made, belongs to the part that is marked. On a GPU a mark
// waits for what was asked of it, so that a profiled step is a little slower than others.
class StepProfile {
 public:
  explicit StepProfile(at::Device device);

  void mark(const char* part);
  // In seconds, in the order in which they were first marked.
  const std::vector<std::pair<std::string, double>>& parts() const { return parts_; }

 private:
  at::Device device_;
  std::chrono::steady_clock::time_point last_;
  std::vector<std::pair<std::string, double>> parts_;
};

}  // namespace beit::train
