// Work in pieces that threads take one by one.
#pragma once
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

namespace beit::ops {

// work(task) for each of `tasks`: a thread takes the next one when it has done its last, so that none waits
// for another that has larger tasks or is held up. Which thread computes a task must not matter.
template <class Work>
void parallel_tasks(int64_t tasks, const Work& work) {
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min<int64_t>(tasks, at::get_num_threads()), 1, [&](int64_t, int64_t) {
    for (int64_t task = next++; task < tasks; task = next++) work(task);
  });
}

}  // namespace beit::ops
