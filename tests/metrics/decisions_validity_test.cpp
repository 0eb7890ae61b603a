// What decisions cost: closed forms against a simulation of the line event by event; intervals of thresholds, costs and
// selective risk against the truth they claim to cover.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/metrics/validity.h"

#include "oddity/metrics/cost_model.h"
#include "oddity/metrics/decision_thresholds.h"
#include "oddity/metrics/selective.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::normal;
using testing::uniform;

double upper_normal(double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); }

CostModel random_model(std::mt19937_64& random) {
  const auto cost = [&](double most) { return most * uniform(random); };
  return {uniform(random), uniform(random), cost(20),        cost(60),        cost(5),  cost(6),
          cost(2),         cost(1),         uniform(random), uniform(random), cost(0.1)};
}

LineRates random_rates(std::mt19937_64& random) {
  const auto two = [&] {
    double a = uniform(random), b = uniform(random);
    return std::pair(std::min(a, b), std::abs(a - b));
  };
  const auto [accepted, asked_defects] = two();
  const auto [rejected, asked_good] = two();
  return {0.05 + 0.9 * uniform(random), accepted, asked_defects, rejected, asked_good};
}

struct Simulated {
  double mean = 0, error = 0;
};

/// Every part lives through the line; nothing is taken from the closed forms.
Simulated simulate(const CostModel& m, const LineRates& rates, std::size_t parts, std::mt19937_64& random) {
  const auto chance = [&](double p) { return uniform(random) < p; };
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < parts; ++i) {
    double cost = m.cost_fixed;
    const bool defective = chance(rates.prevalence);
    const double u = uniform(random);
    bool accepted = false;
    if (defective ? u < rates.accepted_defects : u >= rates.rejected_good + rates.asked_good) {
      accepted = true;
    } else if (defective ? u < rates.accepted_defects + rates.asked_defects : u >= rates.rejected_good) {
      cost += m.cost_operator;
      accepted = defective ? chance(m.operator_escape) : !chance(m.operator_overkill);
    }
    if (!accepted) {
      cost += defective ? m.cost_rework : m.cost_overkill;
    } else {
      bool found = false;
      if (chance(m.check_ratio)) {
        cost += m.cost_inspection;
        found = defective && chance(m.check_detection);
      }
      if (defective) {
        cost += found ? m.cost_recalled_escape : m.cost_undetected_escape;
      }
    }
    sum += cost;
    squares += cost * cost;
  }
  const double n = double(parts), mean = sum / n;
  return {mean, std::sqrt(std::max(0.0, squares / n - mean * mean) / n)};
}

TEST(DecisionsValidity, closed_form_agrees_with_the_events_of_a_line) {
  constexpr std::size_t sets = 400, parts = 20000;
  std::mt19937_64 random(1);
  double largest = 0;
  std::size_t wrong_acceptance = 0, wrong_detection = 0;
  for (std::size_t i = 0; i < sets; ++i) {
    CostModel model = random_model(random);
    const LineRates rates = random_rates(random);
    if (i % 8 < 2) {
      model.check_ratio = double(i % 8);  // the ends
    }
    const Simulated seen = simulate(model, rates, parts, random);
    const LineCost cost = line_cost(model, rates);
    largest = std::max(largest, std::abs(seen.mean - cost.total) / seen.error);
    // As if the check looked at what the model accepts only; as if it found every defect.
    const double by_model = rates.prevalence * rates.accepted_defects +
                            (1 - rates.prevalence) * (1 - rates.rejected_good - rates.asked_good);
    const double too_cheap = cost.total - model.check_ratio * model.cost_inspection * (cost.accepted - by_model);
    wrong_acceptance += std::abs(seen.mean - too_cheap) > 5 * seen.error;
    model.check_detection = 1;
    wrong_detection += std::abs(seen.mean - line_cost(model, rates).total) > 5 * seen.error;
  }
  std::cout << "    event simulation: " << sets << " lines of " << parts << " parts, largest distance " << largest
            << " standard errors, bound 5; wrong variants beyond it: " << wrong_acceptance << " and " << wrong_detection
            << " lines\n";
  RecordProperty("largest_distance", std::to_string(largest));
  EXPECT_LT(largest, 5);
  EXPECT_GT(wrong_acceptance, 0U);
  EXPECT_GT(wrong_detection, sets / 10);
}

/// Scores of good parts are N(0, 1), of defects N(shift, 1); true rates are known for any thresholds.
struct Population {
  CostModel model;
  double prevalence, shift;
  std::size_t n_defect, n_good;

  void sample(std::mt19937_64& random, std::vector<double>& scores, std::vector<std::uint8_t>& labels) const {
    scores.resize(n_defect + n_good);
    labels.resize(n_defect + n_good);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      labels[i] = i < n_defect;
      scores[i] = normal(random) + (labels[i] != 0 ? shift : 0);
    }
  }
  double true_cost(Thresholds at) const {
    const double rejected_good = upper_normal(at.upper), rejected_defects = upper_normal(at.upper - shift);
    return line_cost(model,
                     {prevalence, 1 - upper_normal(at.lower - shift), upper_normal(at.lower - shift) - rejected_defects,
                      rejected_good, upper_normal(at.lower) - rejected_good})
        .total;
  }
  /// Where the probability of a defect passes p: the log likelihood ratio is shift * score - shift^2 / 2.
  double score_of(double p) const {
    return (std::log(p / (1 - p) * (1 - prevalence) / prevalence) + shift * shift / 2) / shift;
  }
};

CostModel simple_model(double undetected, double operation) {
  CostModel model;
  model.cost_undetected_escape = undetected;
  model.cost_overkill = 1;
  model.cost_operator = operation;
  model.operator_escape = 0.1;
  model.operator_overkill = 0.05;
  return model;
}

const std::vector<Population>& populations() {
  static const std::vector<Population> all{{simple_model(20, 0.3), 0.05, 3, 50, 300},
                                           {simple_model(100, 0.5), 0.02, 4, 40, 400},
                                           {simple_model(20, 0.2), 0.05, 2, 200, 1000},
                                           {simple_model(5, 0.2), 0.3, 1, 100, 100},
                                           {simple_model(500, 0.3), 0.002, 3, 30, 1000}};
  return all;
}

TEST(DecisionsValidity, cost_interval_covers_what_the_chosen_thresholds_cost) {
  constexpr std::size_t draws = 400, resamples = 150;
  std::size_t wrong_variant_exceeds = 0;
  for (std::size_t p = 0; p < populations().size(); ++p) {
    const Population& population = populations()[p];
    for (const Actions actions : {Actions::two_way, Actions::three_way}) {
      std::mt19937_64 random(10 + p);
      std::size_t misses = 0, benefit_misses = 0, resampled_misses = 0;
      std::vector<double> scores, drawn(population.n_defect + population.n_good);
      std::vector<std::uint8_t> labels;
      double width = 0, bias = 0, naive_bias = 0;
      for (std::size_t i = 0; i < draws; ++i) {
        population.sample(random, scores, labels);
        DecisionOptions options;
        options.actions = actions;
        options.prevalence = population.prevalence;
        options.resamples = resamples;
        options.seed = i;
        const OptimalThresholds best = optimal_thresholds(scores, labels, population.model, options);
        const double truth = population.true_cost(best.thresholds);
        misses += truth < best.cost.low || truth > best.cost.high;
        const double benefit = best.baselines.operator_only - truth;
        benefit_misses += benefit < best.benefit_over_operator.low || benefit > best.benefit_over_operator.high;
        width += (best.cost.high - best.cost.low) / draws;
        bias += (best.cost.corrected - truth) / draws;
        naive_bias += (best.cost.value - truth) / draws;
        if (i < 80) {  // the interval people take: percentiles of the resamples' own optima
          std::vector<double> optima;
          for (int r = 0; r < 100; ++r) {
            for (std::size_t j = 0; j < drawn.size(); ++j) {
              const bool defect = j < population.n_defect;
              drawn[j] =
                  scores[(defect ? 0 : population.n_defect) +
                         std::size_t(uniform(random) * double(defect ? population.n_defect : population.n_good))];
            }
            const Thresholds own = best_thresholds(drawn, labels, population.model, actions, population.prevalence);
            optima.push_back(line_cost(population.model, rates_at(drawn, labels, own, population.prevalence)).total);
          }
          std::sort(optima.begin(), optima.end());
          resampled_misses += truth < optima[2] || truth > optima[97];
        }
      }
      const std::string name = "population " + std::to_string(p) + (actions == Actions::two_way ? " two" : " three");
      std::cout << "    " << name << ": mean width " << width << ", bias of value " << naive_bias << ", of corrected "
                << bias << "\n";
      EXPECT_FALSE(exceeds("cost interval, " + name, misses, draws, 0.05));
      EXPECT_FALSE(exceeds("benefit interval, " + name, benefit_misses, draws, 0.05));
      wrong_variant_exceeds += exceeds("percentiles of resampled optima, " + name, resampled_misses, 80, 0.05);
    }
  }
  EXPECT_GE(wrong_variant_exceeds, 8U);  // of 10
}

TEST(DecisionsValidity, threshold_interval_covers_the_cheapest_threshold) {
  constexpr std::size_t draws = 1000;
  std::size_t wrong_variant_exceeds = 0;
  for (std::size_t p = 0; p < populations().size(); ++p) {
    const Population& population = populations()[p];
    std::mt19937_64 random(20 + p);
    const ProbabilityThresholds at = probability_thresholds(population.model);
    std::vector<double> scores, drawn;
    std::vector<std::uint8_t> labels;
    for (const double probability : {at.ask, at.two_way, at.reject}) {
      const double truth = population.score_of(probability);
      std::size_t misses = 0, resampled_misses = 0;
      double width = 0, finite = 0;
      for (std::size_t i = 0; i < draws; ++i) {
        population.sample(random, scores, labels);
        const Interval interval = threshold_interval(scores, labels, probability, population.prevalence);
        misses += truth < interval.low || truth > interval.high;
        if (std::isfinite(interval.high - interval.low)) {
          width += interval.high - interval.low;
          finite += 1;
        }
        if (i < 100 && probability == at.two_way) {
          std::vector<double> own;
          drawn.resize(scores.size());
          for (int r = 0; r < 100; ++r) {
            for (std::size_t j = 0; j < drawn.size(); ++j) {
              const bool defect = j < population.n_defect;
              drawn[j] =
                  scores[(defect ? 0 : population.n_defect) +
                         std::size_t(uniform(random) * double(defect ? population.n_defect : population.n_good))];
            }
            own.push_back(
                best_thresholds(drawn, labels, population.model, Actions::two_way, population.prevalence).upper);
          }
          std::sort(own.begin(), own.end());
          resampled_misses += truth < own[2] || truth > own[97];
        }
      }
      const std::string name = "population " + std::to_string(p) + " at " + std::to_string(probability);
      std::cout << "    " << name << ": mean width " << width / finite << ", finite " << finite / draws << "\n";
      // About ten of 200 parts lie below this one: the isotonic fit is poor at the edge, as the header says.
      const bool edge = p == 3 && probability == at.ask;
      EXPECT_FALSE(exceeds("threshold interval, " + name, misses, draws, edge ? 0.15 : 0.05));
      if (probability == at.two_way) {
        wrong_variant_exceeds += exceeds("percentiles of thresholds, " + name, resampled_misses, 100, 0.05);
      }
    }
  }
  EXPECT_GE(wrong_variant_exceeds, 2U);
}

TEST(DecisionsValidity, max_escape_is_kept) {
  constexpr std::size_t draws = 4000;
  const Population population{simple_model(2, 0.3), 0.3, 2, 250, 250};  // escapes are cheap: the limit binds
  std::mt19937_64 random(30);
  std::vector<double> scores, defects;
  std::vector<std::uint8_t> labels;
  std::size_t violations = 0, binding = 0, plug_in = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    population.sample(random, scores, labels);
    DecisionOptions options;
    options.max_escape = 0.05;
    options.escape_confidence = 0.9;
    options.resamples = 0;
    const OptimalThresholds best = optimal_thresholds(scores, labels, population.model, options);
    violations += 1 - upper_normal(best.thresholds.lower - population.shift) > 0.05;
    binding +=
        best.line.escape <
        line_cost(population.model, rates_at(scores, labels, best_thresholds(scores, labels, population.model))).escape;
    defects.assign(scores.begin(), scores.begin() + 250);
    std::nth_element(defects.begin(), defects.begin() + 12, defects.end());  // 12 of 250 escape: 4.8 %
    plug_in += 1 - upper_normal(defects[12] - population.shift) > 0.05;
  }
  EXPECT_GT(binding, draws / 2);
  EXPECT_FALSE(exceeds("max_escape violated", violations, draws, 0.1));
  EXPECT_TRUE(exceeds("observed escape rate at the limit", plug_in, draws, 0.1));
}

TEST(DecisionsValidity, cost_interval_covers_with_groups) {
  // Lots of 40 parts share a shift of their scores that is larger than what parts differ by.
  constexpr std::size_t draws = 300, lots = 30, size = 40;
  const double spread = 1.5, shift = 4;
  Population population{simple_model(20, 0.3), 0.05, shift / std::sqrt(1 + spread * spread), 0, 0};
  std::mt19937_64 random(31);
  std::size_t misses = 0, ungrouped_misses = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    std::vector<double> scores;
    std::vector<std::uint8_t> labels;
    std::vector<std::int64_t> groups;
    for (std::size_t lot = 0; lot < lots; ++lot) {
      const double of_lot = spread * normal(random);
      for (std::size_t j = 0; j < size; ++j) {
        labels.push_back(j < 10);
        // In units of the marginal standard deviation, so that the population above has the truth.
        scores.push_back((normal(random) + of_lot + (j < 10 ? shift : 0)) / std::sqrt(1 + spread * spread));
        groups.push_back(std::int64_t(lot));
      }
    }
    DecisionOptions options;
    options.prevalence = population.prevalence;
    options.resamples = 150;
    options.seed = i;
    const auto missed = [&](const OptimalThresholds& best) {
      const double truth = population.true_cost(best.thresholds);
      return truth < best.cost.low || truth > best.cost.high;
    };
    misses += missed(optimal_thresholds(scores, labels, population.model, options, groups));
    ungrouped_misses += missed(optimal_thresholds(scores, labels, population.model, options));
  }
  EXPECT_FALSE(exceeds("cost interval with groups", misses, draws, 0.05));
  EXPECT_TRUE(exceeds("cost interval that ignores groups", ungrouped_misses, draws, 0.05));
}

TEST(DecisionsValidity, selective_intervals_cover) {
  // At coverage u a part is lost with probability 0.02 + 0.3 u^2: the areas are integrals of polynomials.
  const double aurc = 0.02 + 0.3 / 9, augrc = 0.01 + 0.3 / 12, risk = 0.12;
  const double excess = aurc - (risk + (1 - risk) * std::log1p(-risk));
  struct Misses {
    std::size_t aurc = 0, excess = 0, augrc = 0;
  };
  const auto misses_of = [&](std::size_t lots, std::size_t size, bool grouped, double scale, std::size_t draws) {
    std::mt19937_64 random(lots + size);
    Misses misses;
    for (std::size_t i = 0; i < draws; ++i) {
      std::vector<double> certainty, losses;
      std::vector<std::int64_t> groups;
      for (std::size_t lot = 0; lot < lots; ++lot) {
        const double common = uniform(random), coverage = uniform(random);
        for (std::size_t j = 0; j < size; ++j) {  // parts of a lot are alike and fail together
          const double u = size > 1 ? coverage : uniform(random);
          certainty.push_back(-u - 1e-9 * double(j));
          losses.push_back((size > 1 ? common : uniform(random)) < 0.02 + 0.3 * u * u);
          groups.push_back(std::int64_t(lot));
        }
      }
      const SelectiveRisk result =
          grouped ? selective_risk(certainty, losses, {}, groups) : selective_risk(certainty, losses);
      const auto missed = [&](const SelectiveEstimate& e, double truth) {
        return truth < e.value + scale * (e.low - e.value) || truth > e.value + scale * (e.high - e.value);
      };
      misses.aurc += missed(result.aurc, aurc);
      misses.excess += missed(result.excess_aurc, excess);
      misses.augrc += missed(result.augrc, augrc);
    }
    return misses;
  };
  constexpr std::size_t draws = 2000;
  for (const std::size_t n : {100U, 300U, 1000U}) {
    // Asymptotic: with 100 parts there are twelve losses.
    const double bound = n == 100 ? 0.1 : 0.07;
    const Misses seen = misses_of(n, 1, false, 1, draws);
    const std::string name = ", n " + std::to_string(n);
    EXPECT_FALSE(exceeds("AURC" + name, seen.aurc, draws, bound));
    EXPECT_FALSE(exceeds("excess AURC" + name, seen.excess, draws, bound));
    EXPECT_FALSE(exceeds("AUGRC" + name, seen.augrc, draws, bound));
  }
  const Misses narrow = misses_of(300, 1, false, 0.7, draws);
  EXPECT_TRUE(exceeds("AURC, interval too narrow", narrow.aurc, draws, 0.07));
  EXPECT_TRUE(exceeds("AUGRC, interval too narrow", narrow.augrc, draws, 0.07));
  const Misses lots = misses_of(300, 5, true, 1, draws), ignored = misses_of(300, 5, false, 1, draws);
  EXPECT_FALSE(exceeds("AURC of 300 lots", lots.aurc, draws, 0.07));
  EXPECT_FALSE(exceeds("AUGRC of 300 lots", lots.augrc, draws, 0.07));
  EXPECT_TRUE(exceeds("AURC, lots ignored", ignored.aurc, draws, 0.07));
  EXPECT_TRUE(exceeds("AUGRC, lots ignored", ignored.augrc, draws, 0.07));
}

}  // namespace
}  // namespace oddity::metrics
