#include "training/anomaly_losses.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace oddity {
namespace {

TEST(LocalizationLoss, HasItsClosedFormAtLogitZero) {
  // Every probability is 1/2; of 8 pixels 2 are positive (counted four times) and 1 is ignored.
  const at::Tensor logits = at::zeros({1, 1, 2, 4});
  at::Tensor mask = at::zeros({1, 1, 2, 4}), weight = at::ones({1, 1, 2, 4});
  mask[0][0][0][0] = 1, mask[0][0][0][1] = 1, weight[0][0][1][3] = 0;
  const double entropy = std::log(2.0) * (4 * 2 + 5) / 7, dice = 1 - (2 * 1.0 + 1) / (3.5 + 2 + 1);
  EXPECT_NEAR(localization_loss(logits, mask, weight).item<double>(), 5 * entropy + 0.5 * dice, 1e-5);
}

TEST(LocalizationLoss, IgnoresTheBandAndFallsWithBetterLogits) {
  at::Tensor mask = at::zeros({2, 1, 4, 4}), weight = at::ones({2, 1, 4, 4});
  mask[0][0][1][1] = 1, weight[1][0][2][2] = 0;
  at::Tensor logits = (mask * 8 - 4).contiguous();
  const double good = localization_loss(logits, mask, weight).item<double>();
  logits[1][0][2][2] = 50;  // ignored
  EXPECT_NEAR(localization_loss(logits, mask, weight).item<double>(), good, 1e-6);
  EXPECT_GT(localization_loss(-logits, mask, weight).item<double>(), good);
  EXPECT_TRUE(std::isfinite(localization_loss(logits * 1e4, mask, weight).item<double>()));
}

TEST(OtherLosses, HaveTheirClosedForms) {
  at::Tensor mask = at::zeros({2, 1, 2, 2});
  mask[1][0][0][0] = 1;
  EXPECT_NEAR(image_loss(at::zeros({2}), mask).item<double>(), std::log(2.0), 1e-6);
  const at::Tensor clean = at::zeros({2, 1, 2, 2}), off = at::full({2, 1, 2, 2}, 0.1);
  EXPECT_NEAR(repair_loss(off, clean, mask).item<double>(), 0.1 * (7 + 5) / 8, 1e-6);
  EXPECT_NEAR(reconstruction_loss(at::full({1, 1, 16, 16}, 0.4), at::full({1, 1, 16, 16}, 0.4)).item<double>(), 0,
              1e-5);
}

}  // namespace
}  // namespace oddity
