// A convolutional discrete VAE that can be trained from scratch: strided convolutions and residual blocks
// down to a grid of token logits, a codebook, and the mirror image up again. Architecture and names are those
// of beit/modeling_discrete_vae.py of microsoft/unilm, a variant of lucidrains/DALLE-pytorch's DiscreteVAE
// with its residual blocks after every strided convolution.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "models/image_tokenizer.h"
#include "nn/layers.h"

namespace beit::models {

struct ConvDiscreteVaeConfig {
  int64_t vocab_size = 8192;
  int64_t codebook_dim = 512;
  int64_t layers = 3;  // of stride 2
  int64_t hidden_size = 256;
  int64_t res_blocks = 1;  // after each strided convolution
  // 3: the picture. 6: mean and log scale of the logit-Laplace likelihood (DALL-E, appendix A.3).
  int64_t output_channels = 3;
};

class ConvDiscreteVae : public ImageTokenizer {
 public:
  ConvDiscreteVae(const ConvDiscreteVaeConfig& config, const nn::ModuleOptions& options);

  const ConvDiscreteVaeConfig& config() const { return config_; }
  std::shared_ptr<nn::Module> clone_to(at::Device device, at::ScalarType dtype) const override;

  int64_t vocab_size() const override { return config_.vocab_size; }
  int64_t stride() const override { return int64_t{1} << config_.layers; }
  at::Tensor logits(const at::Tensor& pixels) const override;
  at::Tensor decode(const at::Tensor& tokens) const override;

  // Soft codes (B, V, h, w), a distribution over the codebook at each place -> (B, C, H, W): the picture as
  // (x - 0.5) / 0.5 with 3 channels; with 6, the mean of logit(0.8 x + 0.1) in channels 0-2 and the logarithm
  // of its scale in 3-5.
  at::Tensor decode_soft(const at::Tensor& codes) const;

 private:
  // 3x3, 3x3, 1x1 convolutions with ReLUs between, added to the input.
  struct ResBlock {
    nn::Conv2d net_0, net_2, net_4;
    ResBlock(nn::ParameterStore& store, const nn::Path& path, int64_t channels);
    at::Tensor operator()(const at::Tensor& x) const;
  };
  struct EncoderStage {
    nn::Conv2d down;
    std::vector<ResBlock> res_blocks;
  };
  struct DecoderStage {
    nn::ConvTranspose2d up;
    std::vector<ResBlock> res_blocks;
  };
  std::vector<EncoderStage> make_encoder();
  std::vector<DecoderStage> make_decoder();
  std::vector<ResBlock> make_res_blocks(const nn::Path& network, int64_t stage);
  nn::Path stage_path(const nn::Path& network, int64_t stage) const;
  at::Tensor decode_embeddings(
      const at::Tensor& embeddings) const;  // (B, h, w, codebook_dim) -> (B, C, H, W)

  // In state-dict order.
  ConvDiscreteVaeConfig config_;
  at::Tensor codebook_;  // (V, codebook_dim)
  std::vector<EncoderStage> encoder_;
  nn::Conv2d encoder_output_;
  std::vector<DecoderStage> decoder_;
  nn::Conv2d decoder_output_;
};

}  // namespace beit::models
