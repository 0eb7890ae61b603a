#include "training/moving_average.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace oddity {
namespace {

TEST(MovingAverage, FollowsItsRecursionAndSwaps) {
  at::Tensor p = at::zeros({2});
  MovingAverage average({{"p", p}}, 0.5);
  double expected = 0;
  for (int step = 0; step < 30; ++step) {
    p.fill_(step + 1.0);
    average.update(step);
    const double decay = std::min(0.5, (1.0 + step) / (10.0 + step));
    expected = decay * expected + (1 - decay) * (step + 1.0);
  }
  average.swap();
  EXPECT_NEAR(p[0].item<double>(), expected, 1e-4);
  average.swap();
  EXPECT_EQ(p[1].item<double>(), 30.0);
  EXPECT_EQ(average.state().at(0).first, "p/average");
}

TEST(MovingAverage, IsNothingWhenOff) {
  at::Tensor p = at::ones({2});
  MovingAverage average({{"p", p}}, 0);
  average.update(3);
  average.swap();
  EXPECT_EQ(p[0].item<double>(), 1.0);
  EXPECT_TRUE(average.state().empty());
}

}  // namespace
}  // namespace oddity
