// The engine thread: the one thread of an environment that calls libtorch. Gradient mode, autocast, the CUDA
// device and the OpenMP team are all per thread, so every job of an environment runs here, in the order
// given. Knows nothing of JavaScript.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace beit {

class Engine {
 public:
  Engine() = default;
  ~Engine() { cancel_and_join(); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Appends a job; the thread starts with the first one. A job must not throw. After cancel_and_join jobs are
  // dropped.
  void submit(std::function<void()> job);

  // Drops the jobs that have not begun, tells the running one to stop and waits for it. Must be called before
  // the process ends: a thread inside libtorch while static objects are destroyed crashes.
  void cancel_and_join();

  // The engine whose thread calls, or null.
  static const Engine* current();

  // Long jobs ask between pieces of work (engine/interruptible.h) and give up with ERR_CANCELLED.
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  void throw_if_cancelled() const;

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::thread thread_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace beit
