#include "models/dalle_dvae.h"

#include <c10/core/GradMode.h>

#include <cmath>

#include "engine/error.h"
#include "engine/interruptible.h"
#include "ops/network_pixels.h"

namespace beit::models {

namespace {

constexpr int64_t kGroups = 4;

// DALL-E keeps pixels away from 0 and 1, where the logit-Laplace density has no bound (dall_e/utils.py).
constexpr double kPixelMargin = 0.1;
constexpr double kPixelScale = 1.0 - 2.0 * kPixelMargin;
at::Tensor map_pixels(const at::Tensor& x) { return x * kPixelScale + kPixelMargin; }
at::Tensor unmap_pixels(const at::Tensor& x) { return ((x - kPixelMargin) / kPixelScale).clamp(0.0, 1.0); }

// What map_pixels() makes of numbers, and of uint8 too: for a network that computes in float32, as `type`.
at::Tensor mapped(const at::Tensor& pixels, at::ScalarType type, const ops::Compute& compute) {
  if (pixels.scalar_type() != at::kByte) return map_pixels(pixels.to(at::kFloat)).to(type);
  return ops::scaled_pixels(pixels, kPixelScale, kPixelMargin, type, compute);
}

// The encoder of these weights: made anew when they have changed, or when another precision is asked for.
template <class Encoder>
const Encoder& current(std::unique_ptr<const Encoder>& encoder, const DalleEncoderNetwork& network,
                       ops::Precision precision) {
  if (!encoder || !encoder->is_of(network, precision)) {
    encoder.reset();
    encoder = std::make_unique<const Encoder>(network, precision);
  }
  return *encoder;
}

}  // namespace

DalleDvae::Conv::Conv(nn::ParameterStore& store, const nn::Path& path, int64_t in, int64_t out,
                      int64_t kernel)
    : w(store.parameter(path / "w", {out, in, kernel, kernel},
                        nn::normal(1.0 / std::sqrt(static_cast<double>(in * kernel * kernel))))),
      b(store.parameter(path / "b", {out}, nn::zeros())) {}

at::Tensor DalleDvae::Conv::operator()(const at::Tensor& x) const {
  return interruptible(at::conv2d(x, w, b, /*stride=*/1, /*padding=*/(w.size(2) - 1) / 2));
}

DalleDvae::Block::Block(nn::ParameterStore& store, const nn::Path& path, int64_t in, int64_t out,
                        const std::array<int64_t, 4>& kernels, double post_gain)
    : post_gain(post_gain) {
  if (in != out) id_path.emplace(store, path / "id_path", in, out, 1);
  const int64_t hidden = out / 4;
  for (int64_t i = 0; i < 4; i++) {
    res_path.emplace_back(store, path / "res_path" / ("conv_" + std::to_string(i + 1)), i == 0 ? in : hidden,
                          i == 3 ? out : hidden, kernels[i]);
  }
}

at::Tensor DalleDvae::Block::operator()(const at::Tensor& x) const {
  auto residual = x;
  for (const auto& conv : res_path) residual = conv(at::relu(residual));
  return (id_path ? (*id_path)(x) : x) + post_gain * residual;
}

DalleDvae::Network::Network(nn::ParameterStore& store, const nn::Path& path, const Layout& layout)
    : input(store, path / "input", layout.in, layout.input_size, layout.input_kernel),
      groups(make_groups(store, path, layout)),
      output(store, path / "output" / "conv", layout.widths.back(), layout.out, 1) {}

std::vector<std::vector<DalleDvae::Block>> DalleDvae::Network::make_groups(nn::ParameterStore& store,
                                                                           const nn::Path& path,
                                                                           const Layout& layout) {
  const double layers = static_cast<double>(kGroups * layout.blocks_per_group);
  std::vector<std::vector<Block>> groups;
  int64_t in = layout.input_size;
  for (int64_t g = 0; g < kGroups; g++) {
    auto& blocks = groups.emplace_back();
    for (int64_t i = 0; i < layout.blocks_per_group; i++) {
      const auto block_path = path / ("group_" + std::to_string(g + 1)) / ("block_" + std::to_string(i + 1));
      blocks.emplace_back(store, block_path, in, layout.widths[g], layout.kernels, 1.0 / (layers * layers));
      in = layout.widths[g];
    }
  }
  return groups;
}

template <class Resample>
at::Tensor DalleDvae::Network::after_input(at::Tensor x, Resample resample) const {
  for (size_t g = 0; g < groups.size(); g++) {
    for (const auto& block : groups[g]) x = block(x);
    if (g + 1 < groups.size()) x = resample(x);
  }
  return output(at::relu(x));
}

DalleDvae::DalleDvae(const DalleDvaeConfig& config, const nn::ModuleOptions& options)
    : ImageTokenizer(options),
      config_(config),
      encoder_(store(), nn::Path("encoder") / "blocks",
               {.in = 3,
                .input_size = config.hidden_size,
                .input_kernel = 7,
                .widths = {config.hidden_size, 2 * config.hidden_size, 4 * config.hidden_size,
                           8 * config.hidden_size},
                .kernels = {3, 3, 3, 1},
                .out = config.vocab_size,
                .blocks_per_group = config.blocks_per_group}) {
  if (!config.decoder) return;
  decoder_.emplace(store(), nn::Path("decoder") / "blocks",
                   Layout{.in = config.vocab_size,
                          .input_size = config.decoder_input_size,
                          .input_kernel = 1,
                          .widths = {8 * config.hidden_size, 4 * config.hidden_size, 2 * config.hidden_size,
                                     config.hidden_size},
                          .kernels = {1, 3, 3, 3},
                          .out = 6,
                          .blocks_per_group = config.blocks_per_group});
}

std::shared_ptr<nn::Module> DalleDvae::clone_to(at::Device device, at::ScalarType dtype) const {
  auto copy = std::make_shared<DalleDvae>(
      config_, nn::ModuleOptions{.device = device, .dtype = dtype, .seed = std::nullopt});
  copy->copy_state_from(*this);
  return copy;
}

at::Tensor DalleDvae::logits(const at::Tensor& pixels) const {
  return encoder_.after_input(encoder_.input(map_pixels(pixels.to(dtype()))),
                              [](const at::Tensor& x) { return at::max_pool2d(x, 2); });
}

DalleEncoderNetwork DalleDvae::encoder_network() const {
  const auto of = [](const Conv& conv) { return DalleEncoderNetwork::Convolution{conv.w, conv.b}; };
  DalleEncoderNetwork network{of(encoder_.input), {}, of(encoder_.output)};
  for (const auto& group : encoder_.groups) {
    auto& blocks = network.groups.emplace_back();
    for (const auto& block : group) {
      auto& copy = blocks.emplace_back();
      if (block.id_path) copy.id_path = of(*block.id_path);
      for (const auto& conv : block.res_path) copy.res_path.push_back(of(conv));
      copy.post_gain = block.post_gain;
    }
  }
  return network;
}

at::Tensor DalleDvae::encode(const at::Tensor& pixels) const {
  const int64_t height = pixels.size(2) / stride(), width = pixels.size(3) / stride();
  const auto rows = at::arange(pixels.size(0) * height * width, pixels.options().dtype(at::kLong));
  return encode_rows(pixels, rows, {}).view({pixels.size(0), height, width});
}

at::Tensor DalleDvae::encode_rows(const at::Tensor& pixels, const at::Tensor& rows,
                                  const ops::Compute& compute) const {
  c10::NoGradGuard no_grad;
  const auto network = encoder_network();
  if (compute.optimize && DalleGpuEncoder::supports(network)) {
    auto& kept = gpu_encoders_.at(static_cast<size_t>(compute.precision));
    const auto& encoder = current(kept, network, compute.precision);
    return encoder.tokens(mapped(pixels, encoder.type(), compute), rows);
  }
  if (compute.optimize && DalleFastEncoder::supports(network)) {
    const auto& encoder = current(fast_encoder_, network, compute.precision);
    return encoder.tokens(mapped(pixels, dtype(), compute), rows);
  }
  return ImageTokenizer::encode_rows(pixels, rows, compute);
}

at::Tensor DalleDvae::decode(const at::Tensor& tokens) const {
  if (!decoder_) fail("ERR_INVALID_ARGUMENT", "this DALL-E tokenizer was loaded without its decoder");
  c10::NoGradGuard no_grad;
  check_tokens(tokens);
  // The input convolution is 1x1 on one-hot codes: it picks columns of its matrix. (V, n) rows by token:
  const auto& input = decoder_->input;
  const auto columns = input.w.flatten(1).t();  // (n, V, 1, 1) -> (V, n)
  const auto codes = (at::embedding(columns, tokens) + input.b).permute({0, 3, 1, 2});  // -> (B, n, h, w)
  const auto output = decoder_->after_input(
      codes, [](const at::Tensor& x) { return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}); });
  // Channels 3-5 are the logarithm of the scale of the likelihood.
  return unmap_pixels(output.slice(1, 0, 3).sigmoid());
}

}  // namespace beit::models
