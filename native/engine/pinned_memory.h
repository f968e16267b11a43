// Pinned memory: a GPU copies from it while the host goes on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace beit {

// From libtorch's allocator, which keeps what is given back for the next who asks, but not before the copies
// that were queued from it are done. Any thread. ERR_DEVICE where there is no GPU.
std::shared_ptr<uint8_t[]> pinned_memory(size_t bytes);

// Whether there is a GPU for it, or it is emulated.
bool can_pin_memory();

// For tests: ordinary memory in its place, on any machine.
struct EmulatedPinnedMemory {
  int64_t taken = 0;  // blocks, since it was turned on
  int64_t live = 0;   // of those, not given back
};
EmulatedPinnedMemory emulate_pinned_memory(bool on);

}  // namespace beit
