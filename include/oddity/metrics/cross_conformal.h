#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "oddity/metrics/prediction_sets.h"

namespace oddity::metrics {

struct CrossConformalSets {
  PredictionSets sets;
  std::size_t n = 0, n_needed = 0;  ///< with n < n_needed every set holds all classes
  double guarantee = 0;             ///< P(Y in set) is at least this
};

/// CV+ sets (Romano, Sesia, Candes 2020; Barber et al. 2021): class c of row x is in the set when #{i : s_i < s_k(i)(x,
/// c)} < (1 - alpha)(n + 1), with s_i the score of calibration sample i by the model without its fold. `out_of_fold`
/// [n, classes], `labels` and `folds` [n], `predictions` one [m, classes] table for each fold's model. Every sample
/// calibrates. Guarantee 1 - 2 alpha - min(2 (1 - 1/K) / (n/K + 1), (1 - K/n) / (K + 1)); near 1 - alpha for stable
/// models. It is proven for folds of equal size. The count is compared in integers. Throws std::invalid_argument as
/// calibrate_sets, for folds outside the tables and folds without samples.
CrossConformalSets cross_conformal_sets(const Matrix& out_of_fold, std::span<const std::int64_t> labels,
                                        std::span<const std::int64_t> folds, std::span<const Matrix> predictions,
                                        double alpha, const SetScoreOptions& options = {});

/// The guarantee above.
double cross_conformal_guarantee(std::size_t n, std::size_t folds, double alpha);

}  // namespace oddity::metrics
