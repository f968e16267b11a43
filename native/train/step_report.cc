#include "train/step_report.h"

#include <ATen/DeviceAccelerator.h>

namespace beit::train {

namespace {

at::Tensor sum(const at::Tensor& so_far, const at::Tensor& value) {
  return so_far.defined() ? so_far + value : value;
}

}  // namespace

PendingStep::PendingStep(const at::Tensor& numbers, std::vector<const char*> metrics)
    : numbers_(numbers), metrics_(std::move(metrics)) {
  const auto device = numbers.device();
  if (device.is_cpu()) return;
  // Only to pinned memory does a GPU copy while the host goes on.
  numbers_ = at::empty(numbers.sizes(), at::TensorOptions().dtype(at::kDouble).pinned_memory(true));
  numbers_.copy_(numbers, /*non_blocking=*/true);
  copied_.emplace(device.type());
  copied_->record(at::accelerator::getCurrentStream(device.index()));
}

StepResult PendingStep::result() const {
  if (copied_) copied_->synchronize();
  const double* number = numbers_.const_data_ptr<double>();
  const double* const end = number + numbers_.numel();
  StepResult result;
  result.loss = *number++;
  result.gradient_norm = *number++;
  result.finite = *number++ != 0.0;
  for (const char* name : metrics_) result.metrics.emplace_back(name, *number++);
  result.token_counts.assign(number, end);
  result.parts = parts;
  result.replayed = replayed;
  result.notice = notice;
  return result;
}

void StepReport::add(const Loss& loss, double share) {
  loss_ = sum(loss_, loss.value.detach() * share);
  token_counts_ = sum(token_counts_, loss.token_counts);
  metrics_.resize(loss.metrics.size());
  for (size_t i = 0; i < loss.metrics.size(); i++) {
    const auto& [name, over, value] = loss.metrics[i];
    metrics_[i] = {name, over, sum(metrics_[i].value, over == Metric::Over::kMean ? value * share : value)};
  }
}

at::Tensor StepReport::numbers(const at::Tensor& gradient_norm, const at::Tensor& finite) const {
  std::vector<at::Tensor> numbers{loss_, gradient_norm, finite};
  for (const auto& metric : metrics_) numbers.push_back(metric.value);
  for (auto& number : numbers) number = number.to(at::kDouble).view({1});
  numbers.push_back(token_counts_.to(at::kDouble));  // exact to 2^53
  return at::cat(numbers);
}

std::vector<const char*> StepReport::metrics() const {
  std::vector<const char*> names;
  for (const auto& metric : metrics_) names.push_back(metric.name);
  return names;
}

}  // namespace beit::train
