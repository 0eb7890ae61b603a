#include "oddity/metrics/prediction_sets.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/threads.h"
#include "metrics/alphas.h"
#include "metrics/check.h"
#include "metrics/row_scorer.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// What scores may be at most: [levels, 1], [levels, rows] or [levels, classes].
struct Limits {
  enum class Each { level, row, class_index } each = Each::level;
  std::vector<double> values;
};

PredictionSets sets_within(const char* function, const Matrix& probabilities, const SetScore& score, std::size_t levels,
                           const Limits& limits, std::span<const std::int64_t> ids) {
  const std::size_t rows = probabilities.rows, columns = probabilities.columns;
  const std::size_t of_level = limits.values.size() / levels;
  PredictionSets sets;
  sets.levels = levels;
  sets.rows = rows;
  sets.classes = columns;
  sets.words = (columns + 63) / 64;
  sets.masks.resize(levels * rows * sets.words);
  sets.sizes.resize(levels * rows);
  for (std::size_t level = 0; level < levels; ++level) {
    const auto first = limits.values.begin() + std::ptrdiff_t(level * of_level);
    const auto infinite = std::uint64_t(std::count(first, first + std::ptrdiff_t(of_level), HUGE_VAL));
    sets.infinite.push_back(limits.each == Limits::Each::row ? infinite : infinite > 0 ? rows : 0);
  }
  probabilities.values.visit([&](auto values) {
    using T = std::remove_const_t<typename decltype(values)::element_type>;
    const auto piece = [&](std::int64_t first, std::int64_t last) {
      detail::RowScorer<T> scorer(score, columns);
      for (auto row = std::size_t(first); row < std::size_t(last); ++row) {
        if (!scorer.load(values.data() + row * columns)) {
          detail::refuse_row(function, "probabilities", probabilities, row);
        }
        const double u = detail::uniform_of(score, SampleRole::test, detail::id_of(ids, row));
        for (std::size_t level = 0; level < levels; ++level) {
          std::uint64_t* words = &sets.masks[(level * rows + row) * sets.words];
          const double* limit = &limits.values[level * of_level];
          const std::size_t size = limits.each == Limits::Each::class_index
                                       ? scorer.mark(u, std::span(limit, columns), words)
                                       : scorer.mark(u, limit[limits.each == Limits::Each::row ? row : 0], words);
          sets.sizes[level * rows + row] = std::uint32_t(size);
        }
      }
    };
    thread_pool().parallel_for(0, std::int64_t(rows), detail::rows_per_piece(columns), piece);
  });
  return sets;
}

/// Quantiles of all classes, those without a calibration sample included.
GroupQuantiles for_each_class(const GroupQuantiles& found, std::size_t classes, std::optional<double> delta) {
  GroupQuantiles result{.alphas = found.alphas, .groups = {}, .quantiles = {}};
  for (std::size_t c = 0; c < classes; ++c) {
    result.groups.push_back(std::int64_t(c));
  }
  for (std::size_t a = 0; a < found.alphas.size(); ++a) {
    ConformalQuantile none;
    static_cast<ConformalRank&>(none) = conformal_rank(0, found.alphas[a], delta);
    for (std::size_t c = 0; c < classes; ++c) {
      const std::size_t at = found.find(std::int64_t(c));
      result.quantiles.push_back(at < found.groups.size() ? found.at(a, at) : none);
    }
  }
  return result;
}

}  // namespace

SetThresholds calibrate_sets(const Matrix& probabilities, std::span<const std::int64_t> classes, const SetScore& score,
                             const SetCalibrationOptions& options, std::span<const std::int64_t> groups,
                             std::span<const std::int64_t> ids) {
  constexpr const char* function = "calibrate_sets";
  detail::require_alphas(function, options.alphas, options.delta);
  if (options.class_conditional && !groups.empty()) {
    refuse(function, "groups cannot go with class_conditional; expected one of the two");
  }
  SetThresholds result{.score = score, .classes = probabilities.columns, .condition = {}, .quantiles = {}};
  const std::vector<double> scores =
      detail::scores_of_classes(function, probabilities, classes, score, ids, SampleRole::calibration);
  if (options.class_conditional) {
    result.condition = SetThresholds::Condition::by_class;
    result.quantiles = for_each_class(group_conformal_quantiles(scores, classes, options.alphas, options.delta),
                                      probabilities.columns, options.delta);
  } else if (!groups.empty()) {
    detail::require_same_length(function, "probabilities", probabilities.rows, "groups", groups.size());
    result.condition = SetThresholds::Condition::by_group;
    result.quantiles = group_conformal_quantiles(scores, groups, options.alphas, options.delta);
  } else {
    result.quantiles = {options.alphas, {0}, conformal_quantiles(scores, options.alphas, options.delta)};
  }
  return result;
}

PredictionSets prediction_sets(const Matrix& probabilities, const SetThresholds& thresholds,
                               std::span<const std::int64_t> groups, std::span<const std::int64_t> ids) {
  constexpr const char* function = "prediction_sets";
  using Condition = SetThresholds::Condition;
  detail::require_score(function, thresholds.score);
  detail::require_class_table(function, "probabilities", probabilities, ids);
  if (probabilities.columns != thresholds.classes) {
    refuse(function, "probabilities differ in classes from the calibration; got ", probabilities.columns, "; expected ",
           thresholds.classes);
  }
  if ((thresholds.condition == Condition::by_group) != !groups.empty()) {
    refuse(function, groups.empty() ? "groups are missing; the thresholds are by group"
                                    : "groups are given; the thresholds are not by group");
  }
  const GroupQuantiles& quantiles = thresholds.quantiles;
  const std::size_t levels = quantiles.alphas.size();
  if (levels == 0 || quantiles.quantiles.size() != levels * quantiles.groups.size() ||
      (thresholds.condition == Condition::marginal && quantiles.groups.size() != 1) ||
      (thresholds.condition == Condition::by_class && quantiles.groups.size() != thresholds.classes)) {
    refuse(function, "thresholds do not fit together; expected the result of calibrate_sets");
  }
  Limits limits;
  if (thresholds.condition == Condition::by_group) {
    detail::require_same_length(function, "probabilities", probabilities.rows, "groups", groups.size());
    limits.each = Limits::Each::row;
    for (std::size_t level = 0; level < levels; ++level) {
      const std::vector<double> of_rows = quantiles.thresholds(groups, level);
      limits.values.insert(limits.values.end(), of_rows.begin(), of_rows.end());
    }
  } else {
    limits.each = thresholds.condition == Condition::by_class ? Limits::Each::class_index : Limits::Each::level;
    for (const ConformalQuantile& quantile : quantiles.quantiles) {
      limits.values.push_back(quantile.threshold);
    }
  }
  return sets_within(function, probabilities, thresholds.score, levels, limits, ids);
}

PredictionSets prediction_sets_at(const Matrix& probabilities, const SetScore& score, Values thresholds,
                                  std::span<const std::int64_t> ids) {
  constexpr const char* function = "prediction_sets_at";
  detail::require_score(function, score);
  detail::require_class_table(function, "probabilities", probabilities, ids);
  if (thresholds.size() != 1 && thresholds.size() != probabilities.rows) {
    refuse(function, "thresholds must be one, or one for each row; got ", thresholds.size(), " for ",
           probabilities.rows, " rows");
  }
  Limits limits;
  limits.each = thresholds.size() == 1 ? Limits::Each::level : Limits::Each::row;
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    if (std::isnan(thresholds[i])) {
      refuse(function, "thresholds must not be NaN; got NaN at index ", i);
    }
    limits.values.push_back(thresholds[i]);
  }
  return sets_within(function, probabilities, score, 1, limits, ids);
}

}  // namespace oddity::metrics
