#include "oddity/metrics/verification.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/check.h"
#include "metrics/compensated_sum.h"
#include "metrics/weighted_counts.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using detail::CompensatedSum;
using detail::refuse;
using detail::WeightedCounts;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void require_flags(const char* function, const char* name, std::span<const std::uint8_t> flags, std::size_t n) {
  detail::require_same_length(function, name, flags.size(), "probabilities", n);
  for (std::size_t i = 0; i < n; ++i) {
    if (flags[i] > 1) {
      refuse(function, name, " must be 0 or 1; got ", int(flags[i]), " at index ", i);
    }
  }
}

VerifiedRate share_of(const WeightedCounts& a, const WeightedCounts& b, double miss) {
  const double all = a.value() + b.value();
  return {all > 0 ? a.value() / all : kNaN, detail::share_lower(a, b, miss), detail::share_upper(a, b, miss)};
}

VerifiedRate over(const WeightedCounts& counts, std::size_t parts, double miss) {
  if (parts == 0) {
    return {kNaN, 0, 1};
  }
  const double n = double(parts);
  return {std::min(1.0, counts.value() / n), std::min(1.0, counts.lower(miss) / n),
          std::min(1.0, counts.upper(miss) / n)};
}

}  // namespace

VerificationDesign verification_design(Values defect_probabilities, double budget, const VerificationOptions& options) {
  constexpr const char* function = "verification_design";
  const std::size_t n = defect_probabilities.size();
  detail::require_not_empty(function, "defect_probabilities", n);
  if (!(options.floor > 0 && options.floor <= 1)) {
    refuse(function, "floor is out of range; got ", options.floor, "; expected a value in (0, 1]");
  }
  if (!options.costs.empty()) {
    detail::require_same_length(function, "costs", options.costs.size(), "defect_probabilities", n);
  }
  const auto cost_of = [&](std::size_t i) { return options.costs.empty() ? 1.0 : options.costs[i]; };
  std::vector<double> wish(n);  // the probabilities up to a factor
  CompensatedSum all;
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double eta = defect_probabilities[i], cost = cost_of(i);
    if (!(eta >= 0 && eta <= 1)) {
      refuse(function, "defect_probabilities must be in [0, 1]; got ", eta, " at index ", i);
    }
    if (!(cost >= 1e-100 && cost <= 1e100)) {  // sums of larger ones would overflow
      refuse(function, "costs must be in [1e-100, 1e100]; got ", cost, " at index ", i);
    }
    wish[i] = std::sqrt(eta / cost);
    largest = std::max(largest, wish[i]);
    all.add(cost);
  }
  const double everything = all.value();
  if (!(budget >= options.floor * everything * (1 - 1e-12) && budget <= everything * (1 + 1e-12))) {
    refuse(function, "budget is out of range; got ", budget, "; expected ", options.floor * everything, " to ",
           everything, " for ", n, " parts at floor ", options.floor);
  }
  // Parts that are surely good have no wish: they share what is left when all others are verified.
  const auto spent = [&](double factor) {
    CompensatedSum sum;
    for (std::size_t i = 0; i < n; ++i) {
      sum.add(cost_of(i) * std::clamp(factor * wish[i], options.floor, 1.0));
    }
    return sum.value();
  };
  double smallest = largest;
  CompensatedSum wishless;
  for (std::size_t i = 0; i < n; ++i) {
    if (wish[i] > 0) {
      smallest = std::min(smallest, wish[i]);
    } else {
      wishless.add(cost_of(i));
    }
  }
  double low = largest > 0 ? options.floor / largest : 0;  // everything at the floor
  double high = largest > 0 ? 1 / smallest : 0;            // every wish at 1
  double least = options.floor;
  const double most = spent(high);
  if (most <= budget) {
    low = high;
    least = wishless.value() > 0 ? std::min(1.0, options.floor + (budget - most) / wishless.value()) : options.floor;
  }
  for (int step = 0; step < 200 && high - low > 1e-15 * high; ++step) {
    const double middle = std::sqrt(low) * std::sqrt(high);
    (spent(middle) <= budget ? low : high) = middle;
  }
  VerificationDesign design;
  design.probabilities.resize(n);
  CompensatedSum parts, variance, even_variance;
  const double even = std::min(1.0, budget / everything);
  for (std::size_t i = 0; i < n; ++i) {
    const double rho = wish[i] > 0 ? std::clamp(low * wish[i], options.floor, 1.0) : least;
    design.probabilities[i] = rho;
    parts.add(rho);
    variance.add(defect_probabilities[i] * (1 / rho - 1));
    even_variance.add(defect_probabilities[i] * (1 / even - 1));
  }
  design.expected_parts = parts.value();
  design.relative_variance = even_variance.value() > 0 ? variance.value() / even_variance.value()
                             : largest > 0             ? 1
                                                       : kNaN;
  return design;
}

VerifiedQuality verified_quality(Values probabilities, std::span<const std::uint8_t> accepted,
                                 std::span<const std::uint8_t> verified, std::span<const std::uint8_t> defective,
                                 double confidence) {
  constexpr const char* function = "verified_quality";
  const std::size_t n = probabilities.size();
  detail::require_not_empty(function, "probabilities", n);
  detail::require_open_unit(function, "confidence", confidence);
  require_flags(function, "accepted", accepted, n);
  require_flags(function, "verified", verified, n);
  detail::require_same_length(function, "defective", defective.size(), "probabilities", n);
  VerifiedQuality result;
  WeightedCounts escapes, caught, overkill, defects;
  CompensatedSum expected;
  probabilities.visit([&](auto span) {
    for (std::size_t i = 0; i < n; ++i) {
      const double rho = double(span[i]);
      if (!(rho >= 1e-100 && rho <= 1)) {  // squares of larger weights would overflow
        refuse(function, "probabilities must be in [1e-100, 1]; got ", rho, " at index ", i,
               "; what cannot be verified cannot be known");
      }
      if (verified[i] != 0 && defective[i] > 1) {
        refuse(function, "defective must be 0 or 1; got ", int(defective[i]), " at index ", i);
      }
      expected.add(rho);
      const bool counts = verified[i] != 0, defect = counts && defective[i] != 0;
      const double weight = 1 / rho;
      defects.add(weight, defect);
      if (accepted[i] != 0) {
        ++result.accepted;
        result.verified_accepted += counts;
        result.verified_escapes += defect;
        escapes.add(weight, defect);
      } else {
        ++result.rejected;
        result.verified_rejected += counts;
        caught.add(weight, defect);
        overkill.add(weight, counts && !defect);
      }
    }
  });
  result.expected_verified = expected.value();
  const double miss = (1 - confidence) / 2;
  result.escapes = {escapes.value(), escapes.lower(miss), escapes.upper(miss)};
  result.escape_share = over(escapes, result.accepted, miss);
  result.prevalence = over(defects, n, miss);
  // A part of a decision that was never made would weigh at least 1.
  escapes.add(1, 0);
  caught.add(1, 0);
  overkill.add(1, 0);
  result.escape_rate = share_of(escapes, caught, miss);
  // Accepted parts that are not escapes are good and counted one by one; only their few escapes are estimated.
  WeightedCounts accepted_good;
  accepted_good.add(1, std::max(0.0, double(result.accepted) - result.escapes.value));
  result.overkill_rate = share_of(overkill, accepted_good, miss);
  return result;
}

VerificationPlan verification_plan(double limit, double expected, std::uint64_t accepted, double confidence,
                                   double power) {
  constexpr const char* function = "verification_plan";
  detail::require_open_unit(function, "limit", limit);
  detail::require_open_unit(function, "confidence", confidence);
  detail::require_open_unit(function, "power", power);
  if (!(expected >= 0 && expected < limit)) {
    refuse(function, "expected is out of range; got ", expected, "; expected a value in [0, limit) with limit ", limit);
  }
  if (accepted == 0) {
    refuse(function, "accepted must be at least 1; got 0");
  }
  // P(Binomial(n, p) <= k) = P(Beta(n - k, k + 1) <= 1 - p), falling in n and p.
  const auto at_most = [](double k, double n, double p) { return n <= k ? 1 : beta_cdf(1 - p, n - k, k + 1); };
  double n = 0;
  for (std::uint64_t k = 0; k <= 10000; ++k) {
    // Fewest parts with which k escapes still show the limit: more than for k - 1, by about 1 / limit.
    double low = n, high = std::max(2 * n, std::ceil(8 / limit));  // at low the claim is not reached
    while (at_most(double(k), high, limit) > 1 - confidence) {
      low = high;
      high *= 2;
      if (high > 1e15) {
        refuse(function, "limit needs more than 10^15 parts; got ", limit);
      }
    }
    while (high - low > 1) {
      const double middle = std::floor(0.5 * (low + high));
      (at_most(double(k), middle, limit) > 1 - confidence ? low : high) = middle;
    }
    n = high;
    const double reached = at_most(double(k), n, expected);
    if (reached >= power) {
      return {std::uint64_t(n), k, reached, n / double(accepted)};
    }
  }
  refuse(function, "expected is too close to limit; got ", expected, " and ", limit,
         "; over 10000 escapes would have to be allowed");
}

}  // namespace oddity::metrics
