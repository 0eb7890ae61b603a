#include "training/optimizer.h"

#include <cmath>
#include <numbers>

#include <ATen/ATen.h>
#include <torch/utils.h>

#include "training/host_reads.h"

namespace oddity {

double learning_rate_at(std::int64_t step, std::int64_t steps, const TrainingOptions& options) {
  const double warmup = std::max(1.0, options.warmup_fraction * static_cast<double>(steps));
  const double done = static_cast<double>(step);
  if (done < warmup) {
    return options.learning_rate * std::min(1.0, (done + 1) / warmup);
  }
  const double progress = (done - warmup) / std::max(1.0, static_cast<double>(steps) - warmup);
  return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

FusedAdamW::FusedAdamW(const std::vector<NamedTensor>& parameters, const TrainingOptions& options)
    : clip_(options.gradient_clip) {
  groups_[0].weight_decay = options.weight_decay;
  for (const auto& [name, parameter] : parameters) {
    const int g = parameter.dim() >= 2 ? 0 : 1;
    names_[g].push_back(name);
    groups_[g].parameters.push_back(parameter);
    groups_[g].averages.push_back(at::zeros_like(parameter));
    groups_[g].squares.push_back(at::zeros_like(parameter));
    groups_[g].steps.push_back(at::zeros({}, parameter.options().dtype(at::kFloat)));
  }
  if (!parameters.empty()) {
    learning_rate_ = at::zeros({}, parameters.front().second.options().dtype(at::kFloat));
  }
}

void FusedAdamW::step(double learning_rate) {
  if (!learning_rate_.defined()) {
    return;
  }
  const torch::NoGradGuard no_grad;
  learning_rate_.fill_(learning_rate);
  std::vector<at::Tensor> gradients[2], norms;
  for (int g = 0; g < 2; ++g) {
    for (at::Tensor& parameter : groups_[g].parameters) {
      gradients[g].push_back(parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter));
    }
    if (!gradients[g].empty()) {
      for (at::Tensor& norm : at::_foreach_norm(gradients[g], 2)) {
        norms.push_back(norm);
      }
    }
  }
  if (clip_ > 0) {
    const at::Tensor scale = (clip_ / (at::stack(norms).norm() + 1e-6)).clamp_max(1.0);
    for (auto& list : gradients) {
      for (at::Tensor& gradient : list) {  // on the CPU the foreach form reads its factor as a number
        gradient.mul_(scale);
      }
    }
  }
  for (int g = 0; g < 2; ++g) {
    Group& group = groups_[g];
    if (group.parameters.empty()) {
      continue;
    }
    at::_foreach_add_(group.steps, 1);
    const auto update = [&](const auto& rate) {
      at::_fused_adamw_(group.parameters, gradients[g], group.averages, group.squares, {}, group.steps, rate, 0.9,
                        0.999, group.weight_decay, 1e-8, /*amsgrad=*/false, /*maximize=*/false);
    };
    if (learning_rate_.is_cuda()) {
      update(learning_rate_);  // a tensor, so that a captured graph sees it change
    } else {
      const UncountedHostReads step_counters;  // the CPU kernel reads its own, which lie on the host
      update(learning_rate);
    }
    for (at::Tensor& parameter : group.parameters) {
      parameter.mutable_grad().reset();
    }
  }
}

std::vector<NamedTensor> FusedAdamW::state() const {
  std::vector<NamedTensor> all;
  for (int g = 0; g < 2; ++g) {
    for (std::size_t i = 0; i < names_[g].size(); ++i) {
      all.emplace_back(names_[g][i] + "/exp_avg", groups_[g].averages[i]);
      all.emplace_back(names_[g][i] + "/exp_avg_sq", groups_[g].squares[i]);
      all.emplace_back(names_[g][i] + "/step", groups_[g].steps[i]);
    }
  }
  return all;
}

}  // namespace oddity
