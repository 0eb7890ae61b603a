#include "oddity/metrics/ranking_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/resampled_ranking.h"
#include "oddity/metrics/delong.h"
#include "oddity/metrics/ranking.h"

namespace oddity::metrics {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr RankingStatistic kAll[] = {RankingStatistic::auroc, RankingStatistic::average_precision,
                                     RankingStatistic::best_f1, RankingStatistic::true_positive_rate_at,
                                     RankingStatistic::false_positive_rate_at};

struct Data {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
};

Data random_data(unsigned seed, std::size_t n, double grid) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Data data;
  for (std::size_t i = 0; i < n; ++i) {
    data.labels.push_back(i < 4 ? i % 2 : random() % 3 == 0);
    const double score = normal(random) + data.labels.back();
    data.scores.push_back(grid > 0 ? std::round(score / grid) * grid : score);
  }
  return data;
}

double metric(RankingStatistic statistic, double at, const Data& data) {
  const Ranking ranking(data.scores, data.labels);
  switch (statistic) {
    case RankingStatistic::auroc:
      return ranking.auroc();
    case RankingStatistic::average_precision:
      return ranking.average_precision();
    case RankingStatistic::best_f1:
      return ranking.best_f1().f1;
    case RankingStatistic::true_positive_rate_at:
      return ranking.true_positive_rate_at(at);
    default:
      return ranking.false_positive_rate_at(at);
  }
}

/// Sample i of `data` as often as `times[i]`.
Data repeated(const Data& data, const std::vector<std::uint8_t>& times) {
  Data result;
  for (std::size_t i = 0; i < times.size(); ++i) {
    result.scores.insert(result.scores.end(), times[i], data.scores[i]);
    result.labels.insert(result.labels.end(), times[i], data.labels[i]);
  }
  return result;
}

TEST(RankingEvaluator, counts_are_repeated_samples) {
  std::mt19937 random(2);
  detail::RankingEvaluator<std::uint32_t> narrow;
  detail::RankingEvaluator<std::uint64_t> wide;
  for (unsigned round = 0; round < 200; ++round) {
    const Data data = random_data(round, 5 + random() % 40, round % 3 == 0 ? 0 : 0.5 * (round % 3));
    const auto sorted = detail::sort_classes(std::span<const double>(data.scores), data.labels);
    std::vector<std::uint8_t> times(data.labels.size());
    std::size_t present[2] = {};
    while (present[0] == 0 || present[1] == 0) {
      present[0] = present[1] = 0;
      for (std::size_t i = 0; i < times.size(); ++i) {
        times[i] = std::uint8_t(random() % 4 == 0 ? random() % 256 : random() % 3);
        present[data.labels[i]] += times[i];
      }
    }
    detail::Counts good, defect;
    for (const std::uint32_t i : sorted.good) {
      good.push_back(times[i]);
    }
    for (const std::uint32_t i : sorted.defect) {
      defect.push_back(times[i]);
    }
    const Data plain = repeated(data, times);
    for (const RankingStatistic statistic : kAll) {
      for (const double at : {0.0, 0.05, 0.29, 0.5, 0.95, 1.0}) {
        const double expected = metric(statistic, at, plain);
        ASSERT_NEAR(narrow(statistic, at, sorted, good, defect), expected, 1e-13) << int(statistic) << " " << at;
        ASSERT_NEAR(wide(statistic, at, sorted, good, defect), expected, 1e-13) << int(statistic) << " " << at;
      }
    }
  }
}

TEST(RankingBootstrap, its_values_are_the_metrics_themselves) {
  for (const double grid : {0.0, 0.5, 2.0}) {
    const Data data = random_data(3, 9000, grid);
    const std::vector<float> narrow(data.scores.begin(), data.scores.end());
    const Data same{std::vector<double>(narrow.begin(), narrow.end()), data.labels};
    for (const RankingStatistic statistic : kAll) {
      const RankingBootstrapOptions options{.statistic = statistic, .at = 0.1, .resamples = 40};
      const auto wide = bootstrap_ranking(same.scores, same.labels, options);
      EXPECT_NEAR(wide.value, metric(statistic, 0.1, same), 1e-13);
      EXPECT_EQ(wide.resampled, bootstrap_ranking(narrow, same.labels, options).resampled);
      EXPECT_EQ(wide.n, 9000U);
    }
  }
}

TEST(RankingBootstrap, resamples_have_their_multinomial_probabilities) {
  // Two good and two defect samples. Stratified: each class is drawn (2,0), (1,1), (0,2) with 1/4, 1/2, 1/4.
  const Data data{{1, 3, 2, 4}, {0, 0, 1, 1}};
  for (const bool stratified : {true, false}) {
    std::map<long, double> expected, seen;  // by average precision
    double total = 0;
    for (int code = 0; code < 625; ++code) {
      const std::vector<std::uint8_t> times{std::uint8_t(code % 5), std::uint8_t(code / 5 % 5),
                                            std::uint8_t(code / 25 % 5), std::uint8_t(code / 125)};
      const int good = times[0] + times[1], defect = times[2] + times[3];
      if (good + defect != 4 || good == 0 || defect == 0 || (stratified && good != 2)) {
        continue;
      }
      double weight = 1;  // multinomial but for what is common
      for (const int count : times) {
        weight /= std::tgamma(count + 1.0);
      }
      total += weight;
      expected[std::lround(1e9 * metric(RankingStatistic::average_precision, 0, repeated(data, times)))] += weight;
    }
    const auto result = bootstrap_ranking(
        data.scores, data.labels,
        {.statistic = RankingStatistic::average_precision, .resamples = 20000, .stratified = stratified});
    for (const double value : result.resampled) {
      ++seen[std::lround(1e9 * value)];
    }
    for (const auto& [value, times] : seen) {
      const double p = expected[value] / total;
      EXPECT_NEAR(times / 20000, p, 5 * std::sqrt(p * (1 - p) / 20000)) << value;
    }
    EXPECT_EQ(seen.size(), expected.size());
  }
}

TEST(RankingBootstrap, error_of_auroc_is_that_of_delong) {
  const Data data = random_data(7, 600, 0.1);
  const auto delong = delong_auroc(data.scores, data.labels);
  const auto ours = bootstrap_ranking(data.scores, data.labels, {.resamples = 20000});
  // The bootstrap variance lacks the factors n / (n - 1) of DeLong's: half a percent; the rest is noise of 20000 draws.
  EXPECT_NEAR(ours.standard_error / delong.standard_error, 1, 0.03);
  EXPECT_NEAR(ours.low, delong.low, 0.3 * delong.standard_error);
  EXPECT_NEAR(ours.high, delong.high, 0.3 * delong.standard_error);
}

TEST(RankingBootstrap, acceleration_comes_from_the_values_without_each_unit) {
  const Data data = random_data(11, 60, 0.5);
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < 60; ++i) {
    groups.push_back(std::int64_t(i / 4 * 10));
  }
  for (const bool grouped : {false, true}) {
    for (const bool stratified : {false, true}) {
      for (const RankingStatistic statistic :
           {RankingStatistic::auroc, RankingStatistic::average_precision, RankingStatistic::best_f1}) {
        // The same through the generic bootstrap, whose leave-one-out values come from Ranking.
        std::vector<std::int64_t> strata(60, 0);
        for (std::size_t i = 0; i < 60 && stratified; ++i) {
          for (std::size_t j = 0; j < 60; ++j) {
            strata[i] |= (grouped ? groups[i] == groups[j] : i == j) && data.labels[j] != 0;
          }
        }
        const auto of_drawn = [&](std::span<const std::int64_t> drawn) {
          Data some;
          for (const std::int64_t i : drawn) {
            some.scores.push_back(data.scores[std::size_t(i)]);
            some.labels.push_back(data.labels[std::size_t(i)]);
          }
          return metric(statistic, 0, some);
        };
        RankingBootstrapOptions options{.statistic = statistic, .method = BootstrapMethod::bca, .resamples = 50};
        options.stratified = stratified;
        ResamplingOptions generic{.method = BootstrapMethod::bca, .resamples = 50, .strata = strata};
        if (grouped) {
          options.groups = generic.groups = groups;
        }
        const auto ours = bootstrap_ranking(data.scores, data.labels, options);
        EXPECT_NEAR(ours.acceleration, bootstrap(60, of_drawn, generic).acceleration, 1e-9) << int(statistic);
        EXPECT_EQ(ours.units, grouped ? 15U : 60U);
      }
    }
  }
}

TEST(RankingBootstrap, differences_are_paired) {
  const Data data = random_data(13, 300, 0.25);
  std::vector<double> same_order(data.scores), reversed(data.scores);
  std::transform(reversed.begin(), reversed.end(), reversed.begin(), [](double x) { return -x; });
  std::transform(same_order.begin(), same_order.end(), same_order.begin(), [](double x) { return std::exp(x); });
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < 300; ++i) {
    groups.push_back(std::int64_t(i % 50));
  }
  for (const bool grouped : {false, true}) {
    RankingBootstrapOptions options{.method = BootstrapMethod::bca, .resamples = 100};
    options.groups = grouped ? std::span<const std::int64_t>(groups) : std::span<const std::int64_t>();
    const auto none = bootstrap_ranking_difference(data.scores, same_order, data.labels, options);
    EXPECT_EQ(none.value, 0);
    EXPECT_EQ(none.standard_error, 0);
    EXPECT_TRUE(std::isnan(none.low));  // no spread
    // AUROC of the reversed scores is 1 - AUROC in every resample.
    const auto alone = bootstrap_ranking(data.scores, data.labels, options);
    const auto both = bootstrap_ranking_difference(data.scores, reversed, data.labels, options);
    for (std::size_t r = 0; r < 100; ++r) {
      ASSERT_NEAR(both.resampled[r], 2 * alone.resampled[r] - 1, 1e-13);
    }
    EXPECT_NEAR(both.acceleration, alone.acceleration, 1e-10);
    EXPECT_NEAR(both.low, 2 * alone.low - 1, 1e-12);
  }
  // A model beside a noisier one: the error is about that of the DeLong test.
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> noisy(data.scores);
  for (double& score : noisy) {
    score += 0.5 * normal(random);
  }
  const auto test = delong_test(data.scores, noisy, data.labels);
  const auto ours = bootstrap_ranking_difference(data.scores, noisy, data.labels, {.resamples = 10000});
  EXPECT_NEAR(ours.value, test.difference, 1e-13);
  EXPECT_NEAR(ours.standard_error / test.standard_error, 1, 0.05);
}

TEST(RankingBootstrap, depends_on_ranks_and_seed_alone) {
  const Data data = random_data(17, 500, 0);
  std::vector<std::size_t> order(500);
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  Data shuffled;
  for (const std::size_t i : order) {
    shuffled.scores.push_back(100 + 3 * data.scores[i]);
    shuffled.labels.push_back(data.labels[i]);
  }
  const auto first = bootstrap_ranking(data.scores, data.labels, {.resamples = 60, .seed = 4});
  EXPECT_EQ(first.resampled,
            bootstrap_ranking(shuffled.scores, shuffled.labels, {.resamples = 60, .seed = 4}).resampled);
  EXPECT_NE(first.resampled, bootstrap_ranking(data.scores, data.labels, {.resamples = 60, .seed = 5}).resampled);
  const auto longer = bootstrap_ranking(data.scores, data.labels, {.resamples = 90, .seed = 4});
  EXPECT_TRUE(std::equal(first.resampled.begin(), first.resampled.end(), longer.resampled.begin()));
}

TEST(RankingBootstrap, says_nan_where_the_resamples_say_nothing) {
  const Data perfect{{1, 2, 3, 7, 8, 9}, {0, 0, 0, 1, 1, 1}};
  const auto separated = bootstrap_ranking(perfect.scores, perfect.labels);
  EXPECT_EQ(separated.value, 1);
  EXPECT_TRUE(std::isnan(separated.low) && std::isnan(separated.high));
  const Data single{{1, 2, 3, 2.5, 0}, {0, 0, 0, 1, 0}};
  const auto one_defect = bootstrap_ranking(single.scores, single.labels);
  EXPECT_GT(one_defect.standard_error, 0);
  EXPECT_TRUE(std::isnan(one_defect.low) && std::isnan(one_defect.high));
  // All defects in one group: again nothing is known about other defects.
  const Data data = random_data(19, 40, 0);
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < 40; ++i) {
    groups.push_back(data.labels[i] != 0 ? -1 : std::int64_t(i));
  }
  EXPECT_TRUE(std::isnan(bootstrap_ranking(data.scores, data.labels, {.groups = groups}).low));
}

TEST(RankingBootstrap, groups_may_be_larger_than_a_counter) {
  // One group of 65536 samples and as many groups: a resample could hold 2^32 samples, counted in 64 bits.
  constexpr std::size_t large = 65536;
  Data data = random_data(23, 2 * large - 1, 0.01);
  std::vector<std::int64_t> groups(data.labels.size(), 0);
  std::iota(groups.begin() + large, groups.end(), 1);
  const auto result = bootstrap_ranking(data.scores, data.labels, {.resamples = 8, .groups = groups});
  EXPECT_EQ(result.units, large);
  EXPECT_NEAR(result.value, Ranking(data.scores, data.labels).auroc(), 1e-12);
  EXPECT_NEAR(result.resampled[0], result.value, 0.02);
}

TEST(RankingBootstrap, refuses_bad_input_with_a_sentence) {
  const auto message = [](const std::string& text) { return ThrowsMessage<std::invalid_argument>(HasSubstr(text)); };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Data data = random_data(1, 20, 0);
  const auto run = [&](const RankingBootstrapOptions& options) {
    bootstrap_ranking(data.scores, data.labels, options);
  };
  EXPECT_THAT([&] { run({.resamples = 0}); },
              message("[metrics.bootstrap_ranking] resamples must be at least 1; got 0"));
  for (const double bad : {0.0, 1.0, nan}) {
    EXPECT_THAT([&] { run({.confidence = bad}); }, message("confidence is out of range"));
  }
  for (const double bad : {-0.1, 1.1, nan}) {
    EXPECT_THAT([&] { run({.statistic = RankingStatistic::true_positive_rate_at, .at = bad}); },
                message("at is out of range"));
  }
  EXPECT_THAT([&] { run({.statistic = RankingStatistic::false_positive_rate_at, .method = BootstrapMethod::bca}); },
              message("method bca is not for rates at a threshold"));
  const std::vector<std::int64_t> groups(19, 1);
  EXPECT_THAT([&] { run({.groups = groups}); }, message("groups must be one for each sample; got 19 for 20 samples"));
  EXPECT_THAT([&] { bootstrap_ranking(data.scores, std::vector<std::uint8_t>(20, 1)); },
              message("both classes are needed; got 0 good and 20 defect samples"));
  EXPECT_THAT([&] { bootstrap_ranking(data.scores, std::vector<std::uint8_t>(20, 3)); },
              message("labels must be 0 (good) or 1 (defect); got 3 at index 0"));
  EXPECT_THAT([&] { bootstrap_ranking(Values(), {}); }, message("both classes are needed; got 0 good and 0 defect"));
  EXPECT_THAT([&] { bootstrap_ranking_difference(data.scores, std::span(data.scores).first(3), data.labels); },
              message("[metrics.bootstrap_ranking_difference] a and b differ in length; got 20 and 3"));
  for (const double bad : {nan, HUGE_VAL}) {
    std::vector<double> broken(data.scores);
    broken[7] = bad;
    EXPECT_THAT([&] { bootstrap_ranking(broken, data.labels); }, message("scores must be finite; got"));
    EXPECT_THAT([&] { bootstrap_ranking_difference(data.scores, broken, data.labels); },
                message("b must be finite; got"));
  }
  // One defect that may be missing: without it there is no AUROC.
  const Data single{{1, 2, 3, 2.5}, {0, 0, 0, 1}};
  EXPECT_THAT(
      [&] { bootstrap_ranking(single.scores, single.labels, {.method = BootstrapMethod::bca, .stratified = false}); },
      message("method bca needs good and defect samples also without any one unit"));
}

}  // namespace
}  // namespace oddity::metrics
