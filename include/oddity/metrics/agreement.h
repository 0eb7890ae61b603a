#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

/// Agreement of raters beyond chance, for models beside operators or operators beside each other. kappa = (observed -
/// expected) / (1 - expected): 1 is full agreement, 0 what independent raters with the same habits reach, below 0 is
/// worse. kappa falls with prevalence: compare it only between sets with similar shares of the classes. Intervals are
/// asymptotic, kappa -+ z standard errors within [-1, 1]: below about 50 items or at kappa near 1 they are too short;
/// use `bootstrap` there. All functions throw std::invalid_argument for classes out of range, lengths that differ,
/// fewer than 2 items, or confidence outside (0, 1), and where every rating is the same class: kappa is then 0 / 0.
namespace oddity::metrics {

enum class KappaWeights {
  none,      ///< any two different classes disagree fully
  linear,    ///< disagreement |i - j|, for ordered classes
  quadratic  ///< disagreement (i - j)^2
};

struct Kappa {
  double kappa = 0;
  double standard_error = 0;       ///< of kappa, for intervals
  double null_standard_error = 0;  ///< were the true kappa 0, for the test
  double low = 0, high = 0;        ///< NaN where the error is 0, as for full agreement: the sample shows no spread
  double p_value = 1;              ///< two-sided, of kappa = 0; NaN when the error under the null is 0
  double observed = 0;  ///< weighted share of agreement; the weight of a disagreement d is 1 - d / (largest d)
  double expected = 0;  ///< the same by chance
  std::size_t n = 0;    ///< items
  std::size_t raters = 2;
  std::size_t classes = 0;
};

struct KappaOptions {
  KappaWeights weights = KappaWeights::none;
  double confidence = 0.95;
  std::size_t classes = 0;  ///< ratings are 0 .. classes - 1, at most 4096; 0: the largest rating + 1
};

/// Cohen's kappa (1960, weighted 1968) of two raters of the same items, with the standard errors of Fleiss, Cohen &
/// Everitt (1969). The distance of two ordered classes is that of their numbers, whether or not the classes between
/// them occur.
Kappa cohen_kappa(std::span<const std::int64_t> a, std::span<const std::int64_t> b, const KappaOptions& options = {});

/// Fleiss' kappa (1971) of `raters` >= 2 ratings of each item, [items * raters] row by row; the raters of an item need
/// not be those of the next. Standard error by linearisation over items (Gwet 2021, equal to the infinitesimal
/// jackknife), under the null by Fleiss, Nee & Landis (1979). `options.weights` must be none.
Kappa fleiss_kappa(std::span<const std::int64_t> ratings, std::size_t raters, const KappaOptions& options = {});

}  // namespace oddity::metrics
