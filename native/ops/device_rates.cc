#include "ops/device_rates.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace beit::ops {

namespace {

constexpr int kRuns = 20;
// Of one run on a GPU: what it costs to queue the first and to wait for the last is not the device's.
constexpr int kRepeats = 10;

void wait_for(at::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

template <class Work>
double fastest_seconds(at::Device device, const Work& work) {
  const int repeats = device.is_cpu() ? 1 : kRepeats;
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run < kRuns; run++) {
    wait_for(device);
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; i++) work();
    wait_for(device);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
    best = std::min(best, taken.count() / repeats);
  }
  return best;
}

}  // namespace

DeviceRates measure_device_rates(at::Device device, int64_t side, int64_t bytes) {
  const auto options = at::TensorOptions().device(device);
  const auto a = at::randn({side, side}, options.dtype(device.is_cpu() ? at::kFloat : at::kBFloat16));
  const auto b = at::randn_like(a);
  auto product = at::empty_like(a);
  const auto source = at::zeros({bytes}, options.dtype(at::kByte));
  auto copy = at::empty_like(source);
  const at::Device numbered = a.device();  // 'cuda' has no number, which waiting needs
  const double multiplied = fastest_seconds(numbered, [&] { at::mm_out(product, a, b); });
  const double copied = fastest_seconds(numbered, [&] { copy.copy_(source); });
  const auto cube = static_cast<double>(side) * static_cast<double>(side) * static_cast<double>(side);
  return {2.0 * cube / multiplied, 2.0 * static_cast<double>(bytes) / copied};
}

}  // namespace beit::ops
