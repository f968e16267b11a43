#include "kernels/row_kernels.h"

#include "kernels/cpu.h"

namespace beit::kernels {

const RowKernels* row_kernels() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const RowKernels kAvx512{avx512::add_norm, avx512::add_norm_backward, avx512::cross_entropy,
                                  avx512::sum_of_squares};
  if (cpu().avx512) return &kAvx512;
#endif
  return nullptr;
}

}  // namespace beit::kernels
