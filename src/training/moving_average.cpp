#include "training/moving_average.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <torch/utils.h>

namespace oddity {

MovingAverage::MovingAverage(const std::vector<NamedTensor>& parameters, double decay) : decay_(decay) {
  if (decay_ <= 0) {
    return;
  }
  for (const auto& [name, parameter] : parameters) {
    names_.push_back(name);
    parameters_.push_back(parameter);
    averages_.push_back(parameter.detach().clone());
  }
}

void MovingAverage::update(std::int64_t step) {
  if (parameters_.empty()) {
    return;
  }
  const torch::NoGradGuard no_grad;
  const double t = static_cast<double>(step), decay = std::min(decay_, (1 + t) / (10 + t));
  at::_foreach_lerp_(averages_, parameters_, 1 - decay);
}

void MovingAverage::swap() {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor kept = parameters_[i].detach().clone();
    parameters_[i].copy_(averages_[i]);
    averages_[i].copy_(kept);
  }
}

std::vector<NamedTensor> MovingAverage::state() const {
  std::vector<NamedTensor> all;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    all.emplace_back(names_[i] + "/average", averages_[i]);
  }
  return all;
}

}  // namespace oddity
