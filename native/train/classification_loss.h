// What the targets of a classifier are.
#pragma once

namespace beit::train {

enum class ClassificationLoss {
  kCrossEntropy,        // one distribution over the classes: probabilities are a softmax
  kBinaryCrossEntropy,  // each class by itself: probabilities are sigmoids, the loss is their mean
};

}  // namespace beit::train
