// The discrete VAE of DALL-E, encoder and decoder (dall_e/encoder.py and decoder.py of openai/DALL-E), whose
// tokens BEiT was trained on. Names are the original's behind `encoder.` and `decoder.`.
#pragma once
#include <ATen/ATen.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "models/dalle_fast_encoder.h"
#include "models/dalle_gpu_encoder.h"
#include "models/image_tokenizer.h"
#include "nn/parameter_store.h"

namespace beit::models {

struct DalleDvaeConfig {
  int64_t vocab_size = 8192;
  int64_t hidden_size = 256;
  int64_t decoder_input_size = 128;
  int64_t blocks_per_group = 2;
  bool decoder = true;  // BEiT needs the encoder alone
};

class DalleDvae : public ImageTokenizer {
 public:
  DalleDvae(const DalleDvaeConfig& config, const nn::ModuleOptions& options);

  const DalleDvaeConfig& config() const { return config_; }
  std::shared_ptr<nn::Module> clone_to(at::Device device, at::ScalarType dtype) const override;

  int64_t vocab_size() const override { return config_.vocab_size; }
  int64_t stride() const override { return 8; }  // three poolings between four groups
  at::Tensor logits(const at::Tensor& pixels) const override;
  at::Tensor encode(const at::Tensor& pixels) const override;
  at::Tensor encode_rows(const at::Tensor& pixels, const at::Tensor& rows,
                         const ops::Compute& compute) const override;
  at::Tensor decode(const at::Tensor& tokens) const override;

 private:
  // The original's own convolution: parameters `w` and `b`, stride 1, padding that keeps the size.
  struct Conv {
    at::Tensor w;  // (out, in, k, k)
    at::Tensor b;  // (out)
    Conv(nn::ParameterStore& store, const nn::Path& path, int64_t in, int64_t out, int64_t kernel);
    at::Tensor operator()(const at::Tensor& x) const;
  };
  // id_path(x) + post_gain * res_path(x)
  struct Block {
    std::optional<Conv> id_path;  // where the width changes
    std::vector<Conv> res_path;   // conv_1 .. conv_4, each behind a ReLU
    double post_gain;
    Block(nn::ParameterStore& store, const nn::Path& path, int64_t in, int64_t out,
          const std::array<int64_t, 4>& kernels, double post_gain);
    at::Tensor operator()(const at::Tensor& x) const;
  };
  struct Layout {
    int64_t in;
    int64_t input_size;
    int64_t input_kernel;
    std::array<int64_t, 4> widths;   // of the groups
    std::array<int64_t, 4> kernels;  // of conv_1 .. conv_4
    int64_t out;
    int64_t blocks_per_group;
  };
  struct Network {
    Conv input;
    std::vector<std::vector<Block>> groups;
    Conv output;
    Network(nn::ParameterStore& store, const nn::Path& path, const Layout& layout);
    // Everything behind the input convolution, with `resample` between two groups.
    template <class Resample>
    at::Tensor after_input(at::Tensor x, Resample resample) const;

   private:
    static std::vector<std::vector<Block>> make_groups(nn::ParameterStore& store, const nn::Path& path,
                                                       const Layout& layout);
  };

  DalleEncoderNetwork encoder_network() const;

  DalleDvaeConfig config_;
  Network encoder_;
  // Made when first used, on the engine's thread like everything else; anew when the weights have changed.
  mutable std::unique_ptr<const DalleFastEncoder> fast_encoder_;
  // One a precision: a CUDA graph of a step in bf16 goes on reading its weights while pictures of samples ask
  // for the other.
  mutable std::array<std::unique_ptr<const DalleGpuEncoder>, 2> gpu_encoders_;
  std::optional<Network> decoder_;
};

}  // namespace beit::models
