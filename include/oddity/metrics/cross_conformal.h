#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/prediction_sets.h"
#include "oddity/metrics/regression_intervals.h"

/// CV+ and jackknife+: all samples serve training and calibration. K models are trained, each without its fold; the
/// score of a sample comes from the model that has not seen it. Folds must not depend on the samples' values, and
/// training must not depend on their order.
namespace oddity::metrics {

/// Out-of-fold scores (larger is stranger), kept by fold.
class CrossConformal {
public:
  /// `folds[i]`, 0 to K - 1, is the fold of sample i; K = n is jackknife+. Throws std::invalid_argument for empty
  /// input, NaN, infinity, lengths that differ, fewer than 2 folds, a number without samples.
  CrossConformal(Values scores, std::span<const std::int64_t> folds);

  std::size_t n() const noexcept { return n_; }
  std::size_t folds() const noexcept { return sorted_.size(); }
  const std::vector<double>& scores_of(std::size_t fold) const { return sorted_[fold]; }  ///< ascending

  /// What is proven: P(covered) >= 1 - 2 alpha - e, below that 0; in practice the coverage is near 1 - alpha. e is the
  /// smaller of 2 (1 - alpha)(K - 1) / (n + K) (Vovk et al. 2018, any folds: twice the mean of the folds' p-values,
  /// weighted by size + 1, is a p-value) and, for folds of one size, (1 - K / n) / (K + 1) (Foygel Barber et al. 2021,
  /// theorem 4; for sets Romano et al. 2020, theorem 3): 0 for jackknife+. Throws std::invalid_argument for alpha
  /// outside (0, 1).
  double guaranteed_coverage(double alpha) const;

private:
  std::size_t n_ = 0;
  bool equal_folds_ = true;
  std::vector<std::vector<double>> sorted_;
};

/// Sets {c: #{i: s_i < s_c by the model without the fold of i} < (1 - alpha)(n + 1)} (Romano, Sesia, Candes 2020), the
/// right side exact as in conformal_rank, for each alpha. `probabilities[k]` [samples, classes] are those of the model
/// without fold k; `calibration` holds the set_scores of the training samples. Memory beside the result does not grow
/// with samples times n. `infinite` is all rows where n is below ceil(1 / alpha) - 1. Throws std::invalid_argument as
/// prediction_sets, for tables that are not one for each fold or differ in size or float type.
PredictionSets cross_conformal_sets(std::span<const Matrix> probabilities, const CrossConformal& calibration,
                                    const SetScore& score, std::span<const double> alphas,
                                    std::span<const std::int64_t> ids = {});

/// Intervals [q-{f_k(i) - s_i}, q+{f_k(i) + s_i}] (Foygel Barber et al. 2021) with q+ the k-th smallest, q- the k-th
/// largest of n, k of conformal_rank. `predictions` [samples, K] are those of the models without fold k; `calibration`
/// holds residual_scores without scales. low > high (possible for alpha above 1/2): empty. Infinite where n is too
/// small. No list of n sums for each sample is made. Throws std::invalid_argument for empty input, NaN, infinity,
/// columns that are not the folds, a negative score, alpha outside (0, 1).
Intervals cross_conformal_intervals(const Matrix& predictions, const CrossConformal& calibration, double alpha);

}  // namespace oddity::metrics
