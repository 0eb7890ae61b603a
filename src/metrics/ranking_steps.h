#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "metrics/compensated_sum.h"
#include "oddity/metrics/ranking.h"

/// Ranking metrics written once over "steps": the distinct scores that defects have, from the largest to the smallest,
/// each with what lies above it. Sorted scores and streamed buckets provide them:
///
///   Steps::Count                     std::uint64_t (numbers of samples) or double (sums of weights)
///   good_total(), defect_total()     of all samples, above zero
///   reduce<T>(start, visit, join)    visit(T& partial, Step) for each step in order, in pieces that do not depend on
///                                    the number of threads; join(T& total, const T& partial) in order of the pieces
///   just_below(score)                the threshold that flags score and all above it as score > threshold
///   first_step(predicate)            first step for which a predicate holds that is false, ..., false, true, ..., true
namespace oddity::metrics::detail {

__extension__ typedef unsigned __int128 Wide;

/// `above` counts scores above the step's, the other includes those that are equal.
template <class Count>
struct Step {
  double score;
  Count defects_above, defects, good_above, good;
};

/// Sums `term(step)` over the steps.
template <class Steps, class Term>
double sum_over(const Steps& steps, Term term) {
  const auto total = steps.template reduce<CompensatedSum>(
      [&](CompensatedSum& sum, const auto& step) { sum.add(term(step)); },
      [](CompensatedSum& sum, const CompensatedSum& part) { sum.add(part.value()); });
  return total.value();
}

/// Mann-Whitney's U over the number of pairs. Exact for numbers of samples: they may exceed 2^32 in both classes.
template <class Steps>
double auroc(const Steps& steps) {
  using Count = typename Steps::Count;
  const Count good = steps.good_total(), defects = steps.defect_total();
  if constexpr (std::is_same_v<Count, double>) {
    const double twice = sum_over(steps, [&](const Step<double>& s) {
      return (s.defects - s.defects_above) * ((good - s.good) + (good - s.good_above));
    });
    return std::clamp(twice / (2 * good * defects), 0.0, 1.0);
  } else {
    const Wide twice = steps.template reduce<Wide>(
        [&](Wide& sum, const Step<Count>& s) {
          sum += Wide(s.defects - s.defects_above) * ((good - s.good) + (good - s.good_above));
        },
        [](Wide& sum, const Wide& part) { sum += part; });
    return double(static_cast<long double>(twice) /
                  (2.0L * static_cast<long double>(good) * static_cast<long double>(defects)));
  }
}

/// What a good sample weighs beside a defect when precision is that of a line with this share of defects.
template <class Steps>
double good_weight(const Steps& steps, std::optional<double> prevalence) {
  if (!prevalence) {
    return 1;
  }
  const double weight = (1 - *prevalence) / *prevalence * (double(steps.defect_total()) / double(steps.good_total()));
  return std::min(weight, std::numeric_limits<double>::max());  // 0 good samples then still weigh 0
}

/// Share of defects among the flagged; 1 when nothing is flagged.
template <class Count>
double precision(Count defects, Count good, double good_weight) {
  const double flagged = double(defects) + good_weight * double(good);
  return flagged > 0 ? double(defects) / flagged : 1.0;
}

template <class Steps>
double average_precision(const Steps& steps, std::optional<double> prevalence) {
  const double weight = good_weight(steps, prevalence);
  const double sum = sum_over(
      steps, [&](const auto& s) { return double(s.defects - s.defects_above) * precision(s.defects, s.good, weight); });
  return std::clamp(sum / double(steps.defect_total()), 0.0, 1.0);
}

template <class Steps>
double trapezoid_precision_recall_area(const Steps& steps, std::optional<double> prevalence) {
  const double weight = good_weight(steps, prevalence);
  const double twice = sum_over(steps, [&](const auto& s) {
    return double(s.defects - s.defects_above) *
           (precision(s.defects_above, s.good_above, weight) + precision(s.defects, s.good, weight));
  });
  return std::clamp(twice / (2 * double(steps.defect_total())), 0.0, 1.0);
}

/// Area between the false positive rates `low` and `high`. A step adds its defects times the integral of a ramp that
/// rises from 0 to 1 between good_above and good.
template <class Steps>
double partial_area(const Steps& steps, double low, double high) {
  const double good = double(steps.good_total());
  const double sum = sum_over(steps, [&](const auto& s) {
    const double start = double(s.good_above) / good, end = double(s.good) / good;
    const auto integral = [&](double to) {
      return to <= start ? 0 : to >= end ? to - (start + end) / 2 : (to - start) * (to - start) / (2 * (end - start));
    };
    return double(s.defects - s.defects_above) * (integral(high) - integral(low));
  });
  return std::clamp(sum / double(steps.defect_total()), 0.0, high - low);
}

/// A threshold of the largest F1, among those the one that flags least, just below the smallest flagged score: score >
/// threshold flags.
template <class Steps>
Ranking::Best best_f1(const Steps& steps) {
  const double defects = double(steps.defect_total());
  const Ranking::Best none{-1, std::numeric_limits<double>::infinity()};
  Ranking::Best best = steps.template reduce<Ranking::Best>(
      [&](Ranking::Best& largest, const auto& s) {
        const double f1 = 2 * double(s.defects) / (double(s.defects) + double(s.good) + defects);
        if (f1 > largest.f1) {
          largest = {f1, s.score};
        }
      },
      [](Ranking::Best& largest, const Ranking::Best& part) {
        if (part.f1 > largest.f1) {
          largest = part;
        }
      },
      none);
  best.threshold = steps.just_below(best.threshold);
  return best;
}

/// The step behind the last one whose false positive rate keeps the limit; none when all keep it.
template <class Steps>
auto first_step_beyond(const Steps& steps, double false_positive_rate) {
  const double good = double(steps.good_total());
  return steps.first_step([&](const auto& s) { return double(s.good) / good > false_positive_rate; });
}

/// The first step with enough defects; never none for a rate in [0, 1].
template <class Steps>
auto first_step_with(const Steps& steps, double true_positive_rate) {
  const double defects = double(steps.defect_total());
  return steps.first_step([&](const auto& s) { return double(s.defects) / defects >= true_positive_rate; });
}

/// The step behind the last one that passes enough good samples; none when all do.
template <class Steps>
auto first_step_that_passes_less(const Steps& steps, double share_of_good_passed) {
  const auto good = steps.good_total();
  return steps.first_step([=](const auto& s) { return double(good - s.good) / double(good) < share_of_good_passed; });
}

}  // namespace oddity::metrics::detail
