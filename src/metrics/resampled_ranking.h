#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "metrics/order.h"
#include "oddity/metrics/ranking_bootstrap.h"

/// Ranking metrics of samples that count 0 to 255 times, over one sort, in O(n) without a branch on the data.
namespace oddity::metrics::detail {

using Indices = std::vector<std::uint32_t>;
using Counts = std::vector<std::uint8_t>;

/// Both classes by descending score, and where the scores of one lie among those of the other.
struct SortedClasses {
  Indices good, defect;                ///< samples
  Indices good_above, good_not_below;  ///< for each defect: good samples above it, and above or equal
  Indices defects_not_below;           ///< for each defect: defects above or equal
};

template <class T>
SortedClasses sort_classes(std::span<const T> scores, std::span<const std::uint8_t> labels) {
  SortedClasses sorted;
  for (const std::uint32_t sample : descending_order(scores)) {
    (labels[sample] != 0 ? sorted.defect : sorted.good).push_back(sample);
  }
  const std::size_t n = sorted.good.size(), m = sorted.defect.size();
  sorted.good_above.resize(m);
  sorted.good_not_below.resize(m);
  sorted.defects_not_below.resize(m);
  std::size_t above = 0, not_below = 0;
  for (std::size_t first = 0; first < m;) {
    const T score = scores[sorted.defect[first]];
    std::size_t last = first;
    while (last < m && scores[sorted.defect[last]] == score) {
      ++last;
    }
    while (above < n && scores[sorted.good[above]] > score) {
      ++above;
    }
    not_below = std::max(not_below, above);
    while (not_below < n && scores[sorted.good[not_below]] == score) {
      ++not_below;
    }
    for (; first < last; ++first) {
      sorted.good_above[first] = std::uint32_t(above);
      sorted.good_not_below[first] = std::uint32_t(not_below);
      sorted.defects_not_below[first] = std::uint32_t(last);
    }
  }
  return sorted;
}

/// Sums of the weights before each place; the last is that of all.
template <class Count>
void sum_up(const Counts& weights, std::vector<Count>& sums) {
  sums.resize(weights.size() + 1);
  Count sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sums[i] = sum;
    sum += weights[i];
  }
  sums.back() = sum;
}

/// The statistic of weighted samples. `Count` holds the number of drawn samples.
template <class Count>
class RankingEvaluator {
public:
  /// NaN when a class has no weight.
  double operator()(RankingStatistic statistic, double at, const SortedClasses& sorted, const Counts& good,
                    const Counts& defect) {
    sum_up(good, good_);
    if (statistic == RankingStatistic::auroc) {
      return auroc(sorted, defect);
    }
    sum_up(defect, defect_);
    if (good_.back() == 0 || defect_.back() == 0) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    switch (statistic) {
      case RankingStatistic::average_precision:
        return average_precision(sorted, defect);
      case RankingStatistic::best_f1:
        return best_f1(sorted);
      case RankingStatistic::true_positive_rate_at:
        return true_positive_rate(sorted, at);
      default:
        return false_positive_rate(sorted, at);
    }
  }

private:
  double auroc(const SortedClasses& sorted, const Counts& defect) const {
    // In integers where they are sure to fit: 2 G M < 2^63 for G + M < 2^32.
    using Sum = std::conditional_t<sizeof(Count) == 4, std::uint64_t, double>;
    const Sum twice_all = Sum(2) * Sum(good_.back());
    Sum pairs = 0, defects = 0;
    for (std::size_t j = 0; j < defect.size(); ++j) {
      const Sum weight = Sum(defect[j]);
      pairs += weight * (twice_all - Sum(good_[sorted.good_above[j]]) - Sum(good_[sorted.good_not_below[j]]));
      defects += weight;
    }
    return double(pairs) / (double(twice_all) * double(defects));
  }
  double average_precision(const SortedClasses& sorted, const Counts& defect) const {
    double sum = 0;
    for (std::size_t j = 0; j < defect.size(); ++j) {
      const double hits = double(defect_[sorted.defects_not_below[j]]);
      const double flagged = hits + double(good_[sorted.good_not_below[j]]);
      sum += double(defect[j]) * hits / std::max(flagged, 1.0);  // nothing drawn yet: 0 * 0 / 1
    }
    return sum / double(defect_.back());
  }
  double best_f1(const SortedClasses& sorted) const {
    double best = 0;
    for (std::size_t j = 0; j < sorted.defect.size(); ++j) {
      const double hits = double(defect_[sorted.defects_not_below[j]]);
      best = std::max(best, 2 * hits / (hits + double(good_[sorted.good_not_below[j]]) + double(defect_.back())));
    }
    return best;
  }
  double true_positive_rate(const SortedClasses& sorted, double limit) const {
    // Good samples may be flagged up to the largest count whose rate, as a double, does not exceed the limit; all
    // defects strictly above the first one too many are then found.
    const double all = double(good_.back());
    const auto too_many =
        std::partition_point(good_.begin() + 1, good_.end(), [&](Count count) { return double(count) / all <= limit; });
    if (too_many == good_.end()) {
      return 1;
    }
    const auto excluded = std::uint32_t(too_many - good_.begin() - 1);
    const auto found = std::partition_point(sorted.good_not_below.begin(), sorted.good_not_below.end(),
                                            [&](std::uint32_t good) { return good <= excluded; });
    return double(defect_[std::size_t(found - sorted.good_not_below.begin())]) / double(defect_.back());
  }
  double false_positive_rate(const SortedClasses& sorted, double needed) const {
    if (needed == 0) {
      return 0;
    }
    const double all = double(defect_.back());
    const auto enough = std::partition_point(defect_.begin() + 1, defect_.end(),
                                             [&](Count count) { return double(count) / all < needed; });
    const auto last = std::size_t(enough - defect_.begin() - 1);
    return double(good_[sorted.good_not_below[last]]) / double(good_.back());
  }

  std::vector<Count> good_, defect_;  ///< sums of weights
};

}  // namespace oddity::metrics::detail
