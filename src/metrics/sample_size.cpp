#include "oddity/metrics/sample_size.h"

#include <algorithm>
#include <cmath>

#include "metrics/check.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr std::uint64_t kMostParts = 1'000'000'000'000;

/// Smallest n in [low, kMostParts] for which `holds`, which is false and then true.
template <class Holds>
std::uint64_t smallest(const char* function, std::uint64_t low, Holds holds) {
  std::uint64_t high = std::max<std::uint64_t>(low, 1);
  while (!holds(high)) {
    if (high >= kMostParts) {
      refuse(function, "more than 10^12 parts are needed");
    }
    low = high + 1;
    high = std::min(2 * high, kMostParts);
  }
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (holds(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::uint64_t parts_at_least(const char* function, double bound, double confidence, std::uint64_t errors_allowed,
                             std::uint64_t low) {
  const double alpha = (1 - confidence) * (1 + 1e-12);  // equality, as of 1/2 and 1/2, must not depend on rounding
  return smallest(function, std::max(low, errors_allowed + 1),
                  [&](std::uint64_t n) { return binomial_cdf(errors_allowed, n, bound) <= alpha; });
}

}  // namespace

std::uint64_t parts_for_bound(double bound, double confidence, std::uint64_t errors_allowed) {
  constexpr const char* function = "parts_for_bound";
  detail::require_open_unit(function, "bound", bound);
  detail::require_open_unit(function, "confidence", confidence);
  if (errors_allowed >= kMostParts) {
    refuse(function, "errors_allowed is out of range; got ", errors_allowed, "; expected below 10^12");
  }
  return parts_at_least(function, bound, confidence, errors_allowed, 1);
}

AcceptancePlan acceptance_plan(double bound, double rate, double confidence, double power) {
  constexpr const char* function = "acceptance_plan";
  detail::require_open_unit(function, "bound", bound);
  detail::require_open_unit(function, "rate", rate);
  detail::require_open_unit(function, "confidence", confidence);
  detail::require_open_unit(function, "power", power);
  if (rate >= bound) {
    refuse(function, "rate must be below bound; got ", rate, " and ", bound);
  }
  const auto plan_with = [&](std::uint64_t errors, std::uint64_t least_parts) {
    const std::uint64_t parts = parts_at_least(function, bound, confidence, errors, least_parts);
    return AcceptancePlan{parts, errors, 1 - binomial_cdf(errors, parts, bound), binomial_cdf(errors, parts, rate)};
  };
  // Were parts a real number, just enough for the confidence, power would rise with the allowed errors. It is between
  // those of this plan and of one part fewer: where even the latter is too small, all plans with fewer errors fail.
  const auto hopeless = [&](const AcceptancePlan& plan) {
    return binomial_cdf(plan.errors_allowed, plan.parts - 1, rate) < power;
  };
  AcceptancePlan plan = plan_with(0, 1);
  std::uint64_t first = 0, least_parts = 1;  // of the errors that are not known to be too few
  while (plan.power < power) {
    if (hopeless(plan)) {
      first = plan.errors_allowed + 1;
      least_parts = plan.parts;
    }
    plan = plan_with(2 * plan.errors_allowed + 1, plan.parts);
  }
  while (plan.errors_allowed > first) {
    const AcceptancePlan middle = plan_with(first + (plan.errors_allowed - first) / 2, least_parts);
    if (middle.power >= power) {
      plan = middle;
    } else if (hopeless(middle)) {
      first = middle.errors_allowed + 1;
      least_parts = middle.parts;
    } else {
      break;  // rounding to whole parts decides: one by one
    }
  }
  for (; first < plan.errors_allowed; ++first) {
    const AcceptancePlan next = plan_with(first, least_parts);
    if (next.power >= power) {
      return next;
    }
  }
  return plan;
}

std::uint64_t parts_for_width(double share, double width, double confidence) {
  constexpr const char* function = "parts_for_width";
  if (!(share > 0 && share <= 0.5)) {
    refuse(function, "share is out of range; got ", share, "; expected a value in (0, 0.5]");
  }
  detail::require_open_unit(function, "width", width);
  detail::require_open_unit(function, "confidence", confidence);
  const double tail = (1 - confidence) / 2;
  return smallest(function, 1, [&](std::uint64_t n) {
    const double errors = share * double(n), good = double(n) - errors;
    return beta_quantile_complement(tail, good, errors + 1) - beta_quantile(tail, errors, good + 1) <= width;
  });
}

}  // namespace oddity::metrics
