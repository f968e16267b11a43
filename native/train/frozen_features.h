// What a frozen model gives for images, as probes and neighbours need it.
#pragma once
#include <ATen/ATen.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "models/beit.h"
#include "train/autocast.h"

namespace beit::train {

struct FrozenFeatures {
  std::optional<std::vector<int64_t>> blocks;  // 0-based; without: what follows the last one
  models::TokenPooling pooling;
  // uint8 pixels become (x / 255 - mean) / std; float32 ones are taken as they are.
  std::array<double, 3> mean;
  std::array<double, 3> std;
  Precision precision = Precision::kFp32;
};

// pixels (B, 3, H, W), uint8 or float32 -> float32 (B, blocks, D), 2D of both poolings, (B, blocks, N, D) of
// patches; one block without `blocks`. Without a gradient.
at::Tensor frozen_features(const models::Beit& model, const at::Tensor& pixels,
                           const FrozenFeatures& settings);

// Memory for the features of a data set, float32 (rows, layers, width), all zero. With a path it lies in a
// new file there, which has no name any more when this returns and is gone with the tensor. ERR_IO, also for
// a file that is there already.
at::Tensor feature_bank(int64_t rows, int64_t layers, int64_t width, const std::string& path);

// Copies features (B, L, F) into the rows of a bank (N, L, F) from `start` on. ERR_SHAPE_MISMATCH unless they
// fit.
void write_features(const at::Tensor& bank, int64_t start, const at::Tensor& features);

// A view of the bank's first `rows`, one layer, columns from..to - 1: (rows, to - from). ERR_INVALID_ARGUMENT
// for what the bank does not have.
at::Tensor features_of_layer(const at::Tensor& bank, int64_t layer, int64_t rows, int64_t from, int64_t to);

}  // namespace beit::train
