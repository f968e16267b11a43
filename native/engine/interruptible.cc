#include "engine/interruptible.h"

#include "engine/engine.h"

namespace beit {

at::Tensor interruptible(at::Tensor x) {
  const auto* engine = Engine::current();
  if (engine == nullptr) return x;
  engine->throw_if_cancelled();
  // Autograd may call the hook on a thread of its own, of which the engine is not the current one.
  if (x.requires_grad()) x.register_hook([engine](const at::TensorBase&) { engine->throw_if_cancelled(); });
  return x;
}

}  // namespace beit
