#include "engine/pinned_memory.h"

#include <ATen/Context.h>
#include <ATen/core/CachingHostAllocator.h>

#include <atomic>

#include "engine/error.h"

namespace beit {

namespace {

std::atomic<bool> emulated{false};
std::atomic<int64_t> taken{0};
std::atomic<int64_t> live{0};

std::shared_ptr<uint8_t[]> emulated_memory(size_t bytes) {
  taken++;
  live++;
  return {new uint8_t[bytes], [](const uint8_t* memory) {
            delete[] memory;
            live--;
          }};
}

}  // namespace

bool can_pin_memory() { return emulated || at::hasCUDA(); }

std::shared_ptr<uint8_t[]> pinned_memory(size_t bytes) {
  if (emulated) return emulated_memory(bytes);
  if (!can_pin_memory()) fail("ERR_DEVICE", "pinned memory needs a GPU");
  auto owner = std::make_shared<at::DataPtr>(at::getHostAllocator(at::kCUDA)->allocate(bytes));
  // Shares what `owner` counts: the memory goes back with the last who has it.
  return {owner, static_cast<uint8_t*>(owner->get())};
}

EmulatedPinnedMemory emulate_pinned_memory(bool on) {
  const EmulatedPinnedMemory result{taken, live};
  if (on && !emulated) taken = live = 0;
  emulated = on;
  return result;
}

}  // namespace beit
