#include "train/step_profile.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>

namespace beit::train {

StepProfile::StepProfile(at::Device device) : device_(device), last_(std::chrono::steady_clock::now()) {}

void StepProfile::mark(const char* part) {
  if (!device_.is_cpu()) c10::impl::VirtualGuardImpl(device_.type()).synchronizeDevice(device_.index());
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - last_).count();
  last_ = now;
  const auto found =
      std::find_if(parts_.begin(), parts_.end(), [&](const auto& p) { return p.first == part; });
  if (found == parts_.end()) {
    parts_.emplace_back(part, seconds);
  } else {
    found->second += seconds;
  }
}

}  // namespace beit::train
