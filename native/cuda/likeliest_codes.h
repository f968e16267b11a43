// The codes of the largest logits x weight^T + bias of each row, as the last convolution of a tokenizer makes
// them at the places that are asked for. Logits of the whole vocabulary never reach memory. Of equal logits
// the lowest code is taken; no atomic operation is used: equal inputs give equal bits. Plain C++; the kernels
// are in likeliest_codes.cu.
#pragma once

#include <cstddef>
#include <cstdint>

namespace beit::cuda {

// By tensor cores, with float32 sums. Rows of `width` numbers: a multiple of 32. All pointers are aligned to
// 16 bytes.
struct LikeliestCodes {
  int64_t rows, width, codes;
  const void* x;       // (rows, width) bfloat16
  const void* weight;  // (codes, width) bfloat16
  const float* bias;   // (codes)
  int64_t* likeliest;  // (rows), written
  void* workspace;     // likeliest_codes_workspace() bytes
};

// A piece of the logits, made elsewhere in float32: those of `codes` codes from `first` on. The pieces come
// one after the other, the first one with 0.
struct LogitsPiece {
  int64_t rows, codes, first;
  const float* logits;  // (rows, codes)
  float* largest;       // (rows): of the pieces so far
  int64_t* likeliest;   // (rows): its code
};

size_t likeliest_codes_workspace(const LikeliestCodes& codes);

// Queue the kernels on a stream (a cudaStream_t) and give a cudaError_t: 0 is success.
int likeliest_codes(const LikeliestCodes& codes, void* stream);
int take_in_logits(const LogitsPiece& piece, void* stream);

}  // namespace beit::cuda
