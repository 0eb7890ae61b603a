#include "metrics/placements.h"

#include <algorithm>

#include "metrics/check.h"
#include "metrics/order.h"

namespace oddity::metrics::detail {
namespace {

__extension__ typedef unsigned __int128 Wide;

/// In the order of `samples`: 2 * (others that it beats) + (others equal to it). `order` and `other_order` descend.
template <class T>
void twice_beaten(const std::vector<T>& samples, const std::vector<std::uint32_t>& order, const std::vector<T>& others,
                  const std::vector<std::uint32_t>& other_order, bool larger_wins, std::vector<double>& result) {
  result.resize(samples.size());
  const std::size_t n = others.size();
  std::size_t above = 0, not_below = 0;
  for (const std::uint32_t at : order) {
    const T score = samples[at];
    while (above < n && others[other_order[above]] > score) {
      ++above;
    }
    not_below = std::max(not_below, above);
    while (not_below < n && others[other_order[not_below]] >= score) {
      ++not_below;
    }
    result[at] = double(larger_wins ? 2 * (n - not_below) + (not_below - above) : above + not_below);
  }
}

template <class T>
Placements placements_of(std::span<const T> scores, std::span<const std::uint8_t> labels, std::size_t defects) {
  std::vector<T> good, defect;
  good.reserve(scores.size() - defects);
  defect.reserve(defects);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    (labels[i] != 0 ? defect : good).push_back(scores[i]);
  }
  const auto good_order = descending_order(std::span<const T>(good));
  const auto defect_order = descending_order(std::span<const T>(defect));
  Placements result;
  twice_beaten(defect, defect_order, good, good_order, true, result.defect);
  twice_beaten(good, good_order, defect, defect_order, false, result.good);

  Wide twice = 0;  // 2 U in integers: exact, and equal to what Ranking::auroc() says
  for (const double value : result.defect) {
    twice += Wide(value);
  }
  const double n_good = double(good.size()), n_defect = double(defect.size());
  result.auroc = double(static_cast<long double>(twice) /
                        (2.0L * static_cast<long double>(n_good) * static_cast<long double>(n_defect)));
  for (double& value : result.defect) {
    value /= 2 * n_good;
  }
  for (double& value : result.good) {
    value /= 2 * n_defect;
  }
  return result;
}

}  // namespace

std::size_t require_two_classes(const char* function, const char* name, std::size_t scores,
                                std::span<const std::uint8_t> labels) {
  require_same_length(function, name, scores, "labels", labels.size());
  const std::size_t defects = require_binary_labels(function, labels);
  if (defects == 0 || defects == scores) {
    refuse(function, "both classes are needed; got ", scores - defects, " good and ", defects, " defect samples");
  }
  return defects;
}

Placements placements(const char* function, const char* name, Values scores, std::span<const std::uint8_t> labels) {
  const std::size_t defects = require_two_classes(function, name, scores.size(), labels);
  require_indexable(function, name, scores.size());
  require_finite(function, name, scores);
  return scores.visit([&](auto span) { return placements_of(span, labels, defects); });
}

}  // namespace oddity::metrics::detail
