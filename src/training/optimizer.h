#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "training/options.h"
#include "training/task.h"

namespace oddity {

/// Learning rate of a step in 0..steps-1: linear warm-up over `warmup_fraction`, then half a cosine to 0.
double learning_rate_at(std::int64_t step, std::int64_t steps, const TrainingOptions& options);

/// AdamW (Loshchilov & Hutter, ICLR 2019) in one fused call per group: decay on tensors of two or more dimensions, none
/// on biases and norms. Gradients are clipped by their global norm. Reads nothing back from the device; the learning
/// rate is a tensor on it.
class FusedAdamW {
public:
  /// Parameters must already lie on their device and in their memory format.
  FusedAdamW(const std::vector<NamedTensor>& parameters, const TrainingOptions& options);

  /// One step with the gradients of the parameters, which are dropped afterwards. A parameter without a gradient counts
  /// as gradient 0.
  void step(double learning_rate);

  /// `<parameter>/exp_avg`, `<parameter>/exp_avg_sq` and `<parameter>/step`, restored in place.
  std::vector<NamedTensor> state() const;

private:
  struct Group {
    double weight_decay = 0;
    std::vector<at::Tensor> parameters, averages, squares, steps;
  };
  std::vector<std::string> names_[2];
  Group groups_[2];
  at::Tensor learning_rate_;
  double clip_;
};

}  // namespace oddity
