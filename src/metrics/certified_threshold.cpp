#include "oddity/metrics/certified_threshold.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "metrics/binomial_bounds.h"
#include "metrics/check.h"
#include "metrics/just_below.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr const char* kFunction = "certified_threshold";

void require_rate(const char* name, double rate) {
  if (!(rate >= 1e-9 && rate < 1)) {  // less could not be shown by any number of parts
    refuse(kFunction, name, " is out of range; got ", rate, "; expected a value in (0, 1), from 1e-9 on");
  }
}

/// Scores of the units of one class.
template <class T>
std::vector<T> units(std::span<const T> scores, std::span<const std::uint8_t> labels, bool defect,
                     std::span<const std::int64_t> groups) {
  std::vector<T> result;
  if (groups.empty()) {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if ((labels[i] != 0) == defect) {
        result.push_back(scores[i]);
      }
    }
    return result;
  }
  std::vector<std::pair<std::int64_t, T>> members;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if ((labels[i] != 0) == defect) {
      members.emplace_back(groups[i], defect ? scores[i] : -scores[i]);
    }
  }
  std::sort(members.begin(), members.end());  // the worst of each group first
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i == 0 || members[i].first != members[i - 1].first) {
      result.push_back(defect ? members[i].second : -members[i].second);
    }
  }
  return result;
}

/// The largest k with P(Bin(n, p) <= k) <= tail, given that 0 is one.
std::size_t largest_allowed(std::size_t n, double p, double tail) {
  std::size_t low = 0, high = n;  // P(Bin(n, p) <= n) = 1
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (binomial_cdf(middle, n, p) <= tail ? low : high) = middle;
  }
  return low;
}

template <class T>
void choose(std::span<const T> scores, std::span<const std::uint8_t> labels, double max_escape,
            const CertifiedThresholdOptions& options, CertifiedThreshold& result) {
  std::vector<T> defects = units(scores, labels, true, options.groups);
  const std::vector<T> good = units(scores, labels, false, options.groups);
  if (defects.empty() || good.empty()) {
    refuse(kFunction, "there is no ", defects.empty() ? "defect" : "good part",
           " among the labels; expected both classes");
  }
  const double delta = 1 - options.confidence, tail = options.max_overkill ? delta / 2 : delta;
  const std::size_t n = defects.size();
  result.escape.n_defect = result.overkill.n_defect = n;
  result.escape.n_good = result.overkill.n_good = good.size();
  result.defects_needed = detail::eventless_trials_needed(max_escape, tail);
  result.good_needed = options.max_overkill ? detail::eventless_trials_needed(*options.max_overkill, tail) : 0;
  result.escape_certified = binomial_cdf(0, n, max_escape) <= tail;
  if (!result.escape_certified) {
    result.overkill.value = result.overkill.low = result.overkill.high = 1;  // the threshold rejects everything
    return;
  }

  const std::size_t k = largest_allowed(n, max_escape, tail);
  const auto next = defects.begin() + std::ptrdiff_t(k);
  std::nth_element(defects.begin(), next, defects.end());
  const T bar = *next;  // reject from here on
  const auto largest_below = [&](const std::vector<T>& list) {
    double largest = -std::numeric_limits<double>::infinity();
    for (const T score : list) {
      largest = score < bar ? std::max(largest, double(score)) : largest;
    }
    return largest;
  };
  result.threshold = detail::just_below(double(bar), std::max(largest_below(defects), largest_below(good)));
  const auto escapes = std::size_t(std::count_if(defects.begin(), next, [&](T score) { return score < bar; }));
  const auto overkills = std::size_t(std::count_if(good.begin(), good.end(), [&](T score) { return score >= bar; }));

  const double a = double(k) + 1, b = double(n - k);
  result.allowed_escapes = k;
  result.escape_bound = detail::binomial_upper_bound(k, n, tail);
  result.escape.value = double(escapes) / double(n);
  result.escape.low = escapes < k ? 0 : std::min(result.escape.value, beta_quantile(delta / 2, a, b));
  result.escape.high = detail::binomial_upper_bound(k, n, delta / 2);
  const Interval overkill = clopper_pearson(overkills, good.size(), options.confidence);
  result.overkill_bound = detail::binomial_upper_bound(overkills, good.size(), tail);
  result.overkill.value = double(overkills) / double(good.size());
  result.overkill.low = overkill.low;
  result.overkill.high = overkill.high;
  result.certified = !options.max_overkill || binomial_cdf(overkills, good.size(), *options.max_overkill) <= tail;
}

}  // namespace

CertifiedThreshold certified_threshold(Values scores, std::span<const std::uint8_t> labels, double max_escape,
                                       const CertifiedThresholdOptions& options) {
  detail::require_not_empty(kFunction, "scores", scores.size());
  detail::require_same_length(kFunction, "scores", scores.size(), "labels", labels.size());
  if (!options.groups.empty()) {
    detail::require_same_length(kFunction, "scores", scores.size(), "groups", options.groups.size());
  }
  detail::require_finite(kFunction, "scores", scores);
  detail::require_binary_labels(kFunction, labels);
  require_rate("max_escape", max_escape);
  detail::require_open_unit(kFunction, "confidence", options.confidence);
  if (options.max_overkill) {
    require_rate("max_overkill", *options.max_overkill);
  }
  CertifiedThreshold result;
  scores.visit([&](auto values) { choose(values, labels, max_escape, options, result); });
  return result;
}

}  // namespace oddity::metrics
