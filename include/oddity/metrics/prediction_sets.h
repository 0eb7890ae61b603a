#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/conformal.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/values.h"

/// Sets of classes that hold the true one with a stated probability (split conformal classification). Probabilities are
/// [n, classes], rows that sum to 1 within 1e-3; they are read, never changed. Classes are 0 .. classes - 1.
namespace oddity::metrics {

/// Nonconformity of class c of a row, smaller is more plausible.
enum class SetScore : std::uint8_t {
  lac,     ///< 1 - p_c (Sadinle, Lei, Wasserman 2019): smallest sets, may be empty
  aps,     ///< sum of the probabilities above p_c, plus U p_c (Romano, Sesia, Candes 2020)
  raps,    ///< aps + penalty * max(0, rank_c - free_ranks), rank from 1 (Angelopoulos et al. 2021)
  margin,  ///< largest other probability - p_c
};

struct SetScoreOptions {
  SetScore score = SetScore::lac;
  /// APS and RAPS: one uniform U for each sample, drawn from (seed, sample). Without it U = 1: sets are larger and
  /// cover more than asked for.
  bool randomized = true;
  double penalty = 0;          ///< RAPS: > 0, must be given; other scores: 0
  std::size_t free_ranks = 1;  ///< RAPS: ranks without penalty
  std::uint64_t seed = 0;
};

/// What the guarantee is for.
enum class Conditioning : std::uint8_t {
  marginal,  ///< P(Y in set) >= 1 - alpha over all samples
  by_class,  ///< P(Y in set | Y = c) >= 1 - alpha for each class
  by_group,  ///< P(Y in set | group = g) >= 1 - alpha for each group (Mondrian)
};

struct SetCalibration {
  SetScoreOptions options;
  Conditioning conditioning = Conditioning::marginal;
  double alpha = 0;
  std::size_t classes = 0;
  std::vector<std::int64_t> groups;  ///< by_group: the groups seen, ascending, in the order of thresholds
  std::vector<double> thresholds;    ///< one, or one for each class or group; +infinity where n is too small
  std::vector<ConformalRank> laws;   ///< n, rank, Beta law and n needed of each threshold
};

/// Scores of the true classes. The U of sample i belongs to (seed, "conformal.calibration", first_sample + i). Throws
/// std::invalid_argument for what are no probabilities, labels outside the classes, lengths that differ, a RAPS without
/// penalty.
std::vector<double> set_scores(const Matrix& probabilities, std::span<const std::int64_t> labels,
                               const SetScoreOptions& options, std::uint64_t first_sample = 0);

/// Thresholds at `alpha` in (0, 1). `groups` for by_group only, one a sample. A class or group with too few samples
/// gets an infinite threshold, and its law says which n is needed.
SetCalibration calibrate_sets(const Matrix& probabilities, std::span<const std::int64_t> labels, double alpha,
                              const SetScoreOptions& options = {}, Conditioning conditioning = Conditioning::marginal,
                              std::span<const std::int64_t> groups = {});

/// Sets as bit masks: class c of row i is bit c % 64 of words[i * words_per_row + c / 64].
struct PredictionSets {
  std::size_t rows = 0, classes = 0, words_per_row = 0;
  std::vector<std::uint64_t> words;
  std::vector<std::uint32_t> sizes;  ///< classes in each set
  bool contains(std::size_t row, std::size_t c) const {
    return (words[row * words_per_row + c / 64] >> (c % 64) & 1) != 0;
  }
};

/// {c : score_c <= threshold} for each row. The U of row i belongs to (seed, "conformal.prediction", first_sample + i),
/// so that a row's set does not depend on its batch. Rows of a group that calibration has not seen get all classes.
/// Memory beyond the result: a few rows. Throws as calibrate_sets.
PredictionSets predict_sets(const Matrix& probabilities, const SetCalibration& calibration,
                            std::span<const std::int64_t> groups = {}, std::uint64_t first_sample = 0);

/// A share with its counts and exact interval; NaN with [0, 1] when n = 0.
struct Coverage {
  std::size_t covered = 0, n = 0;
  double value = 0;
  Interval interval;
};
struct SetEvaluation {
  Coverage marginal;
  double mean_size = 0;
  std::size_t empty = 0;           ///< sets without any class
  std::vector<Coverage> by_class;  ///< of the true class
  std::vector<std::size_t> sizes;  ///< the sizes that occur, ascending
  std::vector<Coverage> by_size;   ///< for each of `sizes` (size-stratified coverage)
};
/// Coverage and size of sets on labelled samples. Throws std::invalid_argument when lengths differ or labels are
/// outside the classes.
SetEvaluation evaluate_sets(const PredictionSets& sets, std::span<const std::int64_t> labels, double confidence = 0.95);

}  // namespace oddity::metrics
