#include "models/beit_for_image_classification.h"

namespace beit::models {

namespace {

// The head starts near zero, so that the first steps of fine-tuning hardly disturb what was pre-trained.
constexpr double kHeadScale = 0.001;

}  // namespace

BeitForImageClassification::BeitForImageClassification(const BeitConfig& config,
                                                       const nn::ModuleOptions& options)
    : Beit(config, options, InitScheme::kFineTuning, MaskToken::kNone),
      norm_(store(), nn::Path(config.pooling == Pooling::kMean ? "fc_norm" : "norm"), config.hidden_size,
            config.norm_eps),
      head_(store(), nn::Path("head"), config.hidden_size, config.num_classes, nn::Linear::Bias::kZeros,
            matrix_init(InitScheme::kFineTuning, kHeadScale)) {}

std::shared_ptr<nn::Module> BeitForImageClassification::clone_to(at::Device device,
                                                                 at::ScalarType dtype) const {
  auto copy = std::make_shared<BeitForImageClassification>(
      config(), nn::ModuleOptions{.device = device, .dtype = dtype, .seed = std::nullopt});
  copy->copy_state_from(*this);
  return copy;
}

at::Tensor BeitForImageClassification::pooled(const at::Tensor& pixels,
                                              const nn::ForwardContext& context) const {
  const auto x = stream(pixels, /*mask=*/{}, context);  // (B, N + 1, D)
  // The norm works token by token, so only the class token is normalised.
  return norm_(config().pooling == Pooling::kMean ? x.slice(1, 1).mean(1) : x.select(1, 0), context.compute);
}

at::Tensor BeitForImageClassification::head_features(const at::Tensor& pixels, TokenPooling /*pooling*/,
                                                     const nn::ForwardContext& context) const {
  return pooled(pixels, context).to(at::kFloat);
}

at::Tensor BeitForImageClassification::forward(const at::Tensor& pixels,
                                               const nn::ForwardContext& context) const {
  return head_(pooled(pixels, context), context.compute);
}

}  // namespace beit::models
