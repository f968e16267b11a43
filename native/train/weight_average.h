// The exponential moving average of the weights of a module, kept in another one of the same configuration.
#pragma once
#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "nn/module.h"

namespace beit::train {

class WeightAverage {
 public:
  // `average` goes on from the values it has. ERR_INVALID_ARGUMENT unless it is another module with
  // parameters like those of `module`, on the same device.
  WeightAverage(const nn::Module& module, std::shared_ptr<nn::Module> average, double decay);

  // average = decay * average + (1 - decay) * weights. Where `found_inf` (float32 scalar) is 1 it stays as it
  // is, decided on the device.
  void update(const at::Tensor& found_inf);

 private:
  std::shared_ptr<nn::Module> module_;  // of the average
  double decay_;
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> averages_;
};

}  // namespace beit::train
