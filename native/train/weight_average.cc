#include "train/weight_average.h"

#include <c10/core/GradMode.h>

#include "engine/error.h"

namespace beit::train {

WeightAverage::WeightAverage(const nn::Module& module, std::shared_ptr<nn::Module> average, double decay)
    : module_(std::move(average)), decay_(decay) {
  const auto& from = module.state();
  const auto& to = module_->state();
  const auto refuse = [](const auto&... parts) {
    fail("ERR_INVALID_ARGUMENT", "ema.model: expected a copy of the model that is trained, ", parts...);
  };
  if (module_.get() == &module) refuse("got the model itself");
  if (from.size() != to.size()) refuse("got ", to.size(), " tensors instead of ", from.size());
  for (size_t i = 0; i < from.size(); i++) {
    const auto& [name, tensor, is_buffer] = from[i];
    const auto& other = to[i].tensor;
    if (name != to[i].name || tensor.sizes() != other.sizes() ||
        tensor.scalar_type() != other.scalar_type() || tensor.device() != other.device()) {
      refuse("with ", tensor.scalar_type(), " ", tensor.sizes(), " on ", tensor.device(), " as ", name,
             ", got ", other.scalar_type(), " ", other.sizes(), " on ", other.device(), " as ", to[i].name);
    }
    if (is_buffer) continue;
    weights_.push_back(tensor);
    averages_.push_back(other);
  }
}

void WeightAverage::update(const at::Tensor& found_inf) {
  c10::NoGradGuard no_gradient;
  auto steps = at::_foreach_sub(weights_, averages_);
  at::_foreach_mul_(steps, (1.0 - found_inf) * (1.0 - decay_));
  at::_foreach_add_(averages_, steps);
}

}  // namespace beit::train
