// The image loader: reads, decodes and transforms the samples of batches on threads of its own, straight into
// the memory of the batch. Knows neither JavaScript nor libtorch; a result never depends on the number of
// threads.
#pragma once
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/decode_jpeg.h"
#include "data/two_views.h"
#include "data/worker_pool.h"

namespace beit {

// Where a sample is, as SampleRequest of lib/native.ts.
struct SampleRequest {
  std::string path;
  int64_t offset;
  int64_t length;  // -1: to the end of the file
  uint64_t index;  // in the data set: decides, with seed and epoch, every random choice
};

// Memory of a batch of B samples. Absent parts are null.
struct BatchMemory {
  uint8_t* pixels;        // (B, 3, H, W)
  uint8_t* token_pixels;  // (B, 3, h, w)
  uint8_t* mask;          // (B, rows, columns)
};

// Where the memory of batches comes from: on any thread, it throws where there is none.
using BatchAllocator = std::function<std::shared_ptr<uint8_t[]>(size_t bytes)>;

class ImageLoader {
 public:
  // The settings were checked by the caller. An `allocator` is not called on the caller's threads: it may
  // take long. None: ordinary memory.
  ImageLoader(ViewSettings settings, int threads, BatchAllocator allocator = nullptr);
  // Loads in flight still finish.
  ~ImageLoader() { pool_->close(); }
  ImageLoader(const ImageLoader&) = delete;
  ImageLoader& operator=(const ImageLoader&) = delete;

  const ViewSettings& settings() const { return work_->settings; }
  const BatchAllocator& allocator() const { return allocator_; }

  // Loads `samples` into `memory`, which the caller keeps until `done` is called, on a thread of the loader,
  // with a result for each sample; rows of samples that are not kOk are zero. After cancel() the results are
  // empty.
  using Done = std::function<void(std::vector<DecodeResult> results)>;
  void load(std::vector<SampleRequest> samples, uint32_t epoch, BatchMemory memory, Done done);

  // Makes row `row` of `memory` from an image decoded elsewhere. Both are kept by the caller until `done` is
  // called, with null or with what went wrong (ERR_CANCELLED after cancel()).
  void load_raw(ImageView image, uint64_t index, uint32_t epoch, BatchMemory memory, int64_t row,
                std::function<void(std::exception_ptr)> done);

  // Any other task, on a thread of the loader.
  void submit(std::function<void()> task);

  // Samples that have not begun are given up, now and later; those that have finish.
  void cancel() { work_->cancelled.store(true, std::memory_order_relaxed); }

  // Cancels, ends the threads and waits for them: for at most one sample.
  static std::function<void()> stopper(const ImageLoader& loader);
  // Expires when the last of its threads has ended.
  std::weak_ptr<const void> threads() const { return pool_; }

 private:
  // Memory of one thread, reused from sample to sample.
  struct Scratch {
    std::vector<uint8_t> file;
    Image image;
    Image turned;
    ViewScratch views;

    // Gives back what an unusually large image took.
    void trim();
  };
  // What the threads share and keep alive.
  struct Work {
    ViewSettings settings;
    std::vector<Scratch> scratch;
    std::atomic<bool> cancelled{false};

    bool given_up() const { return cancelled.load(std::memory_order_relaxed); }
    DecodeResult load_sample(const SampleRequest& sample, uint32_t epoch, const BatchMemory& memory,
                             int64_t row, Scratch& scratch) const;
    void make_row(const ImageView& image, uint64_t index, uint32_t epoch, const BatchMemory& memory,
                  int64_t row, ViewScratch& scratch) const;
    void clear_row(const BatchMemory& memory, int64_t row) const;
  };

  BatchAllocator allocator_;
  std::shared_ptr<Work> work_;
  std::shared_ptr<WorkerPool> pool_;
};

}  // namespace beit
