#include "engine/fresh_zeros.h"

#include <cstdlib>

namespace beit {

// Of libtorch's own allocator.
constexpr uintptr_t kAlignment = 64;
// Less is zeroed sooner than the system is asked for it.
constexpr int64_t kLarge = 1024 * 1024;

at::Tensor fresh_zeros(at::IntArrayRef shape, const at::TensorOptions& options) {
  const auto bytes = c10::multiply_integers(shape) * static_cast<int64_t>(options.dtype().itemsize());
  if (!options.device().is_cpu() || bytes < kLarge) return at::zeros(shape, options);
  // Knows which memory the system has zeroed, and zeroes what was used before.
  void* memory = std::calloc(static_cast<size_t>(bytes) + kAlignment, 1);
  if (memory == nullptr) return at::zeros(shape, options);  // has libtorch's own error
  const auto address = (reinterpret_cast<uintptr_t>(memory) + kAlignment - 1) / kAlignment * kAlignment;
  auto* data = reinterpret_cast<void*>(address);
  // Not with large pages: they take longer here than what they save, as parameters are not aligned to them.
  return at::from_blob(data, shape, [memory](void*) { std::free(memory); }, options);
}

}  // namespace beit
