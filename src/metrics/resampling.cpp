#include "oddity/metrics/resampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "core/random.h"
#include "core/threads.h"
#include "metrics/bootstrap_interval.h"
#include "metrics/check.h"
#include "metrics/draws.h"
#include "metrics/order.h"
#include "metrics/units.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// Units side by side with those of their stratum.
struct Plan {
  detail::Units units;
  std::vector<std::uint32_t> stratum_of_unit;
  std::vector<std::uint32_t> place;      ///< of each unit among the counts that are drawn
  std::vector<std::size_t> stratum_end;  ///< in those counts
};

Plan plan_of(const char* function, std::size_t n, const ResamplingOptions& options) {
  if (n == 0) {
    refuse(function, "n must be at least 1; got 0");
  }
  detail::require_indexable(function, "samples", n);
  if (options.resamples == 0) {
    refuse(function, "resamples must be at least 1; got 0");
  }
  detail::require_open_unit(function, "confidence", options.confidence);
  Plan plan;
  plan.units = detail::units_of(function, options.groups, n);
  plan.stratum_of_unit.assign(plan.units.count, 0);
  if (!options.strata.empty()) {
    if (options.strata.size() != n) {
      refuse(function, "strata must be one for each sample; got ", options.strata.size(), " for ", n, " samples");
    }
    const detail::Units strata = detail::units_of(function, options.strata, n);
    std::vector<std::uint8_t> seen(plan.units.count, 0);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t unit = plan.units.of_sample[i];
      if (seen[unit] != 0 && plan.stratum_of_unit[unit] != strata.of_sample[i]) {
        refuse(function, "groups must lie in one stratum; got group ", options.groups[i], " in several");
      }
      seen[unit] = 1;
      plan.stratum_of_unit[unit] = strata.of_sample[i];
    }
    plan.stratum_end.assign(strata.count, 0);
  } else {
    plan.stratum_end.assign(1, 0);
  }
  for (const std::uint32_t stratum : plan.stratum_of_unit) {
    ++plan.stratum_end[stratum];
  }
  std::vector<std::size_t> next(plan.stratum_end.size(), 0);
  std::exclusive_scan(plan.stratum_end.begin(), plan.stratum_end.end(), next.begin(), std::size_t(0));
  plan.stratum_end = next;
  plan.place.resize(plan.units.count);
  for (std::size_t unit = 0; unit < plan.units.count; ++unit) {
    plan.place[unit] = std::uint32_t(plan.stratum_end[plan.stratum_of_unit[unit]]++);
  }
  return plan;
}

/// `evaluate(count_of_unit)` is the statistic when unit u is there count_of_unit[u] times.
template <class Evaluate>
BootstrapResult run(const char* function, std::size_t n, const Plan& plan, const ResamplingOptions& options,
                    Evaluate evaluate) {
  const std::size_t units = plan.units.count;
  constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  const auto value_of = [&](const std::vector<std::uint32_t>& counts, const char* of, std::size_t index) {
    const double value = evaluate(counts);
    if (!std::isfinite(value)) {
      refuse(function, "statistic must be finite; got ", detail::name_of_special(value), " for ", of,
             index == none ? std::string() : std::string(" ").append(std::to_string(index)),
             options.strata.empty() ? "; strata keep every class in a resample" : "");
    }
    return value;
  };
  const auto each = [&](std::size_t count, auto work) {
    if (options.parallel) {
      thread_pool().parallel_for(0, std::int64_t(count), 4, work);
    } else {
      work(0, std::int64_t(count));
    }
  };
  BootstrapResult result;
  result.n = n;
  result.units = units;
  result.value = value_of(std::vector<std::uint32_t>(units, 1), "the samples themselves", none);
  result.resampled.resize(options.resamples);
  each(options.resamples, [&](std::int64_t first, std::int64_t last) {
    std::vector<std::uint32_t> drawn(units), counts(units);
    for (std::int64_t r = first; r < last; ++r) {
      RandomStream random(options.seed, "metrics.resampling", std::uint64_t(r));
      std::fill(drawn.begin(), drawn.end(), 0U);
      std::size_t begin = 0;
      for (const std::size_t end : plan.stratum_end) {
        detail::draw_with_replacement(random, std::span(drawn).subspan(begin, end - begin));
        begin = end;
      }
      for (std::size_t unit = 0; unit < units; ++unit) {
        counts[unit] = drawn[plan.place[unit]];
      }
      result.resampled[std::size_t(r)] = value_of(counts, "resample", std::size_t(r));
    }
  });
  if (options.method == BootstrapMethod::bca) {
    std::vector<std::size_t> left(plan.stratum_end);  // sizes of strata
    std::adjacent_difference(left.begin(), left.end(), left.begin());
    std::vector<double> leave_one_out(units, result.value);
    each(units, [&](std::int64_t first, std::int64_t last) {
      std::vector<std::uint32_t> counts(units, 1);
      for (auto unit = std::size_t(first); unit < std::size_t(last); ++unit) {
        if (left[plan.stratum_of_unit[unit]] > 1) {
          counts[unit] = 0;
          leave_one_out[unit] = value_of(counts, "the samples without unit", unit);
          counts[unit] = 1;
        }
      }
    });
    result.acceleration = detail::acceleration(leave_one_out, plan.stratum_of_unit);
  }
  detail::conclude(result, options.method, options.confidence);
  return result;
}

}  // namespace

BootstrapResult bootstrap(std::size_t n, const IndexStatistic& statistic, const ResamplingOptions& options) {
  constexpr const char* function = "bootstrap";
  const Plan plan = plan_of(function, n, options);
  return run(function, n, plan, options, [&](const std::vector<std::uint32_t>& counts) {
    std::vector<std::int64_t> drawn;
    drawn.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      drawn.insert(drawn.end(), counts[plan.units.of_sample[i]], std::int64_t(i));
    }
    return statistic(drawn);
  });
}

BootstrapResult bootstrap_weighted(std::size_t n, const WeightStatistic& statistic, const ResamplingOptions& options) {
  constexpr const char* function = "bootstrap_weighted";
  const Plan plan = plan_of(function, n, options);
  return run(function, n, plan, options, [&](const std::vector<std::uint32_t>& counts) {
    std::vector<double> weights(n);
    for (std::size_t i = 0; i < n; ++i) {
      weights[i] = double(counts[plan.units.of_sample[i]]);
    }
    return statistic(weights);
  });
}

}  // namespace oddity::metrics
