// Large pages for memory that is about to be written for the first time. Knows nothing of libtorch.
#pragma once
#include <cstdint>

namespace beit {

constexpr int64_t kHugePage = 2 * 1024 * 1024;

// A hint, which saves most of the time that new memory takes where the system gives large pages on request.
void ask_for_huge_pages(void* data, int64_t length);

}  // namespace beit
