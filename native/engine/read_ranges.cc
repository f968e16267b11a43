#include "engine/read_ranges.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>

#include "engine/crc32.h"
#include "engine/error.h"
#include "engine/file.h"

namespace beit {

namespace {

// Read, and added to a checksum while it is still in the cache.
constexpr int64_t kChunk = 512 * 1024;
constexpr int64_t kHugePage = 2 * 1024 * 1024;

// More threads than this wait for the memory, not for the processor.
constexpr size_t kMaxThreads = 4;
// Less is read before a second thread has started.
constexpr int64_t kBytesPerThread = 8 * 1024 * 1024;

// Large pages, where the system gives them on request, save most of the time that new memory takes.
void ask_for_huge_pages([[maybe_unused]] uint8_t* data, [[maybe_unused]] int64_t length) {
#ifdef MADV_HUGEPAGE
  const auto begin = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
  const auto end =
      (reinterpret_cast<uintptr_t>(data) + static_cast<uintptr_t>(length)) / kHugePage * kHugePage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a hint
#endif
}

void read_range(File& file, const std::string& path, const FileRange& range, uint8_t* data,
                const std::function<void()>& throw_if_cancelled) {
  ask_for_huge_pages(data, range.length);
  uint32_t crc = 0;
  for (int64_t at = 0; at < range.length; at += kChunk) {
    throw_if_cancelled();
    const auto length = static_cast<size_t>(std::min(kChunk, range.length - at));
    file.read_at(data + at, length, range.offset + at);
    if (range.crc32) crc = crc32(crc, data + at, length);
  }
  if (range.crc32 && crc != *range.crc32) {
    fail("ERR_FORMAT", path, ": the ", range.length, " bytes at ", range.offset,
         " are damaged: their CRC-32 is 0x", std::hex, crc, ", expected 0x", *range.crc32);
  }
}

}  // namespace

void check_ranges(const std::string& path, const std::vector<FileRange>& ranges) {
  const int64_t size = File(path, O_RDONLY).size();
  for (const auto& [offset, length, crc] : ranges) {
    if (offset < 0 || length < 0 || offset > size || length > size - offset) {
      fail("ERR_FORMAT", path, ": ", length, " bytes at ", offset, " are needed, and it has ", size);
    }
  }
}

void read_ranges(const std::string& path, const std::vector<FileRange>& ranges,
                 const std::vector<uint8_t*>& memory, const std::function<void()>& throw_if_cancelled) {
  File file(path, O_RDONLY);
  std::atomic<size_t> next{0};
  std::vector<std::exception_ptr> errors(ranges.size());
  const auto work = [&] {
    for (size_t i = next++; i < ranges.size(); i = next++) {
      try {
        read_range(file, path, ranges[i], memory[i], throw_if_cancelled);
      } catch (...) {
        errors[i] = std::current_exception();
        next = ranges.size();
      }
    }
  };
  int64_t bytes = 0;
  for (const auto& range : ranges) bytes += range.length;
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const size_t wanted =
      std::min({kMaxThreads, cores, ranges.size(), 1 + static_cast<size_t>(bytes / kBytesPerThread)});
  std::vector<std::thread> helpers;
  try {
    for (size_t i = 1; i < wanted; i++) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // No more threads are to be had: those that there are read everything.
  }
  work();
  for (auto& helper : helpers) helper.join();
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace beit
