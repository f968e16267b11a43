// What this processor has, asked once: which kernel runs depends on the machine alone and never on a timing,
// so that a run that is resumed computes the same bits.
#pragma once

namespace beit::kernels {

struct Cpu {
  enum class Vendor { kIntel, kAmd, kOther };
  Vendor vendor = Vendor::kOther;
  bool avx512 = false;       // F, BW, VL and DQ
  bool avx512_bf16 = false;  // vdpbf16ps
  bool avx512_fp16 = false;  // arithmetic on float16
  bool amx_bf16 = false;     // matrix tiles of bfloat16
};

const Cpu& cpu();

}  // namespace beit::kernels
