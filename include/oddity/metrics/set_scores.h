#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

/// Nonconformity scores of classes: how badly class y fits a row of class probabilities p. Larger is stranger. Classes
/// are ranked by falling probability, of equal ones the smaller index first; rank 1 is the top class.
namespace oddity::metrics {

enum class SetScoreKind {
  lac,     ///< 1 - p_y (Sadinle, Lei, Wasserman 2019): smallest sets on average, least even over easy and hard samples
  aps,     ///< mass ranked above y + U p_y (Romano, Sesia, Candes 2020): sets grow with the difficulty
  raps,    ///< aps + weight max(0, rank_y - free_ranks) (Angelopoulos et al. 2021): without the long tail of aps
  margin,  ///< max_{c != y} p_c - p_y, in [-1, 1] (Lofstrom et al. 2015)
};

/// The two numbers of raps; there is no default, as weight 0 would be aps.
struct RankPenalty {
  double weight = 0;           ///< above 0, finite
  std::size_t free_ranks = 0;  ///< ranks without penalty
};

struct SetScore {
  SetScoreKind kind = SetScoreKind::lac;
  /// aps and raps: U is uniform in [0, 1), one for each sample, drawn from `seed` and the sample's id alone: the same
  /// sample gets the same set in any batch, order and number of threads. false: U = 1. That is valid too, but scores
  /// then crowd below 1, sets are much larger (hundreds of classes instead of ten on ImageNet) and the coverage is not
  /// even over samples. Sets may be empty either way: no class conforms.
  bool randomized = true;
  std::optional<RankPenalty> penalty = {};  ///< raps needs it, the others refuse it
  std::uint64_t seed = 0;
};

/// Calibration and test samples draw U from separate streams, so that equal ids do not share it.
enum class SampleRole { calibration, test };

/// Score of the given class of each row. `probabilities` [samples, classes], float32 or float64, in [0, 1], rows sum to
/// 1 within 1e-3, at least 2 classes; the caller's values are only read. `ids[i]` names sample i in the random stream;
/// empty: 0, 1, ... Scores of aps and raps are in [0, 1.001] plus penalty, lac in [0, 1]. Sums are exact in steps of
/// 2^-52: the same sample has the same score, bit for bit, here and in prediction sets.
/// Throws std::invalid_argument for no sample, values that are no probabilities, a class out of range, lengths that
/// differ, a missing, needless or bad penalty.
std::vector<double> set_scores(const Matrix& probabilities, std::span<const std::int64_t> classes,
                               const SetScore& score, std::span<const std::int64_t> ids = {},
                               SampleRole role = SampleRole::calibration);

/// Scores of every class [samples, classes]; 8 bytes each. Prediction sets do not need them.
std::vector<double> set_scores_of_all_classes(const Matrix& probabilities, const SetScore& score,
                                              std::span<const std::int64_t> ids = {},
                                              SampleRole role = SampleRole::test);

}  // namespace oddity::metrics
