// Threads that take tasks from one queue in order. The owner may let go of the pool at any time, on any
// thread: the threads finish the queue and end by themselves, and whoever must know that they have ended
// waits for it.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace beit {

class WorkerPool : public std::enable_shared_from_this<WorkerPool> {
 public:
  // A task gets the number of its thread, 0..threads-1. It must not throw.
  using Task = std::function<void(int thread)>;

  static std::shared_ptr<WorkerPool> start(int threads);

  void submit(Task task);

  // No tasks come any more: the threads end once the queue is empty.
  void close();

  // Until no thread runs a task or ever will. Only after close().
  void wait();

 private:
  WorkerPool() = default;
  void run(int thread);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<Task> tasks_;
  int running_ = 0;
  bool closed_ = false;
};

}  // namespace beit
