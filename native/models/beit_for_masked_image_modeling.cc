#include "models/beit_for_masked_image_modeling.h"

#include "engine/error.h"

namespace beit::models {

BeitForMaskedImageModeling::BeitForMaskedImageModeling(const BeitConfig& config,
                                                       const nn::ModuleOptions& options)
    : Beit(config, options, InitScheme::kPretraining, MaskToken::kLearned),
      norm_(store(), nn::Path("norm"), config.hidden_size, config.norm_eps),
      lm_head_(store(), nn::Path("lm_head"), config.hidden_size, config.vocab_size, nn::Linear::Bias::kZeros,
               matrix_init(InitScheme::kPretraining)) {}

std::shared_ptr<nn::Module> BeitForMaskedImageModeling::clone_to(at::Device device,
                                                                 at::ScalarType dtype) const {
  auto copy = std::make_shared<BeitForMaskedImageModeling>(
      config(), nn::ModuleOptions{.device = device, .dtype = dtype, .seed = std::nullopt});
  copy->copy_state_from(*this);
  return copy;
}

at::Tensor BeitForMaskedImageModeling::features(const at::Tensor& pixels, const at::Tensor& mask,
                                                const nn::ForwardContext& context) const {
  return norm_(stream(pixels, mask, context), context.compute);
}

at::Tensor BeitForMaskedImageModeling::head_features(const at::Tensor& pixels, TokenPooling pooling,
                                                     const nn::ForwardContext& context) const {
  return pool_tokens(features(pixels, /*mask=*/{}, context), pooling);
}

at::Tensor BeitForMaskedImageModeling::forward(const at::Tensor& pixels, const at::Tensor& mask,
                                               bool all_tokens, const nn::ForwardContext& context) const {
  if (!all_tokens && !mask.defined())
    fail("ERR_INVALID_ARGUMENT", "logits of the masked patches need a mask");
  const auto tokens = all_tokens ? features(pixels, mask, context).slice(1, 1)  // (B, N + 1, D) -> (B, N, D)
                                 : masked_features(pixels, mask, masked_rows(mask), context);
  return lm_head_(tokens, context.compute);
}

at::Tensor BeitForMaskedImageModeling::masked_features(const at::Tensor& pixels, const at::Tensor& mask,
                                                       const at::Tensor& rows,
                                                       const nn::ForwardContext& context) const {
  return normed_patches(pixels, mask, rows, norm_, context);
}

at::Tensor BeitForMaskedImageModeling::masked_rows(const at::Tensor& mask) {
  return mask.flatten().nonzero().squeeze(1);
}

}  // namespace beit::models
