#include "oddity/metrics/ranking_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/random.h"
#include "core/threads.h"
#include "metrics/bootstrap_interval.h"
#include "metrics/check.h"
#include "metrics/draws.h"
#include "metrics/placements.h"
#include "metrics/resampled_ranking.h"
#include "metrics/units.h"

namespace oddity::metrics {
namespace {

using detail::Counts;
using detail::Indices;
using detail::RankingEvaluator;
using detail::refuse;
using detail::SortedClasses;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// One ranking or two of the same samples.
struct Models {
  SortedClasses a, b;
  bool paired = false;
  Indices good_place, defect_place;  ///< of each sample in the order of b, its place in the order of a
};

/// What is drawn. Without groups a unit is a sample, by its place in the order of a, good ones first; groups without
/// defects come first.
struct Plan {
  std::size_t n = 0, units = 0;
  bool grouped = false;
  Indices good_unit, defect_unit;  ///< of each sample in the order of a; with groups only
  std::size_t clean_units = 0;     ///< without defects
  std::size_t good_units = 0;      ///< with good samples
  double largest_unit = 1;         ///< in samples
};

Models models_of(Values a, const Values* b, std::span<const std::uint8_t> labels) {
  const auto sort = [&](Values scores) {
    return scores.visit([&](auto span) { return detail::sort_classes(span, labels); });
  };
  Models models;
  models.a = sort(a);
  models.paired = b != nullptr;
  if (models.paired) {
    models.b = sort(*b);
    Indices place_of(labels.size());
    const auto places = [&](const Indices& order_a, const Indices& order_b) {
      for (std::size_t i = 0; i < order_a.size(); ++i) {
        place_of[order_a[i]] = std::uint32_t(i);
      }
      Indices result(order_b.size());
      std::transform(order_b.begin(), order_b.end(), result.begin(), [&](std::uint32_t i) { return place_of[i]; });
      return result;
    };
    models.good_place = places(models.a.good, models.b.good);
    models.defect_place = places(models.a.defect, models.b.defect);
  }
  return models;
}

Plan plan_of(const char* function, const SortedClasses& sorted, std::span<const std::uint8_t> labels,
             std::span<const std::int64_t> groups) {
  Plan plan;
  plan.n = plan.units = labels.size();
  plan.clean_units = plan.good_units = sorted.good.size();
  plan.grouped = !groups.empty();
  if (!plan.grouped) {
    return plan;
  }
  const detail::Units units = detail::units_of(function, groups, plan.n);
  plan.units = units.count;
  std::vector<std::uint8_t> has_defect(units.count, 0), has_good(units.count, 0);
  std::vector<std::size_t> sizes(units.count, 0);
  for (std::size_t i = 0; i < plan.n; ++i) {
    (labels[i] != 0 ? has_defect : has_good)[units.of_sample[i]] = 1;
    ++sizes[units.of_sample[i]];
  }
  plan.largest_unit = double(*std::max_element(sizes.begin(), sizes.end()));
  plan.clean_units = std::size_t(std::count(has_defect.begin(), has_defect.end(), std::uint8_t(0)));
  plan.good_units = std::size_t(std::count(has_good.begin(), has_good.end(), std::uint8_t(1)));
  Indices place(units.count);
  std::uint32_t next[2] = {0, std::uint32_t(plan.clean_units)};
  for (std::size_t unit = 0; unit < units.count; ++unit) {
    place[unit] = next[has_defect[unit]]++;
  }
  const auto units_in = [&](const Indices& order) {
    Indices result(order.size());
    std::transform(order.begin(), order.end(), result.begin(),
                   [&](std::uint32_t i) { return place[units.of_sample[i]]; });
    return result;
  };
  plan.good_unit = units_in(sorted.good);
  plan.defect_unit = units_in(sorted.defect);
  return plan;
}

void gather(const Counts& from, const Indices& places, Counts& to) {
  to.resize(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    to[i] = from[places[i]];
  }
}

/// The statistic, or its difference, of units that count so many times; with memory that is used again.
template <class Count>
class Evaluation {
public:
  Evaluation(const Plan& plan, const Models& models, const RankingBootstrapOptions& options)
      : plan_(plan), models_(models), options_(options) {}

  double operator()(const Counts& units) {
    if (plan_.grouped) {
      gather(units, plan_.good_unit, good_);
      gather(units, plan_.defect_unit, defect_);
    } else {
      const auto middle = units.begin() + std::ptrdiff_t(plan_.clean_units);
      good_.assign(units.begin(), middle);
      defect_.assign(middle, units.end());
    }
    const double of_a = evaluator_(options_.statistic, options_.at, models_.a, good_, defect_);
    if (!models_.paired) {
      return of_a;
    }
    gather(good_, models_.good_place, good_of_b_);
    gather(defect_, models_.defect_place, defect_of_b_);
    return of_a - evaluator_(options_.statistic, options_.at, models_.b, good_of_b_, defect_of_b_);
  }

private:
  const Plan& plan_;
  const Models& models_;
  const RankingBootstrapOptions& options_;
  RankingEvaluator<Count> evaluator_;
  Counts good_, defect_, good_of_b_, defect_of_b_;
};

/// Adds `sign` times the AUROC without each sample, from its DeLong component (the share of the other class that it
/// beats), whose mean over a class is AUROC. `place(i)` and its like give the unit of the i-th sample of a class.
template <class GoodUnit, class DefectUnit>
void add_auroc_without(const SortedClasses& sorted, double sign, GoodUnit good_unit, DefectUnit defect_unit,
                       std::vector<double>& values) {
  const std::size_t n = sorted.good.size(), m = sorted.defect.size();
  std::vector<double> good(n), defect(m);
  double auroc = 0;
  for (std::size_t j = 0; j < m; ++j) {
    defect[j] = 1 - (double(sorted.good_above[j]) + double(sorted.good_not_below[j])) / (2 * double(n));
    auroc += defect[j] / double(m);
  }
  for (std::size_t i = 0, above = 0, not_below = 0; i < n; ++i) {
    while (above < m && sorted.good_not_below[above] <= i) {
      ++above;
    }
    while (not_below < m && sorted.good_above[not_below] <= i) {
      ++not_below;
    }
    good[i] = (double(above) + double(not_below)) / (2 * double(m));
  }
  // A class of one sample leaves none: NaN.
  for (std::size_t i = 0; i < n; ++i) {
    values[good_unit(i)] += sign * (n > 1 ? auroc + (auroc - good[i]) / double(n - 1) : kNone);
  }
  for (std::size_t j = 0; j < m; ++j) {
    values[defect_unit(j)] += sign * (m > 1 ? auroc + (auroc - defect[j]) / double(m - 1) : kNone);
  }
}

/// The value without each unit; NaN where a class is then empty.
template <class Count>
std::vector<double> leave_one_out(const char* function, const Plan& plan, const Models& models,
                                  const RankingBootstrapOptions& options) {
  std::vector<double> values(plan.units, 0.0);
  if (options.statistic == RankingStatistic::auroc && !plan.grouped) {
    const auto identity = [](std::size_t i) { return i; };
    const std::size_t good = plan.clean_units;
    add_auroc_without(
        models.a, 1, identity, [&](std::size_t j) { return good + j; }, values);
    if (models.paired) {
      add_auroc_without(
          models.b, -1, [&](std::size_t i) { return models.good_place[i]; },
          [&](std::size_t j) { return good + models.defect_place[j]; }, values);
    }
    return values;
  }
  if (double(plan.units) * double(plan.n) > 1e12) {
    refuse(function, "method bca needs one evaluation for each unit; got ", plan.units, " units of ", plan.n,
           " samples; expected a product of at most 10^12, or method percentile");
  }
  thread_pool().parallel_for(0, std::int64_t(plan.units), 16, [&](std::int64_t first, std::int64_t last) {
    Evaluation<Count> evaluation(plan, models, options);
    Counts units(plan.units, 1);
    for (auto u = std::size_t(first); u < std::size_t(last); ++u) {
      units[u] = 0;
      values[u] = evaluation(units);
      units[u] = 1;
    }
  });
  return values;
}

template <class Count>
BootstrapResult run(const char* function, const Plan& plan, const Models& models,
                    const RankingBootstrapOptions& options) {
  BootstrapResult result;
  result.n = plan.n;
  result.units = plan.units;
  result.value = Evaluation<Count>(plan, models, options)(Counts(plan.units, 1));
  result.resampled.resize(options.resamples);
  const std::size_t first_stratum = options.stratified ? plan.clean_units : 0;
  thread_pool().parallel_for(0, std::int64_t(options.resamples), 8, [&](std::int64_t first, std::int64_t last) {
    Evaluation<Count> evaluation(plan, models, options);
    Counts units(plan.units);
    for (std::int64_t r = first; r < last; ++r) {
      RandomStream random(options.seed, "metrics.ranking_bootstrap", std::uint64_t(r));
      double value = kNone;
      while (std::isnan(value)) {  // without a good or a defect sample: draw again
        std::fill(units.begin(), units.end(), std::uint8_t(0));
        detail::draw_with_replacement(random, std::span(units).first(first_stratum));
        detail::draw_with_replacement(random, std::span(units).subspan(first_stratum));
        value = evaluation(units);
      }
      result.resampled[std::size_t(r)] = value;
    }
  });
  if (options.method == BootstrapMethod::bca) {
    const std::vector<double> values = leave_one_out<Count>(function, plan, models, options);
    std::vector<std::uint32_t> strata(plan.units, 0);
    std::fill(strata.begin() + std::ptrdiff_t(first_stratum), strata.end(), 1U);
    for (std::size_t u = 0; u < plan.units; ++u) {
      const std::size_t size = u < first_stratum ? first_stratum : plan.units - first_stratum;
      if (std::isnan(values[u]) && size > 1) {
        refuse(function,
               "method bca needs good and defect samples also without any one unit; expected method percentile");
      }
    }
    result.acceleration = detail::acceleration(values, strata);
  }
  detail::conclude(result, options.method, options.confidence);
  // The only unit with samples of a class is the same in every resample, or decides alone.
  if (plan.units - plan.clean_units < 2 || plan.good_units < 2) {
    result.low = result.high = kNone;
  }
  return result;
}

BootstrapResult bootstrap(const char* function, Values a, const Values* b, std::span<const std::uint8_t> labels,
                          const RankingBootstrapOptions& options) {
  if (options.resamples == 0) {
    refuse(function, "resamples must be at least 1; got 0");
  }
  detail::require_open_unit(function, "confidence", options.confidence);
  if (options.statistic == RankingStatistic::true_positive_rate_at ||
      options.statistic == RankingStatistic::false_positive_rate_at) {
    detail::require_unit(function, "at", options.at);
    if (options.method == BootstrapMethod::bca) {
      refuse(function, "method bca is not for rates at a threshold, which are quantiles; expected percentile");
    }
  }
  const char* name = b == nullptr ? "scores" : "a";
  if (b != nullptr) {
    detail::require_same_length(function, "a", a.size(), "b", b->size());
    detail::require_finite(function, "b", *b);
  }
  detail::require_two_classes(function, name, a.size(), labels);
  detail::require_indexable(function, name, a.size());
  detail::require_finite(function, name, a);
  const Models models = models_of(a, b, labels);
  const Plan plan = plan_of(function, models.a, labels, options.groups);
  const bool narrow = plan.largest_unit * double(plan.units) < 4294967295.0;  // samples of a resample at most
  return narrow ? run<std::uint32_t>(function, plan, models, options)
                : run<std::uint64_t>(function, plan, models, options);
}

}  // namespace

BootstrapResult bootstrap_ranking(Values scores, std::span<const std::uint8_t> labels,
                                  const RankingBootstrapOptions& options) {
  return bootstrap("bootstrap_ranking", scores, nullptr, labels, options);
}

BootstrapResult bootstrap_ranking_difference(Values a, Values b, std::span<const std::uint8_t> labels,
                                             const RankingBootstrapOptions& options) {
  return bootstrap("bootstrap_ranking_difference", a, &b, labels, options);
}

}  // namespace oddity::metrics
