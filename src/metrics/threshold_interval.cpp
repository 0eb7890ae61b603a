#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "metrics/check.h"
#include "metrics/score_runs.h"
#include "oddity/metrics/decision_thresholds.h"

namespace oddity::metrics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Quantiles of D, the limit law of the likelihood ratio statistic. From 10^6 draws of its Gaussian form at two step
/// widths, extrapolated to width 0, to about 0.5 %; Banerjee and Wellner (2001, table 2) have 2.26916 at 95 %.
struct Quantile {
  double level, value;
};
constexpr std::array<Quantile, 11> kQuantiles{{{0.5, 0.282},
                                               {0.6, 0.435},
                                               {0.7, 0.652},
                                               {0.8, 0.985},
                                               {0.85, 1.237},
                                               {0.9, 1.608},
                                               {0.95, 2.271},
                                               {0.975, 2.95},
                                               {0.99, 3.86},
                                               {0.995, 4.58},
                                               {0.999, 6.35}}};

/// Linear in -log(1 - level), in which the tail is about straight.
double statistic_quantile(double level) {
  std::size_t above = 1;
  while (above + 1 < kQuantiles.size() && kQuantiles[above].level < level) {
    ++above;
  }
  const Quantile &a = kQuantiles[above - 1], &b = kQuantiles[above];
  const double from = std::log1p(-a.level), to = std::log1p(-b.level);
  return a.value + (b.value - a.value) * (std::log1p(-level) - from) / (to - from);
}

/// Maximal log likelihoods of the first 0, 1, 2, ... runs, when the probability of an event ascends from run to run and
/// is at most `limit`: isotonic regression (pool adjacent violators), clipped. O(runs).
template <class Trials, class Events>
std::vector<double> likelihoods(std::size_t runs, Trials trials_of, Events events_of, double limit) {
  struct Pool {
    double trials, events, likelihood;
  };
  std::vector<Pool> pools;
  std::vector<double> result(runs + 1, 0.0);
  double sum = 0;
  for (std::size_t run = 0; run < runs; ++run) {
    Pool pool{trials_of(run), events_of(run), 0};
    while (!pools.empty() && pools.back().events * pool.trials >= pool.events * pools.back().trials) {
      pool.trials += pools.back().trials;
      pool.events += pools.back().events;
      sum -= pools.back().likelihood;
      pools.pop_back();
    }
    // No probability is 0 or 1 where an event says otherwise: sums of infinities would not come back.
    const double p = std::clamp(std::min(pool.events / pool.trials, limit), 1e-300, 1 - 1e-16),
                 rest = pool.trials - pool.events;
    pool.likelihood = (pool.events > 0 ? pool.events * std::log(p) : 0) + (rest > 0 ? rest * std::log1p(-p) : 0);
    sum += pool.likelihood;
    pools.push_back(pool);
    result[run + 1] = sum;
  }
  return result;
}

}  // namespace

namespace detail {

Interval threshold_interval(const ScoreRuns& runs, double probability, double prevalence, double confidence) {
  if (probability == 0 || probability == 1) {
    const double end = probability == 0 ? -kInfinity : kInfinity;
    return {end, end};
  }
  // The odds of a defect, at that probability, among parts drawn as the sample was.
  const double odds =
      probability / (1 - probability) * ((1 - prevalence) / prevalence) * (double(runs.n_defect) / double(runs.n_good));
  const std::size_t n = runs.defects.size();
  const auto parts = [&](std::size_t run) { return double(runs.defects[run]) + double(runs.good[run]); };
  const auto from_below = [&](double limit) {
    return likelihoods(
        n, [&](std::size_t i) { return parts(n - 1 - i); },
        [&](std::size_t i) { return double(runs.defects[n - 1 - i]); }, limit);
  };
  const double free = from_below(1).back();
  const std::vector<double> below = from_below(1 / (1 + 1 / odds));
  const std::vector<double> above = likelihoods(
      n, parts, [&](std::size_t run) { return double(runs.good[run]); }, 1 / (1 + odds));
  const double limit = statistic_quantile(confidence);
  Interval interval{kInfinity, -kInfinity};
  for (std::size_t cut = 0; cut <= n; ++cut) {
    if (2 * (free - above[cut] - below[n - cut]) <= limit) {
      interval.high = std::max(interval.high, cut == 0 ? kInfinity : runs.score[cut - 1]);
      interval.low = cut == n ? -kInfinity : runs.score[cut];
    }
  }
  return interval;
}

}  // namespace detail

Interval threshold_interval(Values scores, std::span<const std::uint8_t> labels, double probability,
                            std::optional<double> prevalence, double confidence) {
  constexpr const char* function = "threshold_interval";
  detail::require_unit(function, "probability", probability);
  detail::require_interval_confidence(function, confidence);
  const detail::ScoreRuns runs = detail::score_runs(function, scores, labels);
  return detail::threshold_interval(runs, probability, detail::prevalence_or(function, prevalence, runs), confidence);
}

namespace detail {

void require_interval_confidence(const char* function, double confidence) {
  if (!(confidence >= kQuantiles.front().level && confidence <= kQuantiles.back().level)) {
    refuse(function, "confidence is out of range; got ", confidence, "; expected a value in [",
           kQuantiles.front().level, ", ", kQuantiles.back().level, "]");
  }
}

}  // namespace detail

}  // namespace oddity::metrics
