#include "oddity/metrics/conformal_quantile.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "metrics/alphas.h"
#include "metrics/binomial_bounds.h"
#include "metrics/check.h"
#include "oddity/metrics/conformal.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// beta_cdf is good to 1e-12 relative: a probability that equals delta must not be lost to its last bits.
constexpr double kSlack = 1 + 1e-12;

/// P(coverage < 1 - alpha) <= delta for the threshold at `rank` of n.
bool keeps_delta(std::size_t n, std::size_t rank, double alpha, double delta) {
  return beta_cdf(1 - alpha, double(rank), double(n + 1 - rank)) <= delta * kSlack;
}

/// The quantiles of scores that may be reordered.
template <class T>
std::vector<ConformalQuantile> quantiles_of(std::span<T> scores, std::span<const double> alphas,
                                            std::optional<double> delta) {
  std::vector<ConformalQuantile> results(alphas.size());
  std::vector<ConformalQuantile*> by_rank;
  for (std::size_t i = 0; i < alphas.size(); ++i) {
    static_cast<ConformalRank&>(results[i]) = conformal_rank(scores.size(), alphas[i], delta);
    if (!results[i].infinite) {
      by_rank.push_back(&results[i]);
    }
  }
  std::sort(by_rank.begin(), by_rank.end(), [](auto* a, auto* b) { return a->rank < b->rank; });
  auto first = scores.begin();
  for (ConformalQuantile* result : by_rank) {
    const auto wanted = scores.begin() + std::ptrdiff_t(result->rank - 1);
    if (wanted >= first) {  // else the same rank again
      std::nth_element(first, wanted, scores.end());
      first = wanted + 1;
    }
    result->threshold = double(*wanted) + 0.0;  // -0 and 0 tie: one of them, whatever the order of the scores
  }
  return results;
}

std::vector<ConformalQuantile> checked_quantiles(const char* function, Values scores, std::span<const double> alphas,
                                                 std::optional<double> delta) {
  detail::require_alphas(function, alphas, delta);
  detail::require_not_empty(function, "scores", scores.size());
  detail::require_finite(function, "scores", scores);
  return scores.visit([&](auto values) {
    std::vector copy(values.begin(), values.end());
    return quantiles_of(std::span(copy), alphas, delta);
  });
}

}  // namespace

double BetaLaw::probability_below(double level) const {
  detail::require_unit("probability_below", "level", level);
  return b == 0 ? 0 : beta_cdf(level, a, b);
}

Interval BetaLaw::interval(double confidence) const {
  detail::require_open_unit("interval", "confidence", confidence);
  if (b == 0) {
    return {1, 1};
  }
  const double tail = (1 - confidence) / 2;
  return {beta_quantile(tail, a, b), beta_quantile_complement(tail, b, a)};
}

ConformalRank conformal_rank(std::size_t n, double alpha, std::optional<double> delta) {
  constexpr const char* function = "conformal_rank";
  detail::require_alphas(function, {&alpha, 1}, delta);
  if (n > 1'000'000'000'000) {
    refuse(function, "n is out of range; got ", n, "; expected at most 10^12");
  }
  ConformalRank result{n, alpha, delta, n + 1, true, 0, {}};
  if (delta) {
    result.n_needed = std::size_t(detail::eventless_trials_needed(alpha, *delta * kSlack));
    if (n >= result.n_needed) {
      std::size_t low = 1, high = n;  // rank n keeps the promise; a lower rank only makes it harder
      while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (keeps_delta(n, middle, alpha, *delta)) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      result.rank = high;
    }
  } else {
    const Fraction exact = simplest_fraction(alpha);
    result.n_needed = std::size_t((exact.denominator + exact.numerator - 1) / exact.numerator) - 1;
    result.rank = n + 1 - std::size_t(floor_of_product(n + 1, exact));
  }
  result.infinite = result.rank == n + 1;
  result.coverage = {double(result.rank), double(n + 1 - result.rank)};
  return result;
}

std::vector<ConformalQuantile> conformal_quantiles(Values scores, std::span<const double> alphas,
                                                   std::optional<double> delta) {
  return checked_quantiles("conformal_quantiles", scores, alphas, delta);
}

ConformalQuantile conformal_quantile(Values scores, double alpha, std::optional<double> delta) {
  return checked_quantiles("conformal_quantile", scores, {&alpha, 1}, delta).front();
}

std::size_t GroupQuantiles::find(std::int64_t group) const {
  const auto at = std::lower_bound(groups.begin(), groups.end(), group);
  return at != groups.end() && *at == group ? std::size_t(at - groups.begin()) : groups.size();
}

std::vector<double> GroupQuantiles::thresholds(std::span<const std::int64_t> groups_of_samples,
                                               std::size_t alpha_index) const {
  if (alpha_index >= alphas.size()) {
    refuse("thresholds", "alpha_index is out of range; got ", alpha_index, "; expected 0 to ",
           std::ptrdiff_t(alphas.size()) - 1);
  }
  std::vector<double> result;
  result.reserve(groups_of_samples.size());
  for (const std::int64_t group : groups_of_samples) {
    const std::size_t index = find(group);
    result.push_back(index < groups.size() ? at(alpha_index, index).threshold
                                           : std::numeric_limits<double>::infinity());
  }
  return result;
}

GroupQuantiles group_conformal_quantiles(Values scores, std::span<const std::int64_t> groups,
                                         std::span<const double> alphas, std::optional<double> delta) {
  constexpr const char* function = "group_conformal_quantiles";
  detail::require_alphas(function, alphas, delta);
  detail::require_not_empty(function, "scores", scores.size());
  detail::require_same_length(function, "scores", scores.size(), "groups", groups.size());
  detail::require_finite(function, "scores", scores);
  std::map<std::int64_t, std::vector<double>> scores_of;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    scores_of[groups[i]].push_back(scores[i]);
  }
  GroupQuantiles result;
  result.alphas.assign(alphas.begin(), alphas.end());
  result.quantiles.resize(alphas.size() * scores_of.size());
  for (auto& [group, own] : scores_of) {
    const auto quantiles = quantiles_of(std::span(own), alphas, delta);
    for (std::size_t a = 0; a < alphas.size(); ++a) {
      result.quantiles[a * scores_of.size() + result.groups.size()] = quantiles[a];
    }
    result.groups.push_back(group);
  }
  return result;
}

}  // namespace oddity::metrics
