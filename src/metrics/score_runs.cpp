#include "metrics/score_runs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "metrics/check.h"
#include "metrics/just_below.h"
#include "metrics/order.h"
#include "metrics/sort.h"

namespace oddity::metrics::detail {

ScoreRuns score_runs(const char* function, Values scores, std::span<const std::uint8_t> labels) {
  require_same_length(function, "scores", scores.size(), "labels", labels.size());
  require_not_empty(function, "scores", scores.size());
  require_indexable(function, "scores", scores.size());
  require_finite(function, "scores", scores);
  ScoreRuns runs;
  runs.n_defect = require_binary_labels(function, labels);
  runs.n_good = labels.size() - runs.n_defect;
  if (runs.n_defect == 0 || runs.n_good == 0) {
    refuse(function, "labels must hold good parts and defects; got ", runs.n_good, " good and ", runs.n_defect,
           " defective parts");
  }
  runs.run_of.resize(scores.size());
  scores.visit([&]<class T>(std::span<const T> span) {
    struct Part {
      KeyOf<T> key;
      std::uint32_t index;
    };
    std::vector<Part> parts(span.size());
    for (std::size_t i = 0; i < span.size(); ++i) {
      parts[i] = {descending_key(span[i]), std::uint32_t(i)};
    }
    radix_sort(parts, 0, [](const Part& part) { return part.key; });
    for (std::size_t i = 0; i < parts.size();) {
      std::size_t end = i;
      std::uint32_t defects = 0;
      for (; end < parts.size() && parts[end].key == parts[i].key; ++end) {
        defects += labels[parts[end].index];
      }
      const auto good = std::uint32_t(end - i) - defects;
      const auto score = score_of_key<T>(parts[i].key);
      runs.score.push_back(double(score));
      runs.defects.push_back(defects);
      runs.good.push_back(good);
      for (; i < end; ++i) {
        runs.run_of[parts[i].index] = std::uint32_t(runs.defects.size() - 1);
      }
    }
  });
  for (std::size_t run = 0; run < runs.score.size(); ++run) {
    const bool last = run + 1 == runs.score.size();
    runs.below.push_back(
        just_below(runs.score[run], last ? -std::numeric_limits<double>::infinity() : runs.score[run + 1]));
  }
  return runs;
}

ScoreRuns with_good_merged(const ScoreRuns& runs) {
  ScoreRuns merged;
  merged.n_defect = runs.n_defect;
  merged.n_good = runs.n_good;
  std::vector<std::uint32_t> becomes(runs.defects.size());
  for (std::size_t run = 0; run < runs.defects.size(); ++run) {
    if (runs.defects[run] == 0 && run > 0 && runs.defects[run - 1] == 0) {
      merged.good.back() += runs.good[run];
      merged.below.back() = runs.below[run];
    } else {
      merged.score.push_back(runs.score[run]);
      merged.below.push_back(runs.below[run]);
      merged.defects.push_back(runs.defects[run]);
      merged.good.push_back(runs.good[run]);
    }
    becomes[run] = std::uint32_t(merged.defects.size() - 1);
  }
  merged.run_of.resize(runs.run_of.size());
  std::transform(runs.run_of.begin(), runs.run_of.end(), merged.run_of.begin(),
                 [&](std::uint32_t run) { return becomes[run]; });
  return merged;
}

Thresholds thresholds_at(const ScoreRuns& runs, Cuts cuts) {
  const auto threshold = [&](std::size_t cut) {
    return cut == 0 ? std::numeric_limits<double>::infinity() : runs.below[cut - 1];
  };
  return {threshold(cuts.ask), threshold(cuts.reject)};
}

LineRates rates_of(std::span<const std::uint32_t> defects, std::span<const std::uint32_t> good, Cuts cuts,
                   double prevalence) {
  const auto sum = [](std::span<const std::uint32_t> counts) {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  };
  const std::size_t asked = cuts.ask - cuts.reject;
  const double n_defect = double(sum(defects)), n_good = double(sum(good));
  LineRates rates;
  rates.prevalence = prevalence;
  rates.accepted_defects = double(sum(defects.subspan(cuts.ask))) / n_defect;
  rates.asked_defects = double(sum(defects.subspan(cuts.reject, asked))) / n_defect;
  rates.rejected_good = double(sum(good.first(cuts.reject))) / n_good;
  rates.asked_good = double(sum(good.subspan(cuts.reject, asked))) / n_good;
  return rates;
}

Cuts cheapest_cuts(std::span<const std::uint32_t> defects, std::span<const std::uint32_t> good, const CostModel& model,
                   double prevalence, Actions actions, std::size_t most_accepted) {
  const double n_defect = double(std::accumulate(defects.begin(), defects.end(), std::uint64_t{0}));
  const double n_good = double(std::accumulate(good.begin(), good.end(), std::uint64_t{0}));
  const ActionCosts of_defect = action_costs(model, 1), of_good = action_costs(model, 0);
  const double defect = prevalence / n_defect, fine = (1 - prevalence) / n_good;
  // With B and G the defects and good parts above a cut, cost = constant + first(B, G at the cut to reject) + second(B,
  // G at the cut to ask): a running minimum of `first` serves all cuts to ask.
  const bool ask = actions == Actions::three_way;
  const double second_defect = defect * ((ask ? of_defect.ask : of_defect.reject) - of_defect.accept);
  const double second_good = fine * ((ask ? of_good.ask : of_good.reject) - of_good.accept);
  const double first_defect = ask ? defect * (of_defect.reject - of_defect.ask) : 0;
  const double first_good = ask ? fine * (of_good.reject - of_good.ask) : 0;
  // Sums of either may differ by rounding where costs are equal; then the first cut, with the largest threshold, stays.
  const double rounding = 1e-13 * ((std::abs(first_defect) + std::abs(second_defect)) * n_defect +
                                   (std::abs(first_good) + std::abs(second_good)) * n_good);

  Cuts best{}, current{};
  double least = std::numeric_limits<double>::infinity(), least_first = 0;
  std::uint64_t defects_above = 0, good_above = 0;
  for (std::size_t cut = 0; cut <= defects.size(); ++cut) {
    if (cut > 0) {
      defects_above += defects[cut - 1];
      good_above += good[cut - 1];
    }
    const double b = double(defects_above), g = double(good_above);
    const double first = first_defect * b + first_good * g;
    if (first < least_first - rounding) {
      least_first = first;
      current.reject = cut;
    }
    const double cost = least_first + second_defect * b + second_good * g;
    if (cost < least - rounding && n_defect - b <= double(most_accepted)) {
      least = cost;
      best = {ask ? current.reject : cut, cut};
    }
  }
  return best;
}

double prevalence_or(const char* function, std::optional<double> prevalence, const ScoreRuns& runs) {
  if (!prevalence) {
    return double(runs.n_defect) / double(runs.n_defect + runs.n_good);
  }
  require_open_unit(function, "prevalence", *prevalence);
  return *prevalence;
}

}  // namespace oddity::metrics::detail
