#include "fibers.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace emulator {

namespace {

constexpr size_t kStackBytes = 256 * 1024;  // pages are taken only as they are touched

[[noreturn]] void give_up(const char* message) {
  std::fprintf(stderr, "CUDA emulator: %s\n", message);
  std::abort();
}

// Where lanes of one mask meet. Two sets of slots in turns: a lane that is ahead by one exchange does not
// overwrite what another still reads, and it cannot be ahead by two.
struct Meeting {
  unsigned mask = 0;
  int arrived = 0;
  uint64_t round = 0;
  unsigned char slots[2][32][kLaneBytes];
};

struct Fiber : Thread {
  ucontext_t context;
  jmp_buf where;
  bool started = false;
  bool done = false;
  const uint64_t* awaited = nullptr;  // a counter of rounds: the fiber may go on once it passed `passed`
  uint64_t passed = 0;
};

// Stacks are kept for the next block.
class Stacks {
 public:
  void* at(size_t index) {
    while (stacks_.size() <= index) {
      void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (stack == MAP_FAILED) give_up("no memory for the stack of a thread");
      stacks_.push_back(stack);
    }
    return stacks_[index];
  }

 private:
  std::vector<void*> stacks_;
};

struct Block {
  dim3 size, grid;
  const std::function<void()>* body = nullptr;
  std::vector<Fiber> fibers;
  std::vector<std::list<Meeting>> meetings;  // of each warp
  std::vector<unsigned char> shared;
  Fiber* current = nullptr;
  jmp_buf scheduler;
  ucontext_t scheduler_context;
  int alive = 0;
  int arrived = 0;  // at __syncthreads
  uint64_t round = 0;
};

Block running;
Stacks stacks;

void back_to_scheduler() {
  if (_setjmp(running.current->where) == 0) _longjmp(running.scheduler, 1);
}

void wait_until_passed(const uint64_t& counter, uint64_t round) {
  running.current->awaited = &counter;
  running.current->passed = round;
  back_to_scheduler();
}

void pass_barrier_if_all_came() {
  if (running.arrived == 0 || running.arrived < running.alive) return;
  running.arrived = 0;
  running.round++;
}

void fiber_main() {
  (*running.body)();
  running.current->done = true;
  running.alive--;
  pass_barrier_if_all_came();
  _longjmp(running.scheduler, 1);
}

void resume(Fiber& fiber, void* stack) {
  running.current = &fiber;
  fiber.awaited = nullptr;
  if (_setjmp(running.scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.where, 1);
  fiber.started = true;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = stack;
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, fiber_main, 0);
  swapcontext(&running.scheduler_context, &fiber.context);
}

// Runs a warp as far as it gets without the others, which is what makes a missing barrier show. False when it
// gets nowhere.
bool run_warp(size_t warp, bool reversed) {
  const size_t first = warp * 32, lanes = std::min<size_t>(32, running.fibers.size() - first);
  bool ever = false;
  for (bool any = true; any; ever |= any) {
    any = false;
    for (size_t turn = 0; turn < lanes; turn++) {
      const size_t i = first + (reversed ? lanes - 1 - turn : turn);
      auto& fiber = running.fibers[i];
      if (fiber.done || (fiber.awaited != nullptr && *fiber.awaited <= fiber.passed)) continue;
      resume(fiber, stacks.at(i));
      any = true;
    }
  }
  return ever;
}

void run_block(uint3 block, bool reversed) {
  const size_t count = running.fibers.size();
  for (size_t i = 0; i < count; i++) {
    auto& fiber = running.fibers[i];
    const unsigned id = static_cast<unsigned>(i);
    fiber = Fiber{};
    fiber.thread = {id % running.size.x, id / running.size.x % running.size.y,
                    id / running.size.x / running.size.y};
    fiber.block = block;
    fiber.warp = static_cast<int>(id / 32);
    fiber.lane = static_cast<int>(id % 32);
  }
  for (auto& of_warp : running.meetings) of_warp.clear();
  std::fill(running.shared.begin(), running.shared.end(), 0xff);
  running.alive = static_cast<int>(count);
  running.arrived = 0;
  const size_t warps = running.meetings.size();
  while (running.alive > 0) {
    bool any = false;
    for (size_t turn = 0; turn < warps; turn++) any |= run_warp(reversed ? warps - 1 - turn : turn, reversed);
    if (!any)
      give_up("every thread waits: a barrier or an exchange in a warp is not reached by all its threads");
  }
}

}  // namespace

bool is_reversed() {
  const char* order = std::getenv("BEIT_EMULATOR_ORDER");
  return order != nullptr && std::string(order) == "reversed";
}

const Thread& self() { return *running.current; }
dim3 block_size() { return running.size; }
dim3 grid_size() { return running.grid; }

void* dynamic_shared_memory() {
  const auto address = reinterpret_cast<uintptr_t>(running.shared.data());
  return reinterpret_cast<void*>((address + 127) / 128 * 128);
}

cudaError_t run_grid(dim3 grid, dim3 block, size_t shared, const std::function<void()>& body) {
  const size_t threads = static_cast<size_t>(block.x) * block.y * block.z;
  // The limits of sm_80 and sm_90.
  if (threads == 0 || threads > 1024 || shared > 227 * 1024 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.y > 65535 || grid.z > 65535) {
    return cudaErrorInvalidValue;
  }
  const bool reversed = is_reversed();
  running.size = block;
  running.grid = grid;
  running.body = &body;
  running.fibers.assign(threads, Fiber{});
  running.meetings.assign((threads + 31) / 32, {});
  running.shared.assign(shared + 128, 0xff);
  for (unsigned z = 0; z < grid.z; z++) {
    for (unsigned y = 0; y < grid.y; y++) {
      for (unsigned x = 0; x < grid.x; x++) run_block({x, y, z}, reversed);
    }
  }
  return cudaSuccess;
}

void wait_for_block() {
  const uint64_t round = running.round;
  running.arrived++;
  pass_barrier_if_all_came();
  if (running.round == round) wait_until_passed(running.round, round);
}

Lanes exchange(unsigned mask, const void* mine, size_t bytes) {
  const auto& fiber = *running.current;
  if ((mask >> fiber.lane & 1) == 0) give_up("a lane takes part in an exchange whose mask leaves it out");
  if (bytes > kLaneBytes) give_up("a lane gives more bytes than the emulator holds");
  auto& of_warp = running.meetings[static_cast<size_t>(fiber.warp)];
  auto meeting = of_warp.begin();
  while (meeting != of_warp.end() && meeting->mask != mask) ++meeting;
  if (meeting == of_warp.end()) {
    of_warp.emplace_back().mask = mask;
    meeting = std::prev(of_warp.end());
  }
  const uint64_t round = meeting->round;
  auto& slots = meeting->slots[round % 2];
  if (bytes > 0) std::memcpy(slots[fiber.lane], mine, bytes);
  // The last warp may have fewer threads than the mask names.
  const size_t threads = running.fibers.size();
  const size_t in_warp = std::min<size_t>(32, threads - static_cast<size_t>(fiber.warp) * 32);
  const unsigned present = in_warp == 32 ? mask : mask & ((1u << in_warp) - 1);
  if (++meeting->arrived == __builtin_popcount(present)) {
    meeting->arrived = 0;
    meeting->round++;
  } else {
    wait_until_passed(meeting->round, round);
  }
  return slots;
}

}  // namespace emulator
