#include "oddity/metrics/false_discovery.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/false_discovery_bounds.h"
#include "tests/metrics/message_of.h"

namespace oddity::metrics {
namespace {

using testing::message_of;

// Benjamini and Hochberg (1995) as printed in scipy's documentation.
const std::vector<double> printed{0.001, 0.008, 0.039, 0.041, 0.042, 0.06,  0.074, 0.205, 0.212,
                                  0.216, 0.222, 0.251, 0.269, 0.275, 0.34,  0.341, 0.384, 0.569,
                                  0.594, 0.696, 0.762, 0.94,  0.942, 0.975, 0.986};

/// Random p-values on a grid, or continuous, a part of them small.
std::vector<double> random_p_values(std::mt19937_64& random, std::size_t n, double grid) {
  std::uniform_real_distribution<double> uniform;
  std::vector<double> values(n);
  for (double& p : values) {
    p = uniform(random) < 0.4 ? std::pow(uniform(random), 6) : uniform(random);
    p = grid > 0 ? std::ceil(p * grid) / grid : p;
  }
  return values;
}

TEST(FalseDiscovery, AgreesWithScipyAndStatsmodels) {
  // scipy 1.17.1 false_discovery_control; statsmodels 0.15.0 multipletests rejects 2 and 1 at 0.2.
  const std::vector<double> bh{0.025,
                               0.1,
                               0.21000000000000002,
                               0.21000000000000002,
                               0.21000000000000002,
                               0.25,
                               0.2642857142857143,
                               0.49107142857142866};
  const std::vector<double> by{0.09539895444383768,
                               0.38159581777535073,
                               0.8013512173282366,
                               0.8013512173282366,
                               0.8013512173282366,
                               0.9539895444383768,
                               1.0,
                               1.0};
  const Discoveries ours = benjamini_hochberg(printed, 0.2), any = benjamini_yekutieli(printed, 0.2);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(ours.adjusted[i], bh[i], 1e-15);
    EXPECT_NEAR(any.adjusted[i], by[i], 1e-14);
  }
  EXPECT_EQ(ours.count, 2U);
  EXPECT_EQ(ours.threshold, 0.008);
  EXPECT_EQ(ours.n, 25U);
  EXPECT_EQ(ours.null_share, 1);
  EXPECT_EQ(any.count, 1U);
  EXPECT_EQ(benjamini_hochberg(printed, 0.01).count, 0U);
  EXPECT_EQ(benjamini_hochberg(printed, 0.01).threshold, 0);
}

TEST(FalseDiscovery, AdjustedValuesFollowTheirDefinition) {
  std::mt19937_64 random(3);
  for (const std::size_t n : {1U, 2U, 17U, 300U, 6000U}) {
    for (const double grid : {0.0, 20.0, 997.0}) {
      const auto p = random_p_values(random, n, grid);
      auto sorted = p;
      std::sort(sorted.begin(), sorted.end());
      double harmonic = 0;
      for (std::size_t i = 1; i <= n; ++i) {
        harmonic += 1 / double(i);
      }
      const double above = double(std::count_if(p.begin(), p.end(), [](double x) { return x >= 0.25; }));
      const double null_share = (1 + above) / (double(n) * 0.75);
      const std::vector<std::pair<Discoveries, double>> cases{{benjamini_hochberg(p, 0.1), 1.0},
                                                              {benjamini_yekutieli(p, 0.1), harmonic},
                                                              {storey(p, 0.1, 0.25), null_share}};
      EXPECT_DOUBLE_EQ(cases[2].first.null_share, null_share);
      for (const auto& [result, factor] : cases) {
        // adjusted(x) = min over sorted values y >= x of factor n y / #{p <= y}, from the largest down
        std::vector<double> adjusted(n);
        double smallest = 1;
        for (std::size_t k = n; k-- > 0;) {
          smallest = std::min(smallest, factor * double(n) * sorted[k] / double(k + 1));
          adjusted[k] = smallest;
        }
        std::size_t count = 0;
        double threshold = 0;
        for (std::size_t i = 0; i < n; ++i) {
          const auto k = std::size_t(std::lower_bound(sorted.begin(), sorted.end(), p[i]) - sorted.begin());
          ASSERT_NEAR(result.adjusted[i], adjusted[k], 1e-12 * adjusted[k]);
          ASSERT_EQ(result.rejected[i], result.adjusted[i] <= 0.1);
          count += result.rejected[i];
          threshold = result.rejected[i] != 0 ? std::max(threshold, p[i]) : threshold;
        }
        ASSERT_EQ(result.count, count);
        ASSERT_EQ(result.threshold, threshold);
      }
    }
  }
}

TEST(FalseDiscovery, LevelsThatAreHitExactlyReject) {
  // j / N with n p = level k in exact numbers. In floating point n p / k is often above the level.
  std::size_t cases = 0, missed_by_rounding = 0;
  for (const std::size_t n : {20U, 50U, 100U, 1000U}) {
    for (std::size_t k = 1; k < n; k += n / 10) {
      for (std::size_t percent = 1; percent <= 30; ++percent) {
        const double p = double(k * percent) / double(100 * n), level = double(percent) / 100;
        std::vector<double> values(n, 1.0);
        std::fill_n(values.begin(), k, p);
        const Discoveries result = benjamini_hochberg(values, level);
        ASSERT_EQ(result.count, k) << n << " " << k << " " << percent;
        ASSERT_EQ(result.adjusted[0], level);
        ++cases;
        missed_by_rounding += !(p * (double(n) / double(k)) <= level);
        // A p-value larger by a millionth of a millionth does not hit.
        std::fill_n(values.begin(), k, p * (1 + 1e-12));
        ASSERT_EQ(benjamini_hochberg(values, level).count, 0U);
      }
    }
  }
  EXPECT_GT(missed_by_rounding, cases / 20);
}

TEST(FalseDiscovery, ValuesThatDifferInTheirLastBitsAreOrdered) {
  // More values than 2^12 within less than 2^-40 of each other: the sort drops these bits first.
  std::mt19937_64 random(4);
  std::vector<double> p(20000);
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] = (i % 2 == 0 ? 0.25 : 1e-5) + double(random() % 3000) * 0x1p-54;
  }
  const FalseDiscoveryBounds bounds = false_discovery_bounds(p, 0.1);
  auto sorted = p;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(bounds.p_values, sorted);
  const Discoveries result = benjamini_hochberg(p, 0.05);
  EXPECT_EQ(result.count, 10000U);
  EXPECT_EQ(result.threshold, sorted[9999]);
}

TEST(FalseDiscovery, FloatsZerosAndOnes) {
  const std::vector<float> narrow{0, 1, 0.25F, -0.0F};
  const std::vector<double> wide{0, 1, 0.25, 0};
  EXPECT_EQ(benjamini_hochberg(narrow, 0.3).adjusted, benjamini_hochberg(wide, 0.3).adjusted);
  EXPECT_EQ(benjamini_hochberg(wide, 0.3).adjusted, (std::vector<double>{0, 1, 1.0 / 3, 0}));
  EXPECT_EQ(storey(std::vector<double>{1.0}, 0.5).adjusted[0], 1);
  EXPECT_EQ(storey(std::vector<double>{0.5, 0.1}, 0.5).null_share, 2);  // 0.5 >= lambda counts
}

/// The definition: the largest part in `selected` of a set that Simes' tests do not reject, where a set is rejected
/// when it and all that contain it are.
std::uint64_t closed_testing_bound(const std::vector<double>& p, unsigned selected, double delta) {
  const auto n = unsigned(p.size());
  std::vector<char> rejected(std::size_t(1) << n);
  for (unsigned set = 1; set < rejected.size(); ++set) {
    std::vector<double> members;
    for (unsigned i = 0; i < n; ++i) {
      if ((set >> i & 1U) != 0) {
        members.push_back(p[i]);
      }
    }
    std::sort(members.begin(), members.end());
    for (std::size_t j = 0; j < members.size(); ++j) {
      rejected[set] |= members[j] * double(members.size()) <= double(j + 1) * delta;
    }
  }
  int largest = 0;
  for (unsigned set = 1; set < rejected.size(); ++set) {
    bool all = true;
    for (unsigned super = set; super < rejected.size() && all; super = (super + 1) | set) {
      all = rejected[super] != 0;
    }
    if (!all) {
      largest = std::max(largest, std::popcount(set & selected));
    }
  }
  return std::uint64_t(largest);
}

TEST(FalseDiscoveryBounds, AreThoseOfClosedTesting) {
  std::mt19937_64 random(5);
  for (int repeat = 0; repeat < 300; ++repeat) {
    const std::size_t n = 1 + random() % 8;
    // A grid that no level hits exactly.
    const auto p = random_p_values(random, n, repeat % 2 == 0 ? 0 : 37);
    const double delta = repeat % 3 == 0 ? 0.101 : 0.503;
    const FalseDiscoveryBounds bounds = false_discovery_bounds(p, delta);
    ASSERT_EQ(bounds.n, n);
    ASSERT_EQ(bounds.false_discoveries.back(), bounds.null_count);
    for (unsigned selected = 0; selected < 1U << n; ++selected) {
      std::vector<std::uint8_t> mask(n);
      double last = -1;
      for (std::size_t i = 0; i < n; ++i) {
        mask[i] = selected >> i & 1U;
        last = mask[i] != 0 ? std::max(last, p[i]) : last;
      }
      const SelectionBound bound = false_discovery_bound(p, mask, delta);
      const std::uint64_t expected = closed_testing_bound(p, selected, delta);
      ASSERT_EQ(bound.false_discoveries, expected);
      ASSERT_EQ(bound.selected, std::size_t(std::popcount(selected)));
      ASSERT_EQ(bound.proportion, selected == 0 ? 0 : double(expected) / double(bound.selected));
      const auto below = std::size_t(std::count_if(p.begin(), p.end(), [&](double x) { return x <= last; }));
      if (selected != 0 && below == bound.selected) {
        ASSERT_EQ(bounds.false_discoveries[below - 1], expected);
      }
    }
  }
}

TEST(FalseDiscoveryBounds, ByHand) {
  // Simes rejects all three (3 * 0.01 <= 0.1) and the largest two (2 * 0.02 <= 0.1) but not 0.9 alone: h = 1.
  const std::vector<double> p{0.9, 0.01, 0.02};
  const FalseDiscoveryBounds bounds = false_discovery_bounds(p, 0.1);
  EXPECT_EQ(bounds.null_count, 1U);
  EXPECT_EQ(bounds.p_values, (std::vector<double>{0.01, 0.02, 0.9}));
  EXPECT_EQ(bounds.false_discoveries, (std::vector<std::uint64_t>{0, 0, 1}));
  const std::vector<double> none(50, 0.7);
  EXPECT_EQ(false_discovery_bounds(none, 0.1).null_count, 50U);
  EXPECT_EQ(false_discovery_bounds(none, 0.1).false_discoveries[9], 10U);
}

TEST(FalseDiscovery, RefusesBadInput) {
  const std::vector<double> good{0.1, 0.2}, none, nan{0.1, NAN}, large{0.5, 1.5};
  EXPECT_EQ(message_of([&] { benjamini_hochberg(none, 0.1); }),
            "[metrics.benjamini_hochberg] p_values is empty; expected at least one value");
  EXPECT_EQ(message_of([&] { benjamini_yekutieli(nan, 0.1); }),
            "[metrics.benjamini_yekutieli] p_values are out of range; got nan at index 1; expected values in [0, 1]");
  EXPECT_EQ(message_of([&] { storey(large, 0.1); }),
            "[metrics.storey] p_values are out of range; got 1.5 at index 1; expected values in [0, 1]");
  EXPECT_EQ(message_of([&] { storey(good, 0.1, 1); }),
            "[metrics.storey] lambda is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(message_of([&] { storey(good, NAN); }),
            "[metrics.storey] level is out of range; got nan; expected a value in (0, 1)");
  EXPECT_EQ(message_of([&] { benjamini_hochberg(good, 0); }),
            "[metrics.benjamini_hochberg] level is out of range; got 0; expected a value in (0, 1)");
  EXPECT_EQ(message_of([&] { benjamini_yekutieli(good, 1); }),
            "[metrics.benjamini_yekutieli] level is out of range; got 1; expected a value in (0, 1)");
  EXPECT_EQ(message_of([&] { false_discovery_bounds(none, 0.1); }),
            "[metrics.false_discovery_bounds] p_values is empty; expected at least one value");
  EXPECT_EQ(message_of([&] { false_discovery_bounds(good, 1); }),
            "[metrics.false_discovery_bounds] delta is out of range; got 1; expected a value in (0, 1)");
  const std::vector<std::uint8_t> one{1}, odd{1, 2};
  EXPECT_EQ(message_of([&] { false_discovery_bound(good, one, 0.1); }),
            "[metrics.false_discovery_bound] p_values and selected differ in length; got 2 and 1");
  EXPECT_EQ(message_of([&] { false_discovery_bound(good, odd, 0.1); }),
            "[metrics.false_discovery_bound] selected must be 0 or 1; got 2 at index 1");
  EXPECT_EQ(message_of([&] { false_discovery_bound(good, odd, 0); }),
            "[metrics.false_discovery_bound] delta is out of range; got 0; expected a value in (0, 1)");
}

}  // namespace
}  // namespace oddity::metrics
