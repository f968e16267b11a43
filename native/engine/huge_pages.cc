#include "engine/huge_pages.h"

#include <sys/mman.h>

namespace beit {

void ask_for_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] int64_t length) {
#ifdef MADV_HUGEPAGE
  const auto address = reinterpret_cast<uintptr_t>(data);
  const auto begin = (address + kHugePage - 1) / kHugePage * kHugePage;
  const auto end = (address + static_cast<uintptr_t>(length)) / kHugePage * kHugePage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace beit
