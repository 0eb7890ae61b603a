#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/cost_checks.h"
#include "metrics/decision_draws.h"
#include "metrics/score_runs.h"
#include "oddity/metrics/decision_thresholds.h"

namespace oddity::metrics {
namespace {

using detail::Cuts;
using detail::PerAction;
using detail::refuse;
using detail::ScoreRuns;

constexpr const char* kFunction = "optimal_thresholds";
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void require_options(const DecisionOptions& options, bool grouped) {
  detail::require_interval_confidence(kFunction, options.confidence);
  detail::require_open_unit(kFunction, "escape_confidence", options.escape_confidence);
  if (options.max_escape) {
    detail::require_open_unit(kFunction, "max_escape", *options.max_escape);
    if (grouped) {
      refuse(kFunction, "max_escape counts parts as independent; got groups; expected one of the two");
    }
  }
  if (options.prevalence && options.measured_prevalence.trials > 0) {
    refuse(kFunction, "prevalence is given twice; got ", *options.prevalence, " and a measured one");
  }
}

double measured_or(const char* name, const MeasuredRate& rate, double given) {
  if (rate.events > rate.trials) {
    refuse(kFunction, name, " has more events than trials; got ", rate.events, " of ", rate.trials);
  }
  return rate.trials > 0 ? double(rate.events) / double(rate.trials) : given;
}

CostModel with_measured_rates(CostModel model, const DecisionOptions& options) {
  model.operator_escape =
      measured_or("measured_operator_escape", options.measured_operator_escape, model.operator_escape);
  model.operator_overkill =
      measured_or("measured_operator_overkill", options.measured_operator_overkill, model.operator_overkill);
  model.check_detection =
      measured_or("measured_check_detection", options.measured_check_detection, model.check_detection);
  return model;
}

CostModel drawn_model(RandomStream& random, CostModel model, const DecisionOptions& options) {
  model.operator_escape = detail::draw_rate(random, options.measured_operator_escape, model.operator_escape);
  model.operator_overkill = detail::draw_rate(random, options.measured_operator_overkill, model.operator_overkill);
  model.check_detection = detail::draw_rate(random, options.measured_check_detection, model.check_detection);
  return model;
}

double prevalence_of(const DecisionOptions& options, const ScoreRuns& runs) {
  const double given = detail::prevalence_or(kFunction, options.prevalence, runs);
  const double prevalence = measured_or("measured_prevalence", options.measured_prevalence, given);
  if (!(prevalence > 0 && prevalence < 1)) {
    refuse(kFunction, "measured_prevalence must lie inside (0, 1); got ", options.measured_prevalence.events, " of ",
           options.measured_prevalence.trials);
  }
  return prevalence;
}

/// How many defects may be accepted so that max_escape holds.
std::size_t most_accepted(const DecisionOptions& options, std::size_t n_defect) {
  if (!options.max_escape) {
    return n_defect;
  }
  const double limit = *options.max_escape, confidence = options.escape_confidence;
  const auto certified = [&](std::size_t k) {
    return beta_cdf(limit, double(k), double(n_defect - k) + 1) >= confidence;
  };
  if (!certified(1)) {
    refuse(kFunction, "max_escape needs more defects; got ", n_defect, "; expected at least ",
           std::ceil(std::log1p(-confidence) / std::log1p(-limit)), " for ", limit, " at confidence ", confidence);
  }
  std::size_t low = 1, high = n_defect + 1;  // certified, not certified
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (certified(middle) ? low : high) = middle;
  }
  return low - 1;
}

/// Numbers of accepted, asked and rejected parts of both classes, as far as they count as independent.
struct Counts {
  PerAction defects, good;
};

Counts effective_counts(const OptimalThresholds& result, const ScoreRuns& runs, Cuts cuts,
                        const detail::PartGroups& groups, std::span<const std::uint8_t> labels) {
  const LineRates& rates = result.rates;
  double n_defect = double(runs.n_defect), n_good = double(runs.n_good);
  if (!groups.empty()) {
    std::vector<std::uint8_t> action_of_part(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      action_of_part[i] = runs.run_of[i] < cuts.reject ? 2 : runs.run_of[i] < cuts.ask ? 1 : 0;
    }
    n_defect /= detail::design_effect(groups, labels, 1, action_of_part);
    n_good /= detail::design_effect(groups, labels, 0, action_of_part);
  }
  const double rejected_defects = std::max(0.0, 1 - rates.accepted_defects - rates.asked_defects);
  const double accepted_good = std::max(0.0, 1 - rates.rejected_good - rates.asked_good);
  return {{n_defect * rates.accepted_defects, n_defect * rates.asked_defects, n_defect * rejected_defects},
          {n_good * accepted_good, n_good * rates.asked_good, n_good * rates.rejected_good}};
}

/// One part more in the action that costs most (sign 1) or least (-1) among those that thresholds can lead to.
PerAction with_one_more(PerAction counts, const ActionCosts& costs, Cuts cuts, double sign) {
  const PerAction cost{sign * costs.accept, sign * costs.ask, sign * costs.reject};
  std::size_t chosen = 0;  // any threshold lets some score pass
  if (cuts.reject < cuts.ask && cost[1] > cost[chosen]) {
    chosen = 1;
  }
  if (cuts.reject > 0 && cost[2] > cost[chosen]) {
    chosen = 2;
  }
  counts[chosen] += 1;
  return counts;
}

/// Linear interpolation between order statistics (Hyndman and Fan 1996, type 7).
double percentile(std::vector<double>& values, double p) {
  std::sort(values.begin(), values.end());
  const double at = p * double(values.size() - 1);
  const auto below = std::min(std::size_t(at), values.size() - 1);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - double(below)) * (values[above] - values[below]);
}

/// Costs of drawn rates, and the benefits that follow from them.
struct Draws {
  std::vector<double> cost, over_operator, over_accept_all;
  explicit Draws(std::size_t n) : cost(n), over_operator(n), over_accept_all(n) {}
};

void add_intervals(OptimalThresholds& result, const ScoreRuns& runs, Cuts cuts, std::span<const std::uint8_t> labels,
                   const detail::PartGroups& groups, const DecisionOptions& options) {
  const double prevalence = result.rates.prevalence;
  const ActionCosts of_defect = action_costs(result.model, 1), of_good = action_costs(result.model, 0);
  const Counts counts = effective_counts(result, runs, cuts, groups, labels);
  const detail::Resampler resampler(runs, labels, groups);
  std::vector<double> optimism(options.resamples);
  Draws high(options.resamples), low(options.resamples);
  thread_pool().parallel_for(0, std::int64_t(options.resamples), 1, [&](std::int64_t first, std::int64_t last) {
    std::vector<std::uint32_t> defects, good;
    for (auto r = std::size_t(first); r < std::size_t(last); ++r) {
      RandomStream parts(options.seed, "metrics.decisions.parts", r);
      resampler.draw(parts, defects, good);
      const Cuts own =
          detail::cheapest_cuts(defects, good, result.model, prevalence, options.actions, result.most_accepted_defects);
      const LineCost in_sample = line_cost(result.model, detail::rates_of(runs.defects, runs.good, own, prevalence));
      optimism[r] = in_sample.total - line_cost(result.model, detail::rates_of(defects, good, own, prevalence)).total;

      RandomStream random(options.seed, "metrics.decisions.rates", r);
      const double share = detail::draw_rate(random, options.measured_prevalence, prevalence);
      const CostModel model = drawn_model(random, result.model, options);
      const BaselineCosts baselines = baseline_costs(model, share);
      for (const double sign : {1.0, -1.0}) {
        const PerAction d = detail::draw_shares(random, with_one_more(counts.defects, of_defect, cuts, sign));
        const PerAction g = detail::draw_shares(random, with_one_more(counts.good, of_good, cuts, sign));
        Draws& draws = sign > 0 ? high : low;
        draws.cost[r] = line_cost(model, {share, d[0], d[1], g[2], g[1]}).total;
        draws.over_operator[r] = baselines.operator_only - draws.cost[r];
        draws.over_accept_all[r] = baselines.accept_all - draws.cost[r];
      }
    }
  });
  result.optimism = 0;
  for (const double one : optimism) {
    result.optimism += one / double(options.resamples);
  }
  const double tail = (1 - options.confidence) / 2, shift = std::max(0.0, result.optimism);
  result.cost.corrected = result.cost.value + result.optimism;
  result.cost.low = percentile(low.cost, tail);
  result.cost.high = percentile(high.cost, 1 - tail) + shift;
  const auto finish = [&](CostEstimate& benefit, std::vector<double>& least, std::vector<double>& most) {
    benefit.corrected = benefit.value - result.optimism;
    benefit.low = percentile(least, tail) - shift;
    benefit.high = percentile(most, 1 - tail);
  };
  finish(result.benefit_over_operator, high.over_operator, low.over_operator);
  finish(result.benefit_over_accept_all, high.over_accept_all, low.over_accept_all);
}

}  // namespace

OptimalThresholds optimal_thresholds(Values scores, std::span<const std::uint8_t> labels, const CostModel& model,
                                     const DecisionOptions& options, std::span<const std::int64_t> groups) {
  detail::require_cost_model(kFunction, model);
  require_options(options, !groups.empty());
  const ScoreRuns by_score = detail::score_runs(kFunction, scores, labels), runs = detail::with_good_merged(by_score);
  const double prevalence = prevalence_of(options, runs);
  OptimalThresholds result;
  result.model = with_measured_rates(model, options);
  detail::require_right_way_round(kFunction, result.model);
  const detail::PartGroups drawn_together =
      groups.empty() ? detail::PartGroups{} : detail::part_groups(kFunction, labels, groups);

  result.n_defect = runs.n_defect;
  result.n_good = runs.n_good;
  result.groups = drawn_together.with_defect.size() + drawn_together.without.size();
  result.resamples = options.resamples;
  result.most_accepted_defects = most_accepted(options, runs.n_defect);
  const Cuts cuts = detail::cheapest_cuts(runs.defects, runs.good, result.model, prevalence, options.actions,
                                          result.most_accepted_defects);
  result.thresholds = detail::thresholds_at(runs, cuts);
  result.rates = detail::rates_of(runs.defects, runs.good, cuts, prevalence);
  result.line = line_cost(result.model, result.rates);
  result.baselines = baseline_costs(result.model, prevalence);
  const double cost = result.line.total;
  result.cost = {cost, kNaN, kNaN, kNaN};
  result.benefit_over_operator = {result.baselines.operator_only - cost, kNaN, kNaN, kNaN};
  result.benefit_over_accept_all = {result.baselines.accept_all - cost, kNaN, kNaN, kNaN};
  result.lower_interval = result.upper_interval = {kNaN, kNaN};
  result.optimism = kNaN;
  if (options.resamples == 0) {
    return result;
  }
  if (groups.empty()) {
    const ProbabilityThresholds at = probability_thresholds(result.model);
    const bool ask = options.actions == Actions::three_way;
    const auto interval = [&](double probability) {
      return detail::threshold_interval(by_score, std::min(probability, 1.0), prevalence, options.confidence);
    };
    result.lower_interval = interval(ask ? at.ask : at.two_way);
    result.upper_interval = ask && at.ask_pays ? interval(at.reject) : result.lower_interval;
  }
  add_intervals(result, runs, cuts, labels, drawn_together, options);
  return result;
}

}  // namespace oddity::metrics
