// CRC-32 of zip files (the reflected polynomial 0xEDB88320, as in zlib). Exists in plain form, the reference,
// and by carry-less multiplication; both give the same bits (test/native/crc32.test.ts).
#pragma once
#include <cstddef>
#include <cstdint>

namespace beit {

// Goes on from `crc`, which is that of the bytes before; 0 at the start. Any thread.
uint32_t crc32(uint32_t crc, const void* data, size_t length);

uint32_t crc32_plain(uint32_t crc, const void* data, size_t length);

}  // namespace beit
