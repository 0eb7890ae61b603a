#include "oddity/metrics/conformal.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/binomial_bounds.h"
#include "metrics/check.h"
#include "oddity/metrics/intervals.h"

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

ConformalRank conformal_rank(std::size_t n, double alpha) {
  detail::require_open_unit("conformal_rank", "alpha", alpha);
  const Fraction exact = simplest_fraction(alpha);
  const auto above = std::size_t(floor_of_product(n + 1, exact));
  ConformalRank result;
  result.n = n;
  result.alpha = alpha;
  result.rank = n + 1 - above;
  result.infinite = above == 0;
  result.n_needed = std::size_t((exact.denominator + exact.numerator - 1) / exact.numerator) - 1;
  result.beta_a = double(result.rank);
  result.beta_b = double(above);
  return result;
}

ConformalRank conformal_rank_pac(std::size_t n, double alpha, double delta) {
  constexpr const char* function = "conformal_rank_pac";
  detail::require_open_unit(function, "alpha", alpha);
  detail::require_open_unit(function, "delta", delta);
  // P(Beta(k, n + 1 - k) < 1 - alpha) falls with k; with k = n it is (1 - alpha)^n.
  const auto keeps = [&](std::size_t k) { return beta_cdf(1 - alpha, double(k), double(n + 1 - k)) <= delta; };
  ConformalRank result;
  result.n = n;
  result.alpha = alpha;
  result.n_needed = std::size_t(detail::eventless_trials_needed(alpha, delta));
  result.infinite = n < result.n_needed;
  std::size_t low = 1, high = result.infinite ? n + 1 : n;
  while (!result.infinite && low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (keeps(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  result.rank = high;
  result.beta_a = double(result.rank);
  result.beta_b = double(n + 1 - result.rank);
  return result;
}

double conformal_quantile(Values scores, const ConformalRank& rank) {
  constexpr const char* function = "conformal_quantile";
  if (scores.size() != rank.n) {
    refuse(function, "scores do not fit the rank; got ", scores.size(), " scores for a rank among ", rank.n);
  }
  std::vector<double> copy(scores.size());
  for (std::size_t i = 0; i < copy.size(); ++i) {
    copy[i] = scores[i];
    if (std::isnan(copy[i])) {
      refuse(function, "scores must not be NaN; got NaN at index ", i);
    }
  }
  if (rank.infinite || rank.rank == 0) {
    return std::numeric_limits<double>::infinity();
  }
  const auto at = copy.begin() + std::ptrdiff_t(rank.rank - 1);
  std::nth_element(copy.begin(), at, copy.end());
  return *at;
}

}  // namespace oddity::metrics
