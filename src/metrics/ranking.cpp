#include "oddity/metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>

#include "metrics/check.h"
#include "metrics/just_below.h"
#include "metrics/ranking_steps.h"
#include "metrics/sort.h"

namespace oddity::metrics {
namespace {

using detail::refuse;
using detail::Step;

constexpr const char* kRanking = "ranking";
constexpr std::size_t kGrain = std::size_t(1) << 16;

/// Calls work(piece, first, last) for the pieces of [0, n).
template <class Work>
void in_pieces(std::size_t n, Work work) {
  thread_pool().parallel_for(0, std::int64_t(n), std::int64_t(kGrain), [&](std::int64_t first, std::int64_t last) {
    work(std::size_t(first) / kGrain, std::size_t(first), std::size_t(last));
  });
}

constexpr std::size_t pieces_of(std::size_t n) { return (n + kGrain - 1) / kGrain; }

/// First index from `from` on at which `inside` no longer holds. A short run costs a few comparisons, a long one its
/// logarithm.
template <class Key, class Inside>
std::size_t end_of(std::span<const Key> keys, std::size_t from, Inside inside) {
  for (int i = 0; i < 8; ++i, ++from) {
    if (from == keys.size() || !inside(keys[from])) {
      return from;
    }
  }
  std::size_t step = 8;
  while (from + step < keys.size() && inside(keys[from + step])) {
    from += step;
    step *= 2;
  }
  const auto stretch = keys.subspan(from, std::min(step, keys.size() - from));
  return from + std::size_t(std::partition_point(stretch.begin(), stretch.end(), inside) - stretch.begin());
}

/// The steps (ranking_steps.h) of two sorted lists. `Number` is std::uint64_t without weights, double with.
template <class Key, class Number>
class SortedSteps {
public:
  using Count = Number;

  SortedSteps(std::span<const Key> good, std::span<const Key> defect, const double* good_weight,
              const double* defect_weight)
      : good_(good), defect_(defect), good_weight_(good_weight), defect_weight_(defect_weight) {}

  Count good_total() const { return count(good_weight_, good_.size()); }
  Count defect_total() const { return count(defect_weight_, defect_.size()); }
  double good_score(std::size_t i) const { return double(detail::score_of_key<detail::ScoreOf<Key>>(good_[i])); }
  double just_below(double score) const {
    const auto key = detail::descending_key(detail::ScoreOf<Key>(score));
    double next = -std::numeric_limits<double>::infinity();
    for (const auto keys : {good_, defect_}) {
      const auto lower = std::upper_bound(keys.begin(), keys.end(), key);
      if (lower != keys.end()) {
        next = std::max(next, double(detail::score_of_key<detail::ScoreOf<Key>>(*lower)));
      }
    }
    return detail::just_below(score, next);
  }
  double last_good_score() const { return good_score(good_.size() - 1); }
  /// The smallest good score above the step's.
  double good_score_above(const Step<Count>& step) const {
    const auto key = detail::descending_key(detail::ScoreOf<Key>(step.score));
    return good_score(std::size_t(std::lower_bound(good_.begin(), good_.end(), key) - good_.begin()) - 1);
  }

  template <class T, class Visit, class Join>
  T reduce(Visit visit, Join join, T start = T()) const {
    std::vector<T> parts(pieces_of(defect_.size()), start);
    in_pieces(defect_.size(), [&](std::size_t piece, std::size_t first, std::size_t last) {
      T part = start;
      each_step(first, last, [&](const Step<Count>& step) { visit(part, step); });
      parts[piece] = part;
    });
    T total = start;
    for (const T& part : parts) {
      join(total, part);
    }
    return total;
  }

  template <class Visit>
  void each_step(Visit visit) const {
    each_step(0, defect_.size(), visit);
  }

  template <class Predicate>
  std::optional<Step<Count>> first_step(Predicate predicate) const {
    const auto all = std::views::iota(std::size_t(0), defect_.size());
    const auto found = std::ranges::partition_point(all, [&](std::size_t i) { return !predicate(step_of(i)); });
    return found == all.end() ? std::nullopt : std::optional(step_of(*found));
  }

private:
  static Count count(const double* weights, std::size_t n) {
    if constexpr (std::is_same_v<Count, double>) {
      return n > 0 ? weights[n - 1] : 0;
    } else {
      return n;
    }
  }

  Step<Count> step(Key key, std::size_t d0, std::size_t d1, std::size_t g0, std::size_t g1) const {
    return {double(detail::score_of_key<detail::ScoreOf<Key>>(key)), count(defect_weight_, d0),
            count(defect_weight_, d1), count(good_weight_, g0), count(good_weight_, g1)};
  }

  Step<Count> step_of(std::size_t i) const {
    const auto index = [](std::span<const Key> keys, auto end) { return std::size_t(end - keys.begin()); };
    const Key key = defect_[i];
    return step(key, index(defect_, std::lower_bound(defect_.begin(), defect_.end(), key)),
                index(defect_, std::upper_bound(defect_.begin(), defect_.end(), key)),
                index(good_, std::lower_bound(good_.begin(), good_.end(), key)),
                index(good_, std::upper_bound(good_.begin(), good_.end(), key)));
  }

  /// The steps whose first defect lies in [first, last).
  template <class Visit>
  void each_step(std::size_t first, std::size_t last, Visit visit) const {
    const auto up_to = [](Key key) { return [key](Key other) { return other <= key; }; };
    const auto before = [](Key key) { return [key](Key other) { return other < key; }; };
    std::size_t d = first > 0 ? end_of(defect_, first, up_to(defect_[first - 1])) : first;
    if (d >= last) {
      return;
    }
    std::size_t g = std::size_t(std::lower_bound(good_.begin(), good_.end(), defect_[d]) - good_.begin());
    while (d < last) {
      const Key key = defect_[d];
      const std::size_t d1 = end_of(defect_, d, up_to(key));
      const std::size_t g0 = end_of(good_, g, before(key));
      g = end_of(good_, g0, up_to(key));
      visit(step(key, d, d1, g0, g));
      d = d1;
    }
  }

  std::span<const Key> good_, defect_;
  const double *good_weight_, *defect_weight_;
};

void require_both_classes(std::size_t good, std::size_t defects, const char* what = "samples") {
  if (good == 0 || defects == 0) {
    refuse(kRanking, "both classes are needed; got ", good, " good and ", defects, " defect ", what);
  }
}

/// Checks labels and scores; returns the number of defects of each piece.
template <class T>
std::vector<std::size_t> check(std::span<const T> scores, std::span<const std::uint8_t> labels) {
  detail::require_same_length(kRanking, "scores", scores.size(), "labels", labels.size());
  struct Found {
    std::size_t defects = 0;
    bool wrong_label = false, not_finite = false;
  };
  std::vector<Found> found(pieces_of(scores.size()));
  in_pieces(scores.size(), [&](std::size_t piece, std::size_t first, std::size_t last) {
    std::size_t defects = 0;
    std::uint8_t any = 0;
    T sum = 0;  // zero times NaN or infinity is NaN
    for (std::size_t i = first; i < last; ++i) {
      defects += labels[i];
      any |= labels[i];
    }
    for (std::size_t i = first; i < last; ++i) {
      sum += scores[i] * T(0);
    }
    found[piece] = {defects, any > 1, sum != T(0)};
  });
  std::vector<std::size_t> defects;
  std::size_t total = 0;
  for (const Found& piece : found) {
    if (piece.wrong_label) {
      detail::require_binary_labels(kRanking, labels);  // refuses them
    }
    defects.push_back(piece.defects);
    total += piece.defects;
  }
  require_both_classes(scores.size() - total, total);
  if (std::any_of(found.begin(), found.end(), [](const Found& piece) { return piece.not_finite; })) {
    detail::require_finite(kRanking, "scores", scores);
  }
  return defects;
}

template <class Key>
struct Weighted {
  Key key;
  double weight;
};

/// Sorts by key; returns the keys and the sums of the weights up to each.
template <class Key>
void sort_weighted(std::vector<Weighted<Key>>& samples, std::vector<Key>& keys, std::vector<double>& sums) {
  detail::radix_sort(samples, 0, [](const Weighted<Key>& sample) { return sample.key; });
  keys.reserve(samples.size());
  sums.reserve(samples.size());
  detail::CompensatedSum sum;
  double last = 0;
  for (const Weighted<Key>& sample : samples) {
    sum.add(sample.weight);
    last = std::max(last, sum.value());  // rounding must not let a sum of positive weights fall
    keys.push_back(sample.key);
    sums.push_back(last);
  }
}

}  // namespace

template <class T>
void Ranking::fill(std::span<const T> scores, std::span<const std::uint8_t> labels, Values weights) {
  // Classes are sorted apart: keys then need no payload, and every metric follows from merging the two lists.
  using Key = detail::KeyOf<T>;
  const std::vector<std::size_t> defects = check(scores, labels);
  Sorted<Key>& sorted = sorted_.emplace<Sorted<Key>>();
  if (!weights.empty()) {
    detail::require_weights(kRanking, weights, scores.size());
    double largest = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      largest = std::max(largest, weights[i]);
    }
    // A power of two changes no digit and keeps sums and products within range.
    const int exponent = -std::ilogb(largest);
    std::vector<Weighted<Key>> samples[2];
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double weight = std::scalbn(weights[i], exponent);
      if (weight > 0) {
        samples[labels[i]].push_back({detail::descending_key(scores[i]), weight});
      }
    }
    require_both_classes(samples[0].size(), samples[1].size(), "samples of positive weight");
    sort_weighted(samples[0], sorted.good, sorted.good_weight);
    sort_weighted(samples[1], sorted.defect, sorted.defect_weight);
    return;
  }
  std::vector<std::size_t> before(defects.size(), 0);
  for (std::size_t piece = 1; piece < defects.size(); ++piece) {
    before[piece] = before[piece - 1] + defects[piece - 1];
  }
  const std::size_t total = before.back() + defects.back();
  sorted.good.resize(scores.size() - total);
  sorted.defect.resize(total);
  in_pieces(scores.size(), [&](std::size_t piece, std::size_t first, std::size_t last) {
    Key* next[2] = {sorted.good.data() + (first - before[piece]), sorted.defect.data() + before[piece]};
    for (std::size_t i = first; i < last; ++i) {
      *next[labels[i]]++ = detail::descending_key(scores[i]);
    }
  });
  detail::radix_sort(sorted.good);
  detail::radix_sort(sorted.defect);
}

Ranking::Ranking(Values scores, std::span<const std::uint8_t> labels, Values weights) {
  scores.visit([&](auto span) { fill(span, labels, weights); });
}

Ranking::Ranking(std::span<const MapAndMask> items) {
  detail::require_maps(kRanking, items);
  std::size_t pixels = 0, defects = 0;
  for (const MapAndMask& item : items) {
    pixels += item.mask.size();
    for (const std::uint8_t value : item.mask) {
      defects += value != 0;
    }
  }
  require_both_classes(pixels - defects, defects);
  auto& sorted = sorted_.emplace<Sorted<std::uint32_t>>();
  sorted.good.resize(pixels - defects);
  sorted.defect.resize(defects);
  std::uint32_t* next[2] = {sorted.good.data(), sorted.defect.data()};
  for (const MapAndMask& item : items) {
    for (std::size_t p = 0; p < item.map.size(); ++p) {
      *next[item.mask[p] != 0]++ = detail::descending_key(item.map[p]);
    }
  }
  detail::radix_sort(sorted.good);
  detail::radix_sort(sorted.defect);
}

std::size_t Ranking::positives() const {
  return std::visit([](const auto& s) { return s.defect.size(); }, sorted_);
}
std::size_t Ranking::negatives() const {
  return std::visit([](const auto& s) { return s.good.size(); }, sorted_);
}

/// Calls function(steps).
template <class Function>
decltype(auto) Ranking::with_steps(Function function) const {
  return std::visit(
      [&]<class Key>(const Sorted<Key>& s) {
        return s.good_weight.empty()
                   ? function(SortedSteps<Key, std::uint64_t>(s.good, s.defect, nullptr, nullptr))
                   : function(SortedSteps<Key, double>(s.good, s.defect, s.good_weight.data(), s.defect_weight.data()));
      },
      sorted_);
}

double Ranking::auroc() const {
  return with_steps([](const auto& steps) { return detail::auroc(steps); });
}

Ranking::PartialArea Ranking::partial_auroc(double high, double low) const {
  detail::require_unit("partial_auroc", "high", high);
  detail::require_unit("partial_auroc", "low", low);
  if (!(low < high)) {
    refuse("partial_auroc", "low must be below high; got ", low, " and ", high);
  }
  const double area = with_steps([&](const auto& steps) { return detail::partial_area(steps, low, high); });
  const double width = high - low, chance = width * (high + low) / 2;
  return {area, area / width, (1 + (area - chance) / (width - chance)) / 2};
}

double Ranking::average_precision(std::optional<double> prevalence) const {
  if (prevalence) {
    detail::require_open_unit("average_precision", "prevalence", *prevalence);
  }
  return with_steps([&](const auto& steps) { return detail::average_precision(steps, prevalence); });
}

double Ranking::trapezoid_precision_recall_area(std::optional<double> prevalence) const {
  if (prevalence) {
    detail::require_open_unit("trapezoid_precision_recall_area", "prevalence", *prevalence);
  }
  return with_steps([&](const auto& steps) { return detail::trapezoid_precision_recall_area(steps, prevalence); });
}

double Ranking::true_positive_rate_at(double false_positive_rate) const {
  detail::require_unit("true_positive_rate_at", "false_positive_rate", false_positive_rate);
  return with_steps([&](const auto& steps) {
    const auto step = detail::first_step_beyond(steps, false_positive_rate);
    return step ? double(step->defects_above) / double(steps.defect_total()) : 1.0;
  });
}

double Ranking::false_positive_rate_at(double true_positive_rate) const {
  detail::require_unit("false_positive_rate_at", "true_positive_rate", true_positive_rate);
  return with_steps([&](const auto& steps) {
    const auto step = detail::first_step_with(steps, true_positive_rate);
    return true_positive_rate == 0 ? 0.0 : double(step->good) / double(steps.good_total());
  });
}

double Ranking::good_flagged_at_defects_flagged(double share) const {
  detail::require_unit("good_flagged_at_defects_flagged", "share", share);
  return false_positive_rate_at(share);
}

double Ranking::defects_passed_at_good_passed(double share) const {
  detail::require_unit("defects_passed_at_good_passed", "share", share);
  return with_steps([&](const auto& steps) {
    const auto step = detail::first_step_that_passes_less(steps, share);
    const auto defects = steps.defect_total();
    return step ? double(defects - step->defects_above) / double(defects) : 0.0;
  });
}

Ranking::Best Ranking::best_f1() const {
  return with_steps([](const auto& steps) { return detail::best_f1(steps); });
}

std::vector<Ranking::RocPoint> Ranking::roc(std::size_t at_most) const {
  std::vector<RocPoint> points{{std::numeric_limits<double>::infinity(), 0, 0}};
  // A step of the thinned curve is at least 2 / at_most long in |dx| + |dy|; the whole curve is 2 long.
  const double least = at_most > 0 ? 2.0 / double(at_most) : 0.0;
  const auto add = [&](const RocPoint& point) {
    const RocPoint& last = points.back();
    const double length =
        (point.false_positive_rate - last.false_positive_rate) + (point.true_positive_rate - last.true_positive_rate);
    if (length > 0 && length >= least) {
      points.push_back(point);
    }
  };
  // Corners only: the end of each horizontal run (good scores above the next defect score), then of each vertical one.
  RocPoint pending = points.front();
  const auto move_to = [&](const RocPoint& next) {
    const RocPoint& last = points.back();
    const bool same_line = (pending.false_positive_rate == last.false_positive_rate &&
                            next.false_positive_rate == pending.false_positive_rate) ||
                           (pending.true_positive_rate == last.true_positive_rate &&
                            next.true_positive_rate == pending.true_positive_rate);
    if (!same_line) {
      add(pending);
    }
    pending = next;
  };
  with_steps([&](const auto& steps) {
    const double good = double(steps.good_total()), defects = double(steps.defect_total());
    steps.each_step([&](const auto& step) {
      const double before = double(step.good_above) / good;
      if (before > pending.false_positive_rate) {
        move_to({steps.good_score_above(step), before, double(step.defects_above) / defects});
      }
      move_to({step.score, double(step.good) / good, double(step.defects) / defects});
    });
    if (pending.false_positive_rate < 1) {
      move_to({steps.last_good_score(), 1, 1});
    }
  });
  if (points.back().false_positive_rate < 1 || points.back().true_positive_rate < 1) {
    points.push_back(pending);
  }
  return points;
}

std::vector<Ranking::PrPoint> Ranking::precision_recall(std::size_t at_most, std::optional<double> prevalence) const {
  if (prevalence) {
    detail::require_open_unit("precision_recall", "prevalence", *prevalence);
  }
  const double least = at_most > 0 ? 1.0 / double(at_most) : 0.0;
  std::vector<PrPoint> points;
  with_steps([&](const auto& steps) {
    const double defects = double(steps.defect_total()), weight = detail::good_weight(steps, prevalence);
    steps.each_step([&](const auto& step) {
      const double recall = double(step.defects) / defects;
      if (points.empty() || recall == 1 || recall - points.back().recall >= least) {
        points.push_back({step.score, recall, detail::precision(step.defects, step.good, weight)});
      }
    });
  });
  return points;
}

double precision_at_prevalence(double true_positive_rate, double false_positive_rate, double prevalence) {
  constexpr const char* function = "precision_at_prevalence";
  detail::require_unit(function, "true_positive_rate", true_positive_rate);
  detail::require_unit(function, "false_positive_rate", false_positive_rate);
  detail::require_unit(function, "prevalence", prevalence);
  const double defects = prevalence * true_positive_rate, good = (1 - prevalence) * false_positive_rate;
  return defects / (defects + good);
}

}  // namespace oddity::metrics
