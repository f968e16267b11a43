#include "data/worker_pool.h"

#include <thread>

namespace beit {

std::shared_ptr<WorkerPool> WorkerPool::start(int threads) {
  std::shared_ptr<WorkerPool> pool(new WorkerPool);
  try {
    for (int thread = 0; thread < threads; thread++) {
      std::lock_guard lock(pool->mutex_);
      std::thread([pool, thread] { pool->run(thread); }).detach();
      pool->running_++;
    }
  } catch (...) {
    pool->close();  // the system has no more threads: those that began end again
    throw;
  }
  return pool;
}

void WorkerPool::submit(Task task) {
  std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  wake_.notify_one();
}

void WorkerPool::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  wake_.notify_all();
}

void WorkerPool::wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return running_ == 0; });
}

void WorkerPool::run(int thread) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
    if (tasks_.empty()) break;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task(thread);
    task = nullptr;  // what it holds is freed here, not under the lock
    lock.lock();
  }
  // What is left of the thread touches nothing but this pool, which it keeps alive.
  if (--running_ == 0) ended_.notify_all();
}

}  // namespace beit
