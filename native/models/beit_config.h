// The architecture switches of BEiT: the mirror of BeitConfig in lib/models/beit_config.ts, which validates
// them.
#pragma once
#include <cstdint>

namespace beit::models {

enum class RelativePositions { kNone, kShared, kPerBlock };
enum class Pooling { kMean, kCls };

struct BeitConfig {
  int64_t image_height = 224;
  int64_t image_width = 224;
  int64_t patch_size = 16;
  int64_t hidden_size = 768;
  int64_t depth = 12;
  int64_t heads = 12;
  double mlp_ratio = 4.0;
  int64_t vocab_size = 8192;      // of masked image modelling
  int64_t num_classes = 1000;     // of image classification
  double layer_scale_init = 0.1;  // 0: no LayerScale
  bool absolute_positions = false;
  RelativePositions relative_positions = RelativePositions::kShared;
  double drop_path = 0.0;  // of the last block; grows linearly from 0 at the first
  double norm_eps = 1e-6;
  Pooling pooling = Pooling::kMean;  // of image classification

  int64_t rows() const { return image_height / patch_size; }
  int64_t columns() const { return image_width / patch_size; }
  int64_t patches() const { return rows() * columns(); }
  int64_t mlp_size() const { return static_cast<int64_t>(static_cast<double>(hidden_size) * mlp_ratio); }
};

}  // namespace beit::models
