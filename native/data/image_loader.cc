#include "data/image_loader.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "data/file_range.h"
#include "engine/error.h"

namespace beit {

namespace {

// What a thread keeps of each of its buffers from sample to sample; a larger one is given back.
constexpr size_t kKeptBytes = size_t{64} << 20;

int64_t row_bytes(const Size& size) { return int64_t{3} * size.height * size.width; }

}  // namespace

ImageLoader::ImageLoader(ViewSettings settings, int threads, BatchAllocator allocator)
    : allocator_(std::move(allocator)), work_(std::make_shared<Work>()), pool_(WorkerPool::start(threads)) {
  work_->settings = settings;
  work_->scratch.resize(static_cast<size_t>(threads));
}

void ImageLoader::load(std::vector<SampleRequest> samples, uint32_t epoch, BatchMemory memory, Done done) {
  struct Batch {
    std::vector<SampleRequest> samples;
    std::vector<DecodeResult> results;
    std::atomic<size_t> remaining;
    Done done;
  };
  auto batch = std::make_shared<Batch>();
  batch->results.resize(samples.size());
  batch->remaining = samples.size();
  batch->samples = std::move(samples);
  batch->done = std::move(done);
  for (size_t i = 0; i < batch->samples.size(); i++) {
    pool_->submit([work = work_, batch, i, epoch, memory](int thread) {
      if (!work->given_up()) {
        batch->results[i] = work->load_sample(batch->samples[i], epoch, memory, static_cast<int64_t>(i),
                                              work->scratch[static_cast<size_t>(thread)]);
      }
      // The last sample reports; acquire and release make the others' rows and results visible to it.
      if (batch->remaining.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
      if (work->given_up()) batch->results.clear();
      batch->done(std::move(batch->results));
    });
  }
}

void ImageLoader::load_raw(ImageView image, uint64_t index, uint32_t epoch, BatchMemory memory, int64_t row,
                           std::function<void(std::exception_ptr)> done) {
  pool_->submit([work = work_, image, index, epoch, memory, row, done = std::move(done)](int thread) {
    std::exception_ptr problem;
    try {
      if (work->given_up()) fail("ERR_CANCELLED", "the image loader was cancelled");
      work->make_row(image, index, epoch, memory, row, work->scratch[static_cast<size_t>(thread)].views);
    } catch (...) {
      problem = std::current_exception();
    }
    work->scratch[static_cast<size_t>(thread)].trim();
    done(problem);
  });
}

void ImageLoader::submit(std::function<void()> task) {
  pool_->submit([task = std::move(task)](int) { task(); });
}

std::function<void()> ImageLoader::stopper(const ImageLoader& loader) {
  return [work = std::weak_ptr(loader.work_), pool = std::weak_ptr(loader.pool_)] {
    if (auto alive = work.lock()) alive->cancelled.store(true, std::memory_order_relaxed);
    if (auto alive = pool.lock()) {
      alive->close();
      alive->wait();
    }
  };
}

void ImageLoader::Scratch::trim() {
  if (file.capacity() > kKeptBytes) file = std::vector<uint8_t>();  // {} would keep its memory
  for (Image* each : {&image, &turned, &views.crop, &views.between}) {
    if (each->rgb.capacity() > kKeptBytes) *each = Image();
  }
}

DecodeResult ImageLoader::Work::load_sample(const SampleRequest& sample, uint32_t epoch,
                                            const BatchMemory& memory, int64_t row, Scratch& scratch) const {
  DecodeResult result;
  try {
    const FileRange file(sample.path, sample.offset, sample.length);
    // What the decoder does not take is read again elsewhere, so no more than its beginning is read here.
    file.read(std::min(file.length(), kJpegStart), scratch.file);
    if (is_jpeg(scratch.file.data(), scratch.file.size())) file.read(file.length(), scratch.file);
    result = decode_jpeg(scratch.file.data(), scratch.file.size(), settings.max_pixels, scratch.image,
                         scratch.turned);
    if (result.status == DecodeStatus::kOk) {
      make_row(scratch.image.view(), sample.index, epoch, memory, row, scratch.views);
    }
  } catch (const Error& error) {
    result = {DecodeStatus::kBroken, error.what()};
  } catch (const std::bad_alloc&) {
    result = {DecodeStatus::kBroken, "no memory left to decode it"};
  }
  if (result.status != DecodeStatus::kOk) clear_row(memory, row);
  scratch.trim();
  return result;
}

void ImageLoader::Work::make_row(const ImageView& image, uint64_t index, uint32_t epoch,
                                 const BatchMemory& memory, int64_t row, ViewScratch& scratch) const {
  uint8_t* pixels = memory.pixels + row * row_bytes(settings.image_size);
  uint8_t* token_pixels =
      settings.token_image_size ? memory.token_pixels + row * row_bytes(*settings.token_image_size) : nullptr;
  make_views(image, settings, epoch, index, scratch, pixels, token_pixels);
  if (settings.mask) {
    blockwise_mask(*settings.mask, SampleRandom(settings.seed, epoch, index, Stream::kMask),
                   memory.mask + row * settings.mask->grid_size());
  }
}

void ImageLoader::Work::clear_row(const BatchMemory& memory, int64_t row) const {
  const auto clear = [row](uint8_t* data, int64_t bytes) {
    std::memset(data + row * bytes, 0, static_cast<size_t>(bytes));
  };
  clear(memory.pixels, row_bytes(settings.image_size));
  if (settings.token_image_size) clear(memory.token_pixels, row_bytes(*settings.token_image_size));
  if (settings.mask) clear(memory.mask, settings.mask->grid_size());
}

}  // namespace beit
