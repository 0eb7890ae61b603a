#include "oddity/metrics/conformal.h"

#include <algorithm>
#include <cmath>

#include "metrics/check.h"
#include "oddity/metrics/conformal_quantile.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

__extension__ typedef unsigned __int128 Wide;

void require_sorted(const char* function, std::span<const double> calibration) {
  if (calibration.empty()) {
    refuse(function, "there are no calibration scores; expected at least one");
  }
  for (std::size_t i = 0; i < calibration.size(); ++i) {
    if (std::isnan(calibration[i])) {
      refuse(function, "calibration scores must not be NaN; got NaN at index ", i);
    }
    if (i > 0 && calibration[i] < calibration[i - 1]) {
      refuse(function, "calibration scores must ascend; got ", calibration[i - 1], " before ", calibration[i],
             " at index ", i);
    }
  }
}

double p_value(double score, std::span<const double> calibration) {
  const auto first = std::lower_bound(calibration.begin(), calibration.end(), score);
  return (1 + double(calibration.end() - first)) / (double(calibration.size()) + 1);
}

}  // namespace

double conformal_p_value(double score, std::span<const double> sorted_calibration) {
  constexpr const char* function = "conformal_p_value";
  if (std::isnan(score)) {
    refuse(function, "score must not be NaN");
  }
  if (sorted_calibration.empty()) {
    refuse(function, "there are no calibration scores; expected at least one");
  }
  // Cheap guards only: this runs once per image on the line. NaN sorts to an end in every usual sort.
  if (!(sorted_calibration.front() <= sorted_calibration.back())) {
    refuse(function, "calibration scores must ascend and hold no NaN; got ", sorted_calibration.front(), " ... ",
           sorted_calibration.back());
  }
  return p_value(score, sorted_calibration);
}

std::vector<double> conformal_p_values(std::span<const double> scores, std::span<const double> sorted_calibration) {
  constexpr const char* function = "conformal_p_values";
  require_sorted(function, sorted_calibration);
  std::vector<double> result;
  result.reserve(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) {
      refuse(function, "scores must not be NaN; got NaN at index ", i);
    }
    result.push_back(p_value(scores[i], sorted_calibration));
  }
  return result;
}

Fraction simplest_fraction(double value) {
  constexpr const char* function = "simplest_fraction";
  detail::require_open_unit(function, "value", value);
  // value = mantissa / 2^shift exactly. Below 2^-9 the power of two no longer fits beside the mantissa in 64 bits,
  // hence the wide integers; below 2^-73 not even there.
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  const auto mantissa = Wide(std::ldexp(fraction, 53));
  const int shift = 53 - exponent;
  if (shift > 126) {
    refuse(function, "value is too small for a fraction; got ", value);
  }
  Wide remainder_a = mantissa, remainder_b = Wide(1) << shift;
  Wide p0 = 1, q0 = 0, p1 = 0, q1 = 1;  // convergents of [0; a1, a2, ...], the 0 already taken
  constexpr Wide largest = Wide(1) << 62;
  while (remainder_a != 0) {
    const Wide term = remainder_b / remainder_a;
    const Wide rest = remainder_b % remainder_a;
    if (term > largest || q1 * term + q0 > largest) {
      break;
    }
    const Wide p2 = p1 * term + p0, q2 = q1 * term + q0;
    if (double(p2) / double(q2) == value) {
      return {std::uint64_t(p2), std::uint64_t(q2)};
    }
    p0 = p1, q0 = q1, p1 = p2, q1 = q2;
    remainder_b = remainder_a;
    remainder_a = rest;
  }
  refuse(function, "value is too small for a fraction; got ", value);
}

std::uint64_t floor_of_product(std::uint64_t count, Fraction fraction) {
  return std::uint64_t(Wide(count) * fraction.numerator / fraction.denominator);
}

ConformalThreshold conformal_threshold(std::span<const double> sorted_calibration, double budget) {
  constexpr const char* function = "conformal_threshold";
  detail::require_open_unit(function, "budget", budget);
  require_sorted(function, sorted_calibration);
  const ConformalRank law = conformal_rank(sorted_calibration.size(), budget);
  ConformalThreshold result;
  result.n = law.n;
  result.requested_budget = budget;
  result.n_needed = law.n_needed;
  result.budget = law.infinite ? 1 / (double(law.n) + 1) : budget;
  result.rank = law.infinite ? law.n : law.rank;
  result.threshold = sorted_calibration[result.rank - 1];
  result.beta_a = double(result.n + 1 - result.rank);
  result.beta_b = double(result.rank);
  return result;
}

}  // namespace oddity::metrics
