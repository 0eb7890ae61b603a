#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "oddity/metrics/conformal_quantile.h"
#include "oddity/metrics/set_scores.h"
#include "oddity/metrics/values.h"

/// Split conformal prediction sets of classes: the set of a sample holds every class whose score is at most the
/// threshold of the calibration samples. The model must not have seen these in training.
namespace oddity::metrics {

struct SetCalibrationOptions {
  std::vector<double> alphas = {0.1};  ///< wanted miss rates, each in (0, 1); one sort serves all
  /// A threshold for each class from its own samples: every class is covered, P(Y in C | Y = c) >= 1 - alpha. A class
  /// with too few samples has an infinite threshold and is in every set; its quantile says how many it needs.
  bool class_conditional = false;
  /// See conformal_rank: given, the coverage of this calibration set is kept with probability 1 - delta.
  std::optional<double> delta = {};
};

struct SetThresholds {
  enum class Condition { marginal, by_class, by_group };
  SetScore score;
  std::size_t classes = 0;
  Condition condition = Condition::marginal;
  /// Groups are: the single 0 (marginal), all classes, or the groups of the calibration samples. Each quantile states
  /// n, its Beta law, whether it is infinite and the n it needs.
  GroupQuantiles quantiles;
};

/// `probabilities` [samples, classes] and ids as in set_scores; `classes` are the true ones. `groups` (any integers,
/// one for each sample): P(Y in C | group) >= 1 - alpha for each group; not together with class_conditional. Throws
/// std::invalid_argument as set_scores and conformal_quantiles.
SetThresholds calibrate_sets(const Matrix& probabilities, std::span<const std::int64_t> classes, const SetScore& score,
                             const SetCalibrationOptions& options = {}, std::span<const std::int64_t> groups = {},
                             std::span<const std::int64_t> ids = {});

/// Sets as bits: class c is bit c % 64 of word c / 64 of its row.
struct PredictionSets {
  std::size_t levels = 0;  ///< one for each alpha
  std::size_t rows = 0, classes = 0;
  std::size_t words = 0;                ///< for each row: classes / 64, rounded up
  std::vector<std::uint64_t> masks;     ///< [levels, rows, words]; bits from `classes` on are 0
  std::vector<std::uint32_t> sizes;     ///< [levels, rows]
  std::vector<std::uint64_t> infinite;  ///< [levels] rows with an infinite threshold: (partly) full for want of samples

  bool contains(std::size_t level, std::size_t row, std::size_t class_index) const {
    return (masks[(level * rows + row) * words + class_index / 64] >> (class_index % 64) & 1) != 0;
  }
};

/// Sets of new samples, for all alphas in one pass. Memory beside the result: a few rows, and by group 8 bytes for each
/// row and alpha. `groups` must be given when the thresholds are by group; a group that the calibration did not have
/// gets full sets.
/// Throws std::invalid_argument as set_scores, for another number of classes, missing or needless groups.
PredictionSets prediction_sets(const Matrix& probabilities, const SetThresholds& thresholds,
                               std::span<const std::int64_t> groups = {}, std::span<const std::int64_t> ids = {});

/// Sets {c: score_c <= threshold} for thresholds from elsewhere (weighted, adaptive): one for all rows or one for each.
/// Infinity gives full sets, -infinity empty ones; NaN is refused.
PredictionSets prediction_sets_at(const Matrix& probabilities, const SetScore& score, Values thresholds,
                                  std::span<const std::int64_t> ids = {});

}  // namespace oddity::metrics
