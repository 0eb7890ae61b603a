#include "training/optimizer.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "training/host_reads.h"

namespace oddity {
namespace {

TEST(LearningRate, WarmsUpAndFollowsACosineToZero) {
  TrainingOptions options;
  options.learning_rate = 1.0, options.warmup_fraction = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate_at(0, 100, options), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate_at(9, 100, options), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(10, 100, options), 1.0);
  EXPECT_NEAR(learning_rate_at(55, 100, options), 0.5, 1e-12);  // half of the cosine
  EXPECT_NEAR(learning_rate_at(99, 100, options), 0.5 * (1 + std::cos(M_PI * 89 / 90)), 1e-12);
  EXPECT_GT(learning_rate_at(0, 1, options), 0);
}

/// Loshchilov & Hutter, algorithm 2, in double.
struct Reference {
  double value, average = 0, square = 0;
  int t = 0;
  void step(double gradient, double rate, double decay) {
    ++t;
    value -= rate * decay * value;
    average = 0.9 * average + 0.1 * gradient;
    square = 0.999 * square + 0.001 * gradient * gradient;
    value -= rate * (average / (1 - std::pow(0.9, t))) / (std::sqrt(square / (1 - std::pow(0.999, t))) + 1e-8);
  }
};

TEST(FusedAdamW, FollowsTheAlgorithmWithDecayOnMatricesOnly) {
  TrainingOptions options;
  options.weight_decay = 0.1, options.gradient_clip = 0;
  at::Tensor matrix = at::full({1, 1}, 2.0).set_requires_grad(true), bias = at::full({1}, 2.0).set_requires_grad(true);
  FusedAdamW optimizer({{"matrix", matrix}, {"bias", bias}}, options);
  Reference m{2.0}, b{2.0};
  for (int i = 0; i < 20; ++i) {
    (matrix.sum().pow(2) + 3 * bias.sum()).backward();
    m.step(2 * m.value, 0.01, 0.1), b.step(3, 0.01, 0);
    optimizer.step(0.01);
  }
  EXPECT_NEAR(matrix.item<double>(), m.value, 1e-5);  // f32 against double over 20 steps
  EXPECT_NEAR(bias.item<double>(), b.value, 1e-5);
  EXPECT_FALSE(matrix.grad().defined());
  EXPECT_EQ(optimizer.state().size(), 6u);
}

TEST(FusedAdamW, ClipsTheGlobalNormAndReadsNothing) {
  TrainingOptions options;
  options.gradient_clip = 5;
  at::Tensor a = at::zeros({2, 2}).set_requires_grad(true), b = at::zeros({3}).set_requires_grad(true);
  FusedAdamW optimizer({{"a", a}, {"b", b}}, options);
  a.mutable_grad() = at::full({2, 2}, 30.0);
  b.mutable_grad() = at::full({3}, 0.0);
  const HostReadCounter counter;
  const std::int64_t before = host_reads();
  optimizer.step(1e-3);
  EXPECT_EQ(host_reads(), before);
  // Norm 60 is cut to 5: exp_avg = 0.1 * 2.5.
  EXPECT_NEAR(optimizer.state()[0].second[0][0].item<double>(), 0.25, 1e-5);
  EXPECT_GT(host_reads(), before) << "the counter does see reads";
}

}  // namespace
}  // namespace oddity
