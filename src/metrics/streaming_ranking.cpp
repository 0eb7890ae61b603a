#include "oddity/metrics/streaming_ranking.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "metrics/check.h"
#include "metrics/ranking_steps.h"
#include "metrics/sort.h"

namespace oddity::metrics {
namespace {

using detail::refuse;
using Step = detail::Step<std::uint64_t>;

constexpr const char* kFunction = "streaming_ranking";
constexpr std::uint64_t kMostSamples = std::uint64_t(1) << 62;
constexpr int kMantissa = 23, kPageBits = 16;
constexpr double kRounding = 1e-12;  ///< of sums of doubles in a value and in its bounds

std::uint32_t key_of(float score) { return detail::descending_key(score); }

/// The bits that tell a score from others in its bucket: all zero for one score a bucket only.
std::uint32_t low_bits(float score, std::uint32_t mask) { return std::bit_cast<std::uint32_t>(score) & mask; }
std::uint32_t low_bits(double score, std::uint32_t mask) {
  return low_bits(float(score), mask) | std::uint32_t(double(float(score)) != score);
}

/// The key of the largest float32 that is not above the score, so that comparisons with float32 thresholds stay as they
/// are.
std::uint32_t key_of(double score) {
  const auto rounded = float(score);
  std::uint32_t key = detail::descending_key(rounded);
  if (double(rounded) > score) {
    constexpr std::uint32_t negative_zero = 0x80000000U;  // zero is 0x7fffffff: its neighbour is one further
    key += key + 1 == negative_zero ? 2 : 1;
  }
  return key;
}

}  // namespace

/// Counters of the buckets, in pages of equal leading 16 bits of the key that exist from their first use.
struct StreamingRanking::State {
  using Count = std::uint64_t;
  struct Cell {
    Count good = 0, defect = 0;
  };

  explicit State(int bits) : mantissa_bits(bits), shift(kMantissa - bits), page_shift(bits - (kPageBits - 9)) {}

  Cell& cell(std::uint32_t key) {
    const std::uint32_t bucket = key >> shift;
    std::unique_ptr<Cell[]>& page = pages[bucket >> page_shift];
    if (!page) {
      page = std::make_unique<Cell[]>(page_size());
    }
    return page[bucket & (page_size() - 1)];
  }
  std::uint32_t low_mask() const { return (std::uint32_t(1) << shift) - 1; }
  std::size_t page_size() const { return std::size_t(1) << page_shift; }

  /// Throws unless that many more samples can be counted.
  void reserve(Count more_good, Count more_defect) const {
    if (more_good > kMostSamples - good || more_defect > kMostSamples - defect) {
      refuse(kFunction, "there are too many samples; got ", std::max(more_good, more_defect), " more after ", good,
             " good and ", defect, " defects; expected at most 2^62 of a class");
    }
  }

  /// The bounds, drawn together where all scores in a bucket are equal; `rounding` is that of the value.
  Bounded bounded(double value, double low, double high, double rounding = 0, double largest = 1) const {
    if (told_apart == 0) {
      low = high = value;
    }
    return {value, std::max(low - rounding, 0.0), std::min(high + rounding, largest)};
  }

  void require_both(const char* function) const {
    if (good == 0 || defect == 0) {
      refuse(function, "both classes are needed; got ", good, " good and ", defect, " defect samples");
    }
  }

  /// The steps of ranking_steps.h: buckets in which defects are.
  Count good_total() const { return good; }
  Count defect_total() const { return defect; }
  double just_below(double score) const {  // of a bucket's smallest float32, any other may lie right below
    return std::nextafter(float(score), -std::numeric_limits<float>::infinity());
  }

  /// Calls visit(step) for each bucket in use, also without defects, until it returns false.
  template <class Visit>
  void each_bucket(Visit visit) const {
    Step step{};
    for (std::size_t p = 0; p < pages.size(); ++p) {
      for (std::size_t i = 0; pages[p] && i < page_size(); ++i) {
        const Cell& here = pages[p][i];
        if (here.good == 0 && here.defect == 0) {
          continue;
        }
        const auto bucket = std::uint32_t(p << page_shift | i);
        const std::uint32_t last_key = bucket << shift | low_mask();
        step.score = double(detail::score_of_key<float>(last_key));
        step.defects_above = std::exchange(step.defects, step.defects + here.defect);
        step.good_above = std::exchange(step.good, step.good + here.good);
        if (!visit(step)) {
          return;
        }
      }
    }
  }
  template <class T, class Visit, class Join>
  T reduce(Visit visit, Join, T start = T()) const {
    each_bucket([&](const Step& step) {
      if (step.defects > step.defects_above) {
        visit(start, step);
      }
      return true;
    });
    return start;
  }
  template <class Predicate>
  std::optional<Step> first_step(Predicate predicate) const {
    std::optional<Step> found;
    each_bucket([&](const Step& step) {
      if (step.defects > step.defects_above && predicate(step)) {
        found = step;
      }
      return !found;
    });
    return found;
  }

  int mantissa_bits, shift, page_shift;
  Count good = 0, defect = 0;
  std::uint32_t told_apart = 0;  ///< zero while all scores in a bucket are equal: values are then exact
  std::vector<std::unique_ptr<Cell[]>> pages = std::vector<std::unique_ptr<Cell[]>>(std::size_t(1) << kPageBits);
};

StreamingRanking::StreamingRanking(int mantissa_bits) {
  if (mantissa_bits < 7 || mantissa_bits > kMantissa) {
    refuse(kFunction, "mantissa_bits is out of range; got ", mantissa_bits, "; expected 7 to 23");
  }
  state_ = std::make_unique<State>(mantissa_bits);
}
StreamingRanking::~StreamingRanking() = default;
StreamingRanking::StreamingRanking(StreamingRanking&&) noexcept = default;
StreamingRanking& StreamingRanking::operator=(StreamingRanking&&) noexcept = default;

void StreamingRanking::add(Values scores, std::span<const std::uint8_t> labels, std::span<const std::uint64_t> counts) {
  detail::require_same_length(kFunction, "scores", scores.size(), "labels", labels.size());
  if (!counts.empty()) {
    detail::require_same_length(kFunction, "scores", scores.size(), "counts", counts.size());
  }
  detail::require_finite(kFunction, "scores", scores);
  std::uint64_t more[2] = {0, 0};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] > 1) {
      refuse(kFunction, "labels must be 0 (good) or 1 (defect); got ", int(labels[i]), " at index ", i);
    }
    const std::uint64_t count = counts.empty() ? 1 : counts[i];
    if (count > kMostSamples - std::min(more[labels[i]], kMostSamples)) {
      refuse(kFunction, "counts are too large; got ", count, " at index ", i, "; expected a sum of at most 2^62");
    }
    more[labels[i]] += count;
  }
  state_->reserve(more[0], more[1]);
  scores.visit([&](auto span) {
    using Score = std::remove_cv_t<typename decltype(span)::value_type>;
    if constexpr (sizeof(Score) > sizeof(float)) {
      for (std::size_t i = 0; i < span.size(); ++i) {
        if (std::abs(span[i]) > double(std::numeric_limits<float>::max())) {
          refuse(kFunction, "scores must be within the range of float32; got ", span[i], " at index ", i);
        }
      }
    }
    const std::uint32_t mask = state_->low_mask();
    for (std::size_t i = 0; i < span.size(); ++i) {
      const std::uint64_t count = counts.empty() ? 1 : counts[i];
      if (count > 0) {
        state_->told_apart |= low_bits(span[i], mask);
        State::Cell& cell = state_->cell(key_of(span[i]));
        (labels[i] != 0 ? cell.defect : cell.good) += count;
      }
    }
  });
  state_->good += more[0];
  state_->defect += more[1];
}

void StreamingRanking::add(std::span<const MapAndMask> items) {
  detail::require_maps(kFunction, items);
  std::uint64_t pixels = 0, defects = 0;
  for (const MapAndMask& item : items) {
    pixels += item.mask.size();
    defects += std::uint64_t(item.mask.size()) - std::uint64_t(std::count(item.mask.begin(), item.mask.end(), 0));
  }
  state_->reserve(pixels - defects, defects);
  const std::uint32_t mask = state_->low_mask();
  for (const MapAndMask& item : items) {
    for (std::size_t p = 0; p < item.map.size(); ++p) {
      state_->told_apart |= low_bits(item.map[p], mask);
      State::Cell& cell = state_->cell(key_of(item.map[p]));
      ++(item.mask[p] != 0 ? cell.defect : cell.good);
    }
  }
  state_->good += pixels - defects;
  state_->defect += defects;
}

void StreamingRanking::merge(const StreamingRanking& other) {
  const State& from = *other.state_;
  if (from.mantissa_bits != state_->mantissa_bits) {
    refuse(kFunction, "mantissa_bits differ; got ", state_->mantissa_bits, " and ", from.mantissa_bits);
  }
  state_->reserve(from.good, from.defect);
  state_->told_apart |= from.told_apart;
  for (std::size_t p = 0; p < from.pages.size(); ++p) {
    if (!from.pages[p]) {
      continue;
    }
    if (!state_->pages[p]) {
      state_->pages[p] = std::make_unique<State::Cell[]>(state_->page_size());
    }
    for (std::size_t i = 0; i < state_->page_size(); ++i) {
      const State::Cell add = from.pages[p][i];  // a copy: `other` may be this object
      state_->pages[p][i].good += add.good;
      state_->pages[p][i].defect += add.defect;
    }
  }
  const std::uint64_t good = from.good, defect = from.defect;
  state_->good += good;
  state_->defect += defect;
}

StreamingRanking::Bounded StreamingRanking::auroc() const {
  state_->require_both("auroc");
  // Within a bucket at worst all good samples lie above all defects, at best below: half the bucket's pairs either way.
  using detail::Wide;
  const auto [twice, mixed] = state_->reduce<std::pair<Wide, Wide>>(
      [&](std::pair<Wide, Wide>& sum, const Step& s) {
        const Wide defects = s.defects - s.defects_above;
        sum.first += defects * ((state_->good - s.good) + (state_->good - s.good_above));
        sum.second += defects * (s.good - s.good_above);
      },
      nullptr);
  const long double pairs = 2.0L * static_cast<long double>(state_->good) * static_cast<long double>(state_->defect);
  const auto share = [&](Wide of) { return double(static_cast<long double>(of) / pairs); };
  return state_->bounded(share(twice), share(twice - mixed), share(twice + mixed));
}

StreamingRanking::Bounded StreamingRanking::partial_auroc(double high, double low) const {
  constexpr const char* function = "partial_auroc";
  detail::require_unit(function, "high", high);
  detail::require_unit(function, "low", low);
  if (!(low < high)) {
    refuse(function, "low must be below high; got ", low, " and ", high);
  }
  state_->require_both(function);
  const double good = double(state_->good), defects = double(state_->defect);
  const auto area_if_at = [&](auto false_positives_of) {
    const double sum = detail::sum_over(*state_, [&](const Step& s) {
      const double rate = double(false_positives_of(s)) / good;
      return double(s.defects - s.defects_above) * std::clamp(high - rate, 0.0, high - low);
    });
    return sum / defects;
  };
  const double worst = area_if_at([](const Step& s) { return s.good; });
  const double best = area_if_at([](const Step& s) { return s.good_above; });
  return state_->bounded(detail::partial_area(*state_, low, high), worst, best, kRounding, high - low);
}

StreamingRanking::Bounded StreamingRanking::average_precision(std::optional<double> prevalence) const {
  if (prevalence) {
    detail::require_open_unit("average_precision", "prevalence", *prevalence);
  }
  state_->require_both("average_precision");
  const double weight = detail::good_weight(*state_, prevalence), defects = double(state_->defect);
  // At best all defects of a bucket are equal and above its good samples; at worst they are distinct and below. The
  // precisions p_1, ..., p_n of the latter are concave in the rank, so their sum is at least n (p_1 + p_n) / 2.
  const double worst = detail::sum_over(*state_, [&](const Step& s) {
    return double(s.defects - s.defects_above) *
           (detail::precision(s.defects_above + 1, s.good, weight) + detail::precision(s.defects, s.good, weight)) / 2;
  });
  const double best = detail::sum_over(*state_, [&](const Step& s) {
    return double(s.defects - s.defects_above) * detail::precision(s.defects, s.good_above, weight);
  });
  return state_->bounded(detail::average_precision(*state_, prevalence), worst / defects, best / defects, kRounding);
}

StreamingRanking::Bounded StreamingRanking::true_positive_rate_at(double false_positive_rate) const {
  constexpr const char* function = "true_positive_rate_at";
  detail::require_unit(function, "false_positive_rate", false_positive_rate);
  state_->require_both(function);
  const auto step = detail::first_step_beyond(*state_, false_positive_rate);
  if (!step) {
    return {1, 1, 1};
  }
  const double defects = double(state_->defect), value = double(step->defects_above) / defects;
  const bool passed_above = double(step->good_above) / double(state_->good) > false_positive_rate;
  return state_->bounded(value, value, passed_above ? value : double(step->defects) / defects);
}

StreamingRanking::Bounded StreamingRanking::false_positive_rate_at(double true_positive_rate) const {
  constexpr const char* function = "false_positive_rate_at";
  detail::require_unit(function, "true_positive_rate", true_positive_rate);
  state_->require_both(function);
  if (true_positive_rate == 0) {
    return {0, 0, 0};
  }
  const auto step = detail::first_step_with(*state_, true_positive_rate);
  const double good = double(state_->good), value = double(step->good) / good;
  return state_->bounded(value, double(step->good_above) / good, value);
}

StreamingRanking::Bounded StreamingRanking::good_flagged_at_defects_flagged(double share) const {
  detail::require_unit("good_flagged_at_defects_flagged", "share", share);
  return false_positive_rate_at(share);
}

StreamingRanking::Bounded StreamingRanking::defects_passed_at_good_passed(double share) const {
  constexpr const char* function = "defects_passed_at_good_passed";
  detail::require_unit(function, "share", share);
  state_->require_both(function);
  const auto step = detail::first_step_that_passes_less(*state_, share);
  if (!step) {
    return {0, 0, 0};
  }
  const double good = double(state_->good), defects = double(state_->defect);
  const double value = double(state_->defect - step->defects_above) / defects;
  const bool too_few_above = double(state_->good - step->good_above) / good < share;
  return state_->bounded(value, too_few_above ? value : double(state_->defect - step->defects) / defects, value);
}

StreamingRanking::Best StreamingRanking::best_f1() const {
  state_->require_both("best_f1");
  const Ranking::Best best = detail::best_f1(*state_);
  // A threshold inside a bucket flags at best all its defects and none of its good samples.
  const double high = state_->reduce<double>(
      [&](double& largest, const Step& s) {
        const double f1 = 2 * double(s.defects) / (double(s.defects) + double(s.good_above) + double(state_->defect));
        largest = std::max(largest, f1);
      },
      nullptr);
  return {state_->bounded(best.f1, best.f1, high), best.threshold};
}

std::vector<Ranking::RocPoint> StreamingRanking::roc(std::size_t at_most) const {
  state_->require_both("roc");
  const double good = double(state_->good), defects = double(state_->defect);
  const double least = at_most > 0 ? 2.0 / double(at_most) : 0.0;
  std::vector<Ranking::RocPoint> points{{std::numeric_limits<double>::infinity(), 0, 0}};
  state_->each_bucket([&](const Step& step) {
    const double x = double(step.good) / good, y = double(step.defects) / defects;
    const double length = (x - points.back().false_positive_rate) + (y - points.back().true_positive_rate);
    if (length >= least || (x == 1 && y == 1)) {
      points.push_back({step.score, x, y});
    }
    return true;
  });
  return points;
}

std::vector<Ranking::PrPoint> StreamingRanking::precision_recall(std::size_t at_most,
                                                                 std::optional<double> prevalence) const {
  if (prevalence) {
    detail::require_open_unit("precision_recall", "prevalence", *prevalence);
  }
  state_->require_both("precision_recall");
  const double least = at_most > 0 ? 1.0 / double(at_most) : 0.0, defects = double(state_->defect);
  const double weight = detail::good_weight(*state_, prevalence);
  std::vector<Ranking::PrPoint> points;
  state_->each_bucket([&](const Step& step) {
    const double recall = double(step.defects) / defects;
    const bool rises = step.defects > step.defects_above;
    if (rises && (points.empty() || recall == 1 || recall - points.back().recall >= least)) {
      points.push_back({step.score, recall, detail::precision(step.defects, step.good, weight)});
    }
    return true;
  });
  return points;
}

std::uint64_t StreamingRanking::positives() const { return state_->defect; }
std::uint64_t StreamingRanking::negatives() const { return state_->good; }
int StreamingRanking::mantissa_bits() const { return state_->mantissa_bits; }
std::size_t StreamingRanking::bytes() const {
  const auto used = std::size_t(
      std::count_if(state_->pages.begin(), state_->pages.end(), [](const auto& p) { return p != nullptr; }));
  return state_->pages.size() * sizeof(state_->pages[0]) + used * state_->page_size() * sizeof(State::Cell);
}

}  // namespace oddity::metrics
