// The image loader: batches of files, and images that were decoded elsewhere, in tensors that are never
// copied.
#include "data/image_loader.h"

#include "bindings/async.h"
#include "bindings/loaded_batch.h"
#include "bindings/register.h"
#include "bindings/values.h"
#include "bindings/view_settings.h"
#include "engine/pinned_memory.h"

namespace beit::bindings {

namespace {

constexpr int64_t kMaxThreads = 1024;

std::shared_ptr<ImageLoader> loader_from(const Napi::CallbackInfo& info) {
  return from_handle<ImageLoader>(info[0], "loader");
}

SampleRequest sample_from(const Napi::Value& value) {
  const auto object = object_from(value, "samples");
  return {string_from(object.Get("path"), "path"),
          integer_between(object.Get("offset"), "offset", 0, kMaxInteger),
          integer_between(object.Get("length"), "length", -1, kMaxInteger), index_from(object.Get("index"))};
}

Napi::Value load_result_to_js(Napi::Env env, const LoadedBatch& batch,
                              const std::vector<DecodeResult>& results) {
  if (results.empty()) fail("ERR_CANCELLED", "the image loader was cancelled");
  auto statuses = Napi::Array::New(env, results.size());
  auto messages = Napi::Array::New(env, results.size());
  for (uint32_t i = 0; i < results.size(); i++) {
    statuses.Set(i, decode_status_name(results[i].status));
    messages.Set(i, results[i].message);
  }
  auto object = batch_to_js(env, batch);
  object.Set("statuses", statuses);
  object.Set("messages", messages);
  return object;
}

// A JavaScript value that lives until its memory has been read by another thread. Freed on the JavaScript
// thread alone: when the environment ends before the work does, Node frees it.
class Pin {
 public:
  explicit Pin(const Napi::Object& value) : reference_(new Napi::ObjectReference(Napi::Persistent(value))) {
    reference_->SuppressDestruct();
  }
  void release() const {
    reference_->Reset();
    delete reference_;
  }

 private:
  Napi::ObjectReference* reference_;
};

// `use(batch)` of new memory. An allocator may take long, so it is called on a thread of the loader; what it
// throws rejects.
template <class Use>
void with_new_batch(const std::shared_ptr<ImageLoader>& loader, int64_t rows, PendingPromise pending,
                    Use use) {
  if (!loader->allocator()) return use(new_batch(*loader, rows));
  loader->submit([=]() mutable {
    LoadedBatch batch;
    try {
      batch = new_batch(*loader, rows);
    } catch (...) {
      return pending.reject(std::current_exception());
    }
    use(batch);
  });
}

}  // namespace

// imageLoaderCreate(settings: ViewSettings, threads: number, pinMemory = false): Handle
static Napi::Value image_loader_create(const Napi::CallbackInfo& info) {
  const auto threads = static_cast<int>(integer_between(info[1], "threads", 1, kMaxThreads));
  const bool pinned = !is_absent(info[2]) && boolean_from(info[2], "pinMemory");
  if (pinned && !can_pin_memory()) fail("ERR_DEVICE", "pinMemory: there is no GPU to pin memory for");
  auto loader = std::make_shared<ImageLoader>(view_settings_from(info[0]), threads,
                                              pinned ? BatchAllocator(pinned_memory) : nullptr);
  Environment::of(info.Env()).on_stop(loader->threads(), ImageLoader::stopper(*loader));
  return make_handle(info.Env(), std::move(loader), 0);
}

// imageLoaderLoad(loader, samples: SampleRequest[], epoch: number): Promise<LoadResult>
static Napi::Value image_loader_load(const Napi::CallbackInfo& info) {
  auto loader = loader_from(info);
  const auto list = object_from(info[1], "samples").As<Napi::Array>();
  std::vector<SampleRequest> samples;
  samples.reserve(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) samples.push_back(sample_from(list.Get(i)));
  if (samples.empty()) fail("ERR_INVALID_ARGUMENT", "samples: expected at least one");
  const auto epoch = epoch_from(info[2]);
  PendingPromise pending(info.Env());
  auto promise = pending.promise();
  with_new_batch(loader, static_cast<int64_t>(samples.size()), pending, [=](const LoadedBatch& batch) {
    // The completion keeps the loader, so that a handle collected meanwhile does not end it.
    loader->load(samples, epoch, batch.memory(), [=](std::vector<DecodeResult> results) mutable {
      pending.settle([loader, batch, results = std::move(results)](Napi::Env env) {
        return load_result_to_js(env, batch, results);
      });
    });
  });
  return promise;
}

// imageLoaderLoadRaw(loader, result: LoadedTensors, row: number, sample, epoch: number): Promise<void>
static Napi::Value image_loader_load_raw(const Napi::CallbackInfo& info) {
  auto loader = loader_from(info);
  const auto batch = batch_from(info[1], loader->settings());
  const auto row = integer_between(info[2], "row", 0, batch.rows() - 1);
  const auto image = raw_image_from(info[3], "sample");
  const auto index = index_from(info[3].As<Napi::Object>().Get("index"));
  const auto epoch = epoch_from(info[4]);
  const Pin pin(info[3].As<Napi::Object>().Get("rgb").As<Napi::Object>());
  PendingPromise pending(info.Env());
  auto promise = pending.promise();
  loader->load_raw(image, index, epoch, batch.memory(), row, [=](std::exception_ptr problem) mutable {
    pending.settle([loader, batch, pin, problem](Napi::Env env) -> Napi::Value {
      pin.release();
      if (problem) std::rethrow_exception(problem);
      return env.Undefined();
    });
  });
  return promise;
}

// imageLoaderTakeRows(loader, result: LoadedTensors, rows: number[]): Promise<LoadedTensors>
static Napi::Value image_loader_take_rows(const Napi::CallbackInfo& info) {
  auto loader = loader_from(info);
  RowCopy job;
  job.from = batch_from(info[1], loader->settings());
  job.rows = integers_from(info[2], "rows");
  for (const int64_t row : job.rows) {
    if (row < 0 || row >= job.from.rows()) {
      fail("ERR_INVALID_ARGUMENT", "rows: expected numbers from 0 to ", job.from.rows() - 1, ", got ", row);
    }
  }
  PendingPromise pending(info.Env());
  auto promise = pending.promise();
  with_new_batch(loader, static_cast<int64_t>(job.rows.size()), pending, [=](const LoadedBatch& batch) {
    auto copy = job;
    copy.to = batch;
    loader->submit([=]() mutable {
      copy.copy();
      pending.settle([loader, copy](Napi::Env env) -> Napi::Value { return batch_to_js(env, copy.to); });
    });
  });
  return promise;
}

// emulatePinnedMemory(on: boolean): { taken: number, live: number }, of the emulation so far
static Napi::Value emulate_pinned_memory_of_loaders(const Napi::CallbackInfo& info) {
  const auto memory = emulate_pinned_memory(boolean_from(info[0], "on"));
  auto result = Napi::Object::New(info.Env());
  result.Set("taken", static_cast<double>(memory.taken));
  result.Set("live", static_cast<double>(memory.live));
  return result;
}

// imageLoaderCancel(loader): void
static void image_loader_cancel(const Napi::CallbackInfo& info) { loader_from(info)->cancel(); }

void register_image_loader(Napi::Env env, Napi::Object exports) {
  export_function<image_loader_create>(env, exports, "imageLoaderCreate");
  export_function<image_loader_load>(env, exports, "imageLoaderLoad");
  export_function<image_loader_load_raw>(env, exports, "imageLoaderLoadRaw");
  export_function<image_loader_take_rows>(env, exports, "imageLoaderTakeRows");
  export_function<image_loader_cancel>(env, exports, "imageLoaderCancel");
  export_function<emulate_pinned_memory_of_loaders>(env, exports, "emulatePinnedMemory");
}

}  // namespace beit::bindings
