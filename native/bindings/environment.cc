#include "bindings/environment.h"

#include "engine/error.h"

namespace beit::bindings {

Environment::Environment(Napi::Env env) {
  // The queue is unbounded and calls never block: a bounded one could dead-lock the join at the end.
  wake_ = Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}),
                                        "beit-torch", 0, 1);
  wake_.Unref(env);
  // Registered after the thread-safe function, so it runs before that one is torn down with a worker.
  env.AddCleanupHook([this] { cancel_and_join(); });
}

Environment::~Environment() { cancel_and_join(); }

Environment& Environment::of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

void Environment::post(Completion completion) {
  std::lock_guard lock(mutex_);
  if (ended_) return;
  completions_.push_back(std::move(completion));
  wake_.NonBlockingCall([this](Napi::Env env, Napi::Function) {
    if (static_cast<napi_env>(env) != nullptr) drain(env);
  });
}

void Environment::drain(Napi::Env env) {
  std::deque<Completion> ready;
  {
    std::lock_guard lock(mutex_);
    ready.swap(completions_);
  }
  for (auto& completion : ready) completion(env);
}

void Environment::begin_work(Napi::Env env) {
  if (ended_) fail("ERR_CANCELLED", "this environment is ending and takes no more work");
  if (pending_++ == 0) wake_.Ref(env);
}

void Environment::end_work(Napi::Env env) {
  if (--pending_ == 0) wake_.Unref(env);
}

void Environment::on_stop(std::weak_ptr<const void> threads, std::function<void()> stop) {
  std::erase_if(stops_, [](const Stop& each) { return each.threads.expired(); });
  stops_.push_back({std::move(threads), std::move(stop)});
}

void Environment::cancel_and_join() {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
  }
  for (auto& each : stops_) each.stop();
  engine_.cancel_and_join();
  wake_.Abort();
}

void Environment::account(Napi::Env env, int64_t bytes, int64_t handles) {
  live_bytes_ += bytes;
  live_handles_ += handles;
  if (bytes != 0) Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
}

}  // namespace beit::bindings
