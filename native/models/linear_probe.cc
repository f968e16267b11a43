#include "models/linear_probe.h"

namespace beit::models {

LinearProbe::LinearProbe(const LinearProbeConfig& config, const nn::ModuleOptions& options)
    : nn::Module(options),
      config_(config),
      weight_(store().parameter(nn::Path("weight"), {config.layers, config.classes, config.features},
                                nn::normal(0.01))),
      bias_(store().parameter(nn::Path("bias"), {config.layers, config.classes}, nn::zeros())) {}

std::shared_ptr<nn::Module> LinearProbe::clone_to(at::Device device, at::ScalarType dtype) const {
  auto copy = std::make_shared<LinearProbe>(
      config_, nn::ModuleOptions{.device = device, .dtype = dtype, .seed = std::nullopt});
  copy->copy_state_from(*this);
  return copy;
}

at::Tensor LinearProbe::logits(const at::Tensor& features) const {
  // (L, 1, C) + (B, L, F) -> (L, B, F) @ (L, F, C)
  return at::baddbmm(bias_.unsqueeze(1), features.transpose(0, 1), weight_.transpose(1, 2));
}

}  // namespace beit::models
