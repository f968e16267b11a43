#include "models/conv_discrete_vae.h"

#include <c10/core/GradMode.h>

namespace beit::models {

namespace {

// Convolutions start as PyTorch's do, bias and weight with the same bound. Of a transposed convolution
// PyTorch takes the output channels as fan-in.
nn::Conv2d conv(nn::ParameterStore& store, const nn::Path& path, int64_t in, int64_t out,
                nn::ConvOptions options) {
  const auto init = nn::conv_default(in, options.kernel);
  return {store, path, in, out, options, init, init};
}

nn::ConvTranspose2d conv_transpose(nn::ParameterStore& store, const nn::Path& path, int64_t in, int64_t out,
                                   nn::ConvOptions options) {
  const auto init = nn::conv_default(out, options.kernel);
  return {store, path, in, out, options, init, init};
}

constexpr nn::ConvOptions kResample{.kernel = 4, .stride = 2, .padding = 1};  // halves or doubles the sides
constexpr nn::ConvOptions kSame{.kernel = 3, .stride = 1, .padding = 1};
constexpr nn::ConvOptions kPointwise{.kernel = 1};

}  // namespace

ConvDiscreteVae::ResBlock::ResBlock(nn::ParameterStore& store, const nn::Path& path, int64_t channels)
    : net_0(conv(store, path / "net" / 0, channels, channels, kSame)),
      net_2(conv(store, path / "net" / 2, channels, channels, kSame)),
      net_4(conv(store, path / "net" / 4, channels, channels, kPointwise)) {}

at::Tensor ConvDiscreteVae::ResBlock::operator()(const at::Tensor& x) const {
  return x + net_4(at::relu(net_2(at::relu(net_0(x)))));
}

// The networks are sequences: each stage takes 1 + res_blocks places, the output convolution the last one.
nn::Path ConvDiscreteVae::stage_path(const nn::Path& network, int64_t stage) const {
  return network / (stage * (1 + config_.res_blocks));
}

std::vector<ConvDiscreteVae::ResBlock> ConvDiscreteVae::make_res_blocks(const nn::Path& network,
                                                                        int64_t stage) {
  std::vector<ResBlock> blocks;
  for (int64_t i = 0; i < config_.res_blocks; i++) {
    blocks.emplace_back(store(), network / (stage * (1 + config_.res_blocks) + 1 + i), config_.hidden_size);
  }
  return blocks;
}

std::vector<ConvDiscreteVae::EncoderStage> ConvDiscreteVae::make_encoder() {
  const nn::Path network("encoder");
  std::vector<EncoderStage> stages;
  for (int64_t i = 0; i < config_.layers; i++) {
    const int64_t in = i == 0 ? 3 : config_.hidden_size;
    auto down = conv(store(), stage_path(network, i) / 0, in, config_.hidden_size, kResample);
    stages.push_back({std::move(down), make_res_blocks(network, i)});
  }
  return stages;
}

std::vector<ConvDiscreteVae::DecoderStage> ConvDiscreteVae::make_decoder() {
  const nn::Path network("decoder");
  std::vector<DecoderStage> stages;
  for (int64_t i = 0; i < config_.layers; i++) {
    const int64_t in = i == 0 ? config_.codebook_dim : config_.hidden_size;
    auto up = conv_transpose(store(), stage_path(network, i) / 0, in, config_.hidden_size, kResample);
    stages.push_back({std::move(up), make_res_blocks(network, i)});
  }
  return stages;
}

ConvDiscreteVae::ConvDiscreteVae(const ConvDiscreteVaeConfig& config, const nn::ModuleOptions& options)
    : ImageTokenizer(options),
      config_(config),
      codebook_(store().parameter(nn::Path("codebook") / "weight", {config.vocab_size, config.codebook_dim},
                                  nn::normal(1.0))),
      encoder_(make_encoder()),
      encoder_output_(conv(store(), stage_path(nn::Path("encoder"), config.layers), config.hidden_size,
                           config.vocab_size, kPointwise)),
      decoder_(make_decoder()),
      decoder_output_(conv(store(), stage_path(nn::Path("decoder"), config.layers), config.hidden_size,
                           config.output_channels, kPointwise)) {}

std::shared_ptr<nn::Module> ConvDiscreteVae::clone_to(at::Device device, at::ScalarType dtype) const {
  auto copy = std::make_shared<ConvDiscreteVae>(
      config_, nn::ModuleOptions{.device = device, .dtype = dtype, .seed = std::nullopt});
  copy->copy_state_from(*this);
  return copy;
}

at::Tensor ConvDiscreteVae::logits(const at::Tensor& pixels) const {
  auto x = (pixels.to(dtype()) - 0.5) / 0.5;
  for (const auto& stage : encoder_) {
    x = at::relu(stage.down(x));
    for (const auto& block : stage.res_blocks) x = block(x);
  }
  return encoder_output_(x);
}

at::Tensor ConvDiscreteVae::decode_soft(const at::Tensor& codes) const {
  return decode_embeddings(
      at::matmul(codes.permute({0, 2, 3, 1}), codebook_));  // (B, h, w, V) x (V, codebook_dim)
}

at::Tensor ConvDiscreteVae::decode_embeddings(const at::Tensor& embeddings) const {
  auto x = embeddings.permute({0, 3, 1, 2});
  for (const auto& stage : decoder_) {
    x = at::relu(stage.up(x));
    for (const auto& block : stage.res_blocks) x = block(x);
  }
  return decoder_output_(x);
}

at::Tensor ConvDiscreteVae::decode(const at::Tensor& tokens) const {
  c10::NoGradGuard no_grad;
  check_tokens(tokens);
  const auto output = decode_embeddings(at::embedding(codebook_, tokens));
  if (config_.output_channels == 3) return (output * 0.5 + 0.5).clamp(0.0, 1.0);
  return ((output.slice(1, 0, 3).sigmoid() - 0.1) / 0.8).clamp(0.0, 1.0);
}

}  // namespace beit::models
