// What a classifier says of a batch of images, and how far that is from their targets: evaluation and
// prediction, without a gradient.
#pragma once
#include <ATen/ATen.h>

#include <array>
#include <optional>
#include <vector>

#include "models/beit_for_image_classification.h"
#include "train/autocast.h"
#include "train/classification_loss.h"

namespace beit::train {

struct ClassifierScoring {
  // uint8 pixels become (x / 255 - mean) / std; float ones are taken as they are.
  std::array<double, 3> mean;
  std::array<double, 3> std;
  ClassificationLoss loss = ClassificationLoss::kCrossEntropy;
  Precision precision = Precision::kFp32;
  // The likeliest classes of each image; none: all classes, in the order of their ids.
  std::optional<int64_t> top_k;
};

struct ClassifierScores {
  int64_t classes_per_image = 0;  // K: top_k, or C
  std::vector<double> losses;     // B; empty without targets
  std::vector<int32_t>
      classes;  // B * K, likeliest first, the lower id first among equals; empty without top_k
  std::vector<float> probabilities;  // B * K, of these classes; or of all
};

// pixels (B, 3, H, W), uint8 or float32; targets int64 (B) class ids, float32 (B, C) weights of the classes,
// or undefined. The losses are computed in float64 from the logits. Read back from the device once.
ClassifierScores classifier_scores(const models::BeitForImageClassification& model, const at::Tensor& pixels,
                                   const at::Tensor& targets, const ClassifierScoring& scoring);

}  // namespace beit::train
