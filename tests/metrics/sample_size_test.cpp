#include "oddity/metrics/sample_size.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(PartsForBound, knows_the_classic_numbers) {
  EXPECT_EQ(parts_for_bound(0.01), 299U);
  EXPECT_EQ(parts_for_bound(0.001), 2995U);
  EXPECT_EQ(parts_for_bound(0.0001), 29956U);
  EXPECT_EQ(parts_for_bound(0.05), 59U);  // "59 without an error", Wilks
  EXPECT_EQ(parts_for_bound(0.05, 0.95, 1), 93U);
  EXPECT_EQ(parts_for_bound(0.1, 0.9), 22U);
  EXPECT_EQ(parts_for_bound(0.5, 0.5), 1U);
  EXPECT_EQ(parts_for_bound(0.5, 0.75), 2U);  // 0.5^2 = 0.25 exactly
}

TEST(PartsForBound, is_the_smallest_that_clopper_pearson_certifies) {
  for (const double bound : {0.003, 0.02, 0.3, 0.8}) {
    for (const double confidence : {0.5, 0.95, 0.999}) {
      for (const std::uint64_t errors : {0U, 1U, 4U, 25U}) {
        const std::uint64_t n = parts_for_bound(bound, confidence, errors);
        EXPECT_LE(clopper_pearson_upper(errors, n, confidence), bound * (1 + 1e-12));
        EXPECT_GT(n, errors);
        if (n > errors + 1) {
          EXPECT_GT(clopper_pearson_upper(errors, n - 1, confidence), bound);
        }
      }
      const double formula = std::ceil(std::log1p(-confidence) / std::log1p(-bound) * (1 - 1e-14));
      EXPECT_EQ(parts_for_bound(bound, confidence), std::uint64_t(formula));
    }
  }
}

TEST(AcceptancePlan, is_the_shortest_among_all) {
  for (const double bound : {0.1, 0.5, 0.9}) {
    for (const double ratio : {0.1, 0.4, 0.65}) {
      for (const double power : {0.3, 0.9, 0.99}) {
        const double rate = bound * ratio, confidence = 0.9;
        const AcceptancePlan plan = acceptance_plan(bound, rate, confidence, power);
        // By the definition: n by n, every number of allowed errors.
        std::uint64_t n = 1, errors = 0;
        for (bool found = false; !found; n += found ? 0 : 1) {
          for (errors = 0; errors < n && !found; errors += found ? 0 : 1) {
            found = binomial_cdf(errors, n, bound) <= 1 - confidence && binomial_cdf(errors, n, rate) >= power;
          }
        }
        EXPECT_EQ(plan.parts, n) << bound << " " << rate << " " << power;
        EXPECT_GE(plan.power, power);
        EXPECT_GE(plan.confidence, confidence);
        EXPECT_EQ(plan.power, binomial_cdf(plan.errors_allowed, plan.parts, rate));
      }
    }
  }
}

TEST(AcceptancePlan, of_a_good_model_allows_errors) {
  const AcceptancePlan plan = acceptance_plan(0.01, 0.002, 0.95, 0.9);
  EXPECT_GT(plan.errors_allowed, 0U);
  EXPECT_EQ(plan.parts, parts_for_bound(0.01, 0.95, plan.errors_allowed));
  EXPECT_NEAR(binomial_cdf(0, 299, 0.002), 0.55, 0.005);  // what the header says
  EXPECT_EQ(acceptance_plan(0.01, 1e-6, 0.95, 0.9).parts, 299U);
  const AcceptancePlan close = acceptance_plan(0.01, 0.0095, 0.95, 0.9);  // about (1.645 + 1.282)^2 p / 0.0005^2
  EXPECT_NEAR(double(close.parts), 8.56 * 0.01 * 0.99 / 2.5e-7, 15000);
}

TEST(PartsForWidth, holds_for_every_outcome_and_is_tight) {
  for (const double share : {0.02, 0.1, 0.5}) {
    for (const double width : {0.05, 0.2, 0.6}) {
      const std::uint64_t n = parts_for_width(share, width, 0.9);
      const auto widest = [&](std::uint64_t parts) {
        double result = 0;
        for (std::uint64_t k = 0; double(k) <= share * double(parts); ++k) {
          const Interval interval = clopper_pearson(k, parts, 0.9);
          result = std::max(result, interval.high - interval.low);
        }
        return result;
      };
      EXPECT_LE(widest(n), width);
      // One error's worth fewer parts do not do.
      const auto step = std::uint64_t(std::ceil(1 / share));
      EXPECT_TRUE(n <= step || widest(n - step) > width) << share << " " << width << " " << n;
      if (share == 0.5 && n > 2) {
        EXPECT_GT(widest(n - 2 + n % 2), width);  // even numbers have the middle count itself
      }
    }
  }
  EXPECT_NEAR(double(parts_for_width(0.5, 0.02)), 9604, 110);  // Wald's 1.96^2 / 0.02^2 plus the price of exactness
}

TEST(SampleSize, refuses_bad_input_with_a_sentence) {
  const auto message = [](const std::string& text) { return ThrowsMessage<std::invalid_argument>(HasSubstr(text)); };
  for (const double bad : {0.0, 1.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT([&] { parts_for_bound(bad); }, message("[metrics.parts_for_bound] bound is out of range"));
    EXPECT_THAT([&] { parts_for_bound(0.1, bad); }, message("confidence is out of range"));
    EXPECT_THAT([&] { acceptance_plan(bad, 0.1); }, message("[metrics.acceptance_plan] bound is out of range"));
    EXPECT_THAT([&] { acceptance_plan(0.1, bad); }, message("rate is out of range"));
    EXPECT_THAT([&] { acceptance_plan(0.1, 0.01, bad); }, message("confidence is out of range"));
    EXPECT_THAT([&] { acceptance_plan(0.1, 0.01, 0.9, bad); }, message("power is out of range"));
    EXPECT_THAT([&] { parts_for_width(bad, 0.1); }, message("share is out of range"));
    EXPECT_THAT([&] { parts_for_width(0.1, bad); }, message("width is out of range"));
    EXPECT_THAT([&] { parts_for_width(0.1, 0.1, bad); }, message("confidence is out of range"));
  }
  EXPECT_THAT([] { acceptance_plan(0.01, 0.01); }, message("rate must be below bound; got 0.01 and 0.01"));
  EXPECT_THAT([] { parts_for_width(0.6, 0.1); }, message("expected a value in (0, 0.5]"));
  EXPECT_THAT([] { parts_for_bound(1e-13); }, message("more than 10^12 parts are needed"));
  EXPECT_THAT([] { parts_for_bound(0.1, 0.9, std::uint64_t(1) << 60); }, message("errors_allowed is out of range"));
}

}  // namespace
}  // namespace oddity::metrics
