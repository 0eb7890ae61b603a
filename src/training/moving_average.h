#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "training/task.h"

namespace oddity {

/// Exponential moving average of parameters (Polyak & Juditsky 1992 in its exponential form): average = decay * average
/// + (1 - decay) * parameter after every step, the decay limited to (1 + t) / (10 + t) at first so that the start is
/// forgotten. Running statistics of norms are averages already and stay as they are.
class MovingAverage {
public:
  /// Does nothing at all when `decay` is 0.
  MovingAverage(const std::vector<NamedTensor>& parameters, double decay);

  void update(std::int64_t step);          ///< after the optimiser's step number `step`, counted from 0
  void swap();                             ///< exchanges averages and parameters; twice = as before
  std::vector<NamedTensor> state() const;  ///< `<parameter>/average`, for checkpoints

private:
  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_, averages_;
  double decay_;
};

}  // namespace oddity
