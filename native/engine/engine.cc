#include "engine/engine.h"

#include "engine/error.h"

namespace beit {

namespace {

thread_local const Engine* engine_of_thread = nullptr;

}  // namespace

const Engine* Engine::current() { return engine_of_thread; }

void Engine::submit(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (cancelled()) return;
  jobs_.push_back(std::move(job));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  wake_.notify_one();
}

void Engine::cancel_and_join() {
  std::deque<std::function<void()>> dropped;
  {
    std::lock_guard lock(mutex_);
    cancelled_.store(true, std::memory_order_relaxed);
    dropped.swap(jobs_);
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Engine::throw_if_cancelled() const {
  if (cancelled()) fail("ERR_CANCELLED", "the environment is ending");
}

void Engine::run() {
  engine_of_thread = this;
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return cancelled() || !jobs_.empty(); });
      if (cancelled()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace beit
