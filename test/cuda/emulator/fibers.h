// The threads of one block as fibers of one thread of the CPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "cuda_types.h"

namespace emulator {

// The most bytes that a lane gives the others at once.
constexpr size_t kLaneBytes = 64;

struct Thread {
  uint3 thread;
  uint3 block;
  int warp;
  int lane;
};
// What the lanes of a warp left for one another: [32] slots.
using Lanes = const unsigned char (*)[kLaneBytes];

// The order that the environment variable BEIT_EMULATOR_ORDER asks for.
bool is_reversed();

const Thread& self();
dim3 block_size();
dim3 grid_size();
void* dynamic_shared_memory();

// Runs `body` as every thread of every block. Ends the process with a message when threads wait for ones that
// never come. Not reentrant: one grid at a time, from one thread.
cudaError_t run_grid(dim3 grid, dim3 block, size_t shared, const std::function<void()>& body);

// __syncthreads: threads that have returned are not waited for.
void wait_for_block();

// Leaves bytes for the lanes of `mask`, waits until all of them did, and gives what they left, good until the
// next exchange of the same lanes.
Lanes exchange(unsigned mask, const void* mine, size_t bytes);

}  // namespace emulator
