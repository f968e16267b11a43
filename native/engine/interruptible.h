// Where a long job can end early: after each layer on the way forward, and before it on the way back. So the
// end of a process waits for one layer, however large the batch.
#pragma once
#include <ATen/ATen.h>

namespace beit {

// Gives back `x`, what a layer computed. Once the engine that runs the job was told to stop, throws
// ERR_CANCELLED instead; in the backward pass, when it reaches `x`.
at::Tensor interruptible(at::Tensor x);

}  // namespace beit
