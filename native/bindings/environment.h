// What one JavaScript environment (the main thread or a worker) owns: its engine thread, the way back from
// other threads, and the account of native memory. Nothing here is global, so workers do not disturb each
// other.
#pragma once
#include <napi.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/engine.h"

namespace beit::bindings {

using Completion = std::function<void(Napi::Env)>;

class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  static Environment& of(Napi::Env env);

  Engine& engine() { return engine_; }

  // From any thread: runs `completion` on the JavaScript thread soon. Dropped when the environment is ending.
  void post(Completion completion);

  // JavaScript thread only: while work is pending the event loop stays alive.
  void begin_work(Napi::Env env);
  void end_work(Napi::Env env);

  // Other owners of threads (the image loader) register how to stop them, which cancel_and_join calls.
  // Forgotten once `threads` has expired.
  void on_stop(std::weak_ptr<const void> threads, std::function<void()> stop);

  // Stops every thread of this environment and waits for it: from process.on('exit') and from the cleanup
  // hook.
  void cancel_and_join();

  void account(Napi::Env env, int64_t bytes, int64_t handles);
  int64_t live_bytes() const { return live_bytes_; }
  int64_t live_handles() const { return live_handles_; }

 private:
  void drain(Napi::Env env);

  Engine engine_;
  std::mutex mutex_;
  std::deque<Completion> completions_;
  Napi::ThreadSafeFunction wake_;
  bool ended_ = false;
  int64_t pending_ = 0;
  int64_t live_bytes_ = 0;
  int64_t live_handles_ = 0;
  struct Stop {
    std::weak_ptr<const void> threads;
    std::function<void()> stop;
  };
  std::vector<Stop> stops_;
};

}  // namespace beit::bindings
