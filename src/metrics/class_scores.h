#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/prediction_sets.h"

/// Nonconformity of the classes of one row, shared by calibration and prediction so that both give the same bits.
namespace oddity::metrics::detail {

/// The classes of a row by falling probability, equal ones by index; sorted as far as asked.
class RankedClasses {
public:
  template <class T>
  void reset(std::span<const T> row) {
    keys_.resize(row.size());
    for (std::size_t c = 0; c < row.size(); ++c) {
      // Probabilities are not negative: their bits, inverted, order them downwards.
      keys_[c] = {~std::uint64_t(
                      std::bit_cast<std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>(row[c] + T(0))),
                  std::uint32_t(c)};
    }
    sorted_ = 0;
  }
  std::uint32_t operator[](std::size_t rank) {
    while (rank >= sorted_) {
      const std::size_t more = std::min(keys_.size(), std::max<std::size_t>(8, 4 * sorted_));
      std::partial_sort(keys_.begin() + std::ptrdiff_t(sorted_), keys_.begin() + std::ptrdiff_t(more), keys_.end());
      sorted_ = more;
    }
    return keys_[rank].second;
  }

private:
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys_;
  std::size_t sorted_ = 0;
};

/// Calls visit(class, score) for APS and RAPS by rank, scores rising, until it returns false.
template <class T, class Visit>
void each_cumulative_score(std::span<const T> row, RankedClasses& ranked, const SetScoreOptions& options, double u,
                           Visit visit) {
  ranked.reset(row);
  double above = 0;
  for (std::size_t r = 0; r < row.size(); ++r) {
    const std::uint32_t c = ranked[r];
    double score = above + u * double(row[c]);
    if (options.score == SetScore::raps && r >= options.free_ranks) {
      score += options.penalty * double(r + 1 - options.free_ranks);
    }
    if (!visit(c, score)) {
      return;
    }
    above += double(row[c]);
  }
}

/// The largest and second largest value and the class of the largest.
template <class T>
struct TopTwo {
  T first, second;
  std::size_t at;
};
template <class T>
TopTwo<T> top_two(std::span<const T> row) {
  TopTwo<T> top{T(-1), T(-1), 0};
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (row[c] > top.first) {
      top = {row[c], top.first, c};
    } else if (row[c] > top.second) {
      top.second = row[c];
    }
  }
  return top;
}

}  // namespace oddity::metrics::detail
