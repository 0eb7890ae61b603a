#include "oddity/metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "metrics/check.h"
#include "metrics/sort.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

__extension__ typedef unsigned __int128 Wide;

constexpr const char* kRanking = "ranking";

/// Sorts keys and returns them as scores, descending.
template <class T>
std::vector<T> sorted_scores(std::vector<detail::KeyOf<T>>&& keys) {
  detail::radix_sort(keys);
  std::vector<T> scores(keys.size());
  std::transform(keys.begin(), keys.end(), scores.begin(), detail::score_of_key<T>);
  return scores;
}

/// Checks labels and returns the number of defects.
std::size_t count_defects(const char* function, std::size_t scores, std::span<const std::uint8_t> labels) {
  if (scores != labels.size()) {
    refuse(function, "scores and labels differ in length; got ", scores, " and ", labels.size());
  }
  std::size_t defects = 0;
  std::uint8_t any = 0;
  for (const std::uint8_t label : labels) {
    defects += label;
    any |= label;
  }
  if (any > 1) {
    const auto at = std::find_if(labels.begin(), labels.end(), [](std::uint8_t label) { return label > 1; });
    refuse(function, "labels must be 0 (good) or 1 (defect); got ", int(*at), " at index ", at - labels.begin());
  }
  return defects;
}

void require_both_classes(const char* function, std::size_t good, std::size_t defects) {
  if (good == 0 || defects == 0) {
    refuse(function, "both classes are needed; got ", good, " good and ", defects, " defect samples");
  }
}

}  // namespace

template <class T>
void Ranking::fill(std::span<const T> scores, std::span<const std::uint8_t> labels) {
  const std::size_t defects = count_defects(kRanking, scores.size(), labels);
  require_both_classes(kRanking, scores.size() - defects, defects);
  detail::require_finite(kRanking, "scores", scores);
  // Classes are sorted apart: keys then need no payload, and every metric follows from merging the two lists.
  using Key = detail::KeyOf<T>;
  std::vector<Key> keys[2] = {std::vector<Key>(scores.size() - defects + 1), std::vector<Key>(defects + 1)};
  Key* next[2] = {keys[0].data(), keys[1].data()};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    *next[labels[i]]++ = detail::descending_key(scores[i]);
  }
  keys[0].pop_back();
  keys[1].pop_back();
  sorted_ = Sorted<T>{sorted_scores<T>(std::move(keys[0])), sorted_scores<T>(std::move(keys[1]))};
}

Ranking::Ranking(std::span<const float> scores, std::span<const std::uint8_t> labels) { fill(scores, labels); }
Ranking::Ranking(std::span<const double> scores, std::span<const std::uint8_t> labels) { fill(scores, labels); }

Ranking::Ranking(std::span<const MapAndMask> items) {
  detail::require_maps(kRanking, items);
  std::size_t pixels = 0, defects = 0;
  for (const MapAndMask& item : items) {
    pixels += item.mask.size();
    for (const std::uint8_t value : item.mask) {
      defects += value != 0;
    }
  }
  require_both_classes(kRanking, pixels - defects, defects);
  std::vector<std::uint32_t> keys[2] = {std::vector<std::uint32_t>(pixels - defects + 1),
                                        std::vector<std::uint32_t>(defects + 1)};
  std::uint32_t* next[2] = {keys[0].data(), keys[1].data()};
  for (const MapAndMask& item : items) {
    for (std::size_t p = 0; p < item.map.size(); ++p) {
      *next[item.mask[p] != 0]++ = detail::descending_key(item.map[p]);
    }
  }
  keys[0].pop_back();
  keys[1].pop_back();
  sorted_ = Sorted<float>{sorted_scores<float>(std::move(keys[0])), sorted_scores<float>(std::move(keys[1]))};
}

std::size_t Ranking::positives() const {
  return std::visit([](const auto& s) { return s.defect.size(); }, sorted_);
}
std::size_t Ranking::negatives() const {
  return std::visit([](const auto& s) { return s.good.size(); }, sorted_);
}

/// Calls visit(score, defects above, defects at or above, good above, good at or above) for each distinct defect score,
/// from the largest to the smallest.
template <class Visit>
void Ranking::each_defect_score(Visit visit) const {
  std::visit(
      [&](const auto& s) {
        std::size_t g = 0;
        for (std::size_t d = 0; d < s.defect.size();) {
          const auto score = s.defect[d];
          const std::size_t defects_above = d;
          while (d < s.defect.size() && s.defect[d] == score) {
            ++d;
          }
          while (g < s.good.size() && s.good[g] > score) {
            ++g;
          }
          const std::size_t good_above = g;
          while (g < s.good.size() && s.good[g] == score) {
            ++g;
          }
          visit(double(score), defects_above, d, good_above, g);
        }
      },
      sorted_);
}

double Ranking::auroc() const {
  const std::size_t good = negatives();
  Wide twice = 0;  // 2 U, exact: pixel counts may exceed 2^32 on both sides
  each_defect_score([&](double, std::size_t d0, std::size_t d1, std::size_t g0, std::size_t g1) {
    twice += Wide(d1 - d0) * (2 * (good - g1) + (g1 - g0));
  });
  return double(static_cast<long double>(twice) /
                (2.0L * static_cast<long double>(good) * static_cast<long double>(positives())));
}

double Ranking::average_precision() const {
  double sum = 0;
  each_defect_score([&](double, std::size_t d0, std::size_t d1, std::size_t, std::size_t g1) {
    sum += double(d1 - d0) * (double(d1) / double(d1 + g1));
  });
  return sum / double(positives());
}

double Ranking::true_positive_rate_at(double false_positive_rate) const {
  detail::require_unit("true_positive_rate_at", "false_positive_rate", false_positive_rate);
  return std::visit(
      [&](const auto& s) {
        // Largest count whose rate, as a double, does not exceed the limit; the product alone may round to the next
        // integer's wrong side (0.29 * 100 < 29).
        const double n = double(s.good.size());
        std::size_t allowed = std::min(s.good.size(), std::size_t(false_positive_rate * n) + 1);
        while (double(allowed) / n > false_positive_rate) {
          --allowed;
        }
        if (allowed == s.good.size()) {
          return 1.0;
        }
        const auto first_excluded = s.good[allowed];
        const auto end =
            std::partition_point(s.defect.begin(), s.defect.end(), [&](auto score) { return score > first_excluded; });
        return double(end - s.defect.begin()) / double(s.defect.size());
      },
      sorted_);
}

double Ranking::false_positive_rate_at(double true_positive_rate) const {
  detail::require_unit("false_positive_rate_at", "true_positive_rate", true_positive_rate);
  return std::visit(
      [&](const auto& s) {
        const double n = double(s.defect.size());
        std::size_t needed = std::size_t(true_positive_rate * n);
        while (double(needed) / n < true_positive_rate) {
          ++needed;
        }
        while (needed > 0 && double(needed - 1) / n >= true_positive_rate) {
          --needed;
        }
        if (needed == 0) {
          return 0.0;
        }
        const auto last_included = s.defect[needed - 1];
        const auto end =
            std::partition_point(s.good.begin(), s.good.end(), [&](auto score) { return score >= last_included; });
        return double(end - s.good.begin()) / double(s.good.size());
      },
      sorted_);
}

Ranking::Best Ranking::best_f1() const {
  Best best;
  best.f1 = -1;
  const double defects = double(positives());
  each_defect_score([&](double score, std::size_t, std::size_t d1, std::size_t, std::size_t g1) {
    const double f1 = 2 * double(d1) / (double(d1 + g1) + defects);
    if (f1 > best.f1) {
      best = {f1, score};
    }
  });
  return best;
}

std::vector<Ranking::RocPoint> Ranking::roc(std::size_t at_most) const {
  const double good = double(negatives()), defects = double(positives());
  std::vector<RocPoint> points{{std::numeric_limits<double>::infinity(), 0, 0}};
  // A step of the thinned curve is at least 2 / at_most long in |dx| + |dy|; the whole curve is 2 long.
  const double step = at_most > 0 ? 2.0 / double(at_most) : 0.0;
  const auto add = [&](double threshold, double x, double y) {
    const RocPoint& last = points.back();
    const double length = (x - last.false_positive_rate) + (y - last.true_positive_rate);
    if (length > 0 && length >= step) {
      points.push_back({threshold, x, y});
    }
  };
  const auto good_score = [&](std::size_t i) {
    return std::visit([i](const auto& s) { return double(s.good[i]); }, sorted_);
  };
  // Corners only: the end of each horizontal run (good scores above the next defect score), then of each vertical one.
  RocPoint pending = points.front();
  const auto move_to = [&](double threshold, double x, double y) {
    const RocPoint& last = points.back();
    const bool same_line =
        (pending.false_positive_rate == last.false_positive_rate && x == pending.false_positive_rate) ||
        (pending.true_positive_rate == last.true_positive_rate && y == pending.true_positive_rate);
    if (!same_line) {
      add(pending.threshold, pending.false_positive_rate, pending.true_positive_rate);
    }
    pending = {threshold, x, y};
  };
  each_defect_score([&](double score, std::size_t d0, std::size_t d1, std::size_t g0, std::size_t g1) {
    const double before = double(g0) / good;
    if (before > pending.false_positive_rate) {
      move_to(good_score(g0 - 1), before, double(d0) / defects);
    }
    move_to(score, double(g1) / good, double(d1) / defects);
  });
  if (pending.false_positive_rate < 1) {
    move_to(good_score(negatives() - 1), 1, 1);
  }
  if (points.back().false_positive_rate < 1 || points.back().true_positive_rate < 1) {
    points.push_back(pending);
  }
  return points;
}

std::vector<Ranking::PrPoint> Ranking::precision_recall(std::size_t at_most) const {
  const double defects = double(positives());
  const double step = at_most > 0 ? 1.0 / double(at_most) : 0.0;
  std::vector<PrPoint> points;
  each_defect_score([&](double score, std::size_t, std::size_t d1, std::size_t, std::size_t g1) {
    const double recall = double(d1) / defects;
    if (points.empty() || d1 == positives() || recall - points.back().recall >= step) {
      points.push_back({score, recall, double(d1) / double(d1 + g1)});
    }
  });
  return points;
}

}  // namespace oddity::metrics
