#include "kernels/cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace beit::kernels {

namespace {

#if defined(__x86_64__) && defined(__GNUC__)

// The state that the system saves for a thread: XCR0.
unsigned long long saved_state() {
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<unsigned long long>(high) << 32 | low;
}

// Linux gives a process the tiles when it asks for them.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

Cpu ask() {
  Cpu cpu;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return cpu;
  if (b == signature_INTEL_ebx && c == signature_INTEL_ecx) cpu.vendor = Cpu::Vendor::kIntel;
  if (b == signature_AMD_ebx && c == signature_AMD_ecx) cpu.vendor = Cpu::Vendor::kAmd;
  __get_cpuid(1, &a, &b, &c, &d);
  if (!(c & bit_OSXSAVE) || !(c & bit_FMA)) return cpu;
  const auto state = saved_state();
  constexpr unsigned long long kVectors512 = 0xe6, kTiles = 0x60000;
  if ((state & kVectors512) != kVectors512 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return cpu;
  constexpr unsigned kWanted = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
  cpu.avx512 = (b & kWanted) == kWanted;
  cpu.avx512_fp16 = cpu.avx512 && (d & 1u << 23);
  const bool tiles = (d & 1u << 22) && (d & 1u << 24) && (state & kTiles) == kTiles;
  __get_cpuid_count(7, 1, &a, &b, &c, &d);
  cpu.avx512_bf16 = cpu.avx512 && (a & 1u << 5);
  cpu.amx_bf16 = tiles && may_use_tiles();
  return cpu;
}

#else

Cpu ask() { return {}; }

#endif

}  // namespace

const Cpu& cpu() {
  static const Cpu result = ask();
  return result;
}

}  // namespace beit::kernels
