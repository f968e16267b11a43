#include "bindings/module_config.h"

#include "bindings/values.h"

namespace beit::bindings {

namespace {

int64_t integer(const Napi::Object& config, const char* name) { return integer_from(config.Get(name), name); }
double number(const Napi::Object& config, const char* name) { return number_from(config.Get(name), name); }
bool boolean(const Napi::Object& config, const char* name) { return boolean_from(config.Get(name), name); }

models::RelativePositions relative_positions_from(const std::string& text) {
  if (text == "none") return models::RelativePositions::kNone;
  if (text == "shared") return models::RelativePositions::kShared;
  if (text == "per-block") return models::RelativePositions::kPerBlock;
  fail("ERR_INVALID_ARGUMENT", "relativePositions: expected none, shared or per-block, got ", text);
}

models::Pooling pooling_from(const std::string& text) {
  if (text == "mean") return models::Pooling::kMean;
  if (text == "cls") return models::Pooling::kCls;
  fail("ERR_INVALID_ARGUMENT", "pooling: expected mean or cls, got ", text);
}

}  // namespace

models::BeitConfig beit_config_from(const Napi::Object& config) {
  const auto image_size = integers_from(config.Get("imageSize"), "imageSize");
  return {
      .image_height = image_size.at(0),
      .image_width = image_size.at(1),
      .patch_size = integer(config, "patchSize"),
      .hidden_size = integer(config, "hiddenSize"),
      .depth = integer(config, "depth"),
      .heads = integer(config, "heads"),
      .mlp_ratio = number(config, "mlpRatio"),
      .vocab_size = integer(config, "vocabSize"),
      .num_classes = integer(config, "numClasses"),
      .layer_scale_init = number(config, "layerScaleInit"),
      .absolute_positions = boolean(config, "absolutePositions"),
      .relative_positions =
          relative_positions_from(string_from(config.Get("relativePositions"), "relativePositions")),
      .drop_path = number(config, "dropPath"),
      .norm_eps = number(config, "normEps"),
      .pooling = pooling_from(string_from(config.Get("pooling"), "pooling")),
  };
}

models::DalleDvaeConfig dalle_dvae_config_from(const Napi::Object& config) {
  return {
      .vocab_size = integer(config, "vocabSize"),
      .hidden_size = integer(config, "hiddenSize"),
      .decoder_input_size = integer(config, "decoderInputSize"),
      .blocks_per_group = integer(config, "blocksPerGroup"),
      .decoder = boolean(config, "decoder"),
  };
}

models::ConvDiscreteVaeConfig conv_discrete_vae_config_from(const Napi::Object& config) {
  return {
      .vocab_size = integer(config, "vocabSize"),
      .codebook_dim = integer(config, "codebookDim"),
      .layers = integer(config, "layers"),
      .hidden_size = integer(config, "hiddenSize"),
      .res_blocks = integer(config, "resBlocks"),
      .output_channels = integer(config, "outputChannels"),
  };
}

}  // namespace beit::bindings
