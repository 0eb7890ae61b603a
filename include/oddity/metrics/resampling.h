#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

/// The bootstrap (Efron 1979) over any statistic of n samples. What is drawn with replacement, each draw uniform over
/// the units of its stratum and independent of the others, are units: samples, or whole groups of them. Exact
/// multinomial draws; nothing is approximated by Poisson weights.
namespace oddity::metrics {

enum class BootstrapMethod {
  percentile,  ///< quantiles of the resampled values (Hyndman & Fan 1996, type 7)
  /// Bias-corrected and accelerated (Efron 1987): quantiles moved by the median bias z0 (resampled values equal to the
  /// value count half) and by the skewness a of the leave-one-unit-out values, by stratum as in Davison & Hinkley 1997,
  /// eq. 5.25. Second-order accurate; one more evaluation for each unit.
  bca
};

struct ResamplingOptions {
  BootstrapMethod method = BootstrapMethod::percentile;
  std::size_t resamples = 1000;
  double confidence = 0.95;  ///< of the two-sided interval, in (0, 1)
  std::uint64_t seed = 0;
  /// None, or one for each sample: samples with the same number (photographs of one part, parts of one lot) are drawn
  /// together. Intervals that ignore such groups are too short.
  std::span<const std::int64_t> groups = {};
  /// None, or one for each sample: as many units are drawn from each stratum as it has. A group must lie in one
  /// stratum.
  std::span<const std::int64_t> strata = {};
  bool parallel = true;  ///< the statistic is called from several threads at once; the result is the same
};

struct BootstrapResult {
  double value = 0;  ///< of the samples themselves
  /// Asymptotic: neither method's coverage is guaranteed. NaN where all resampled values are equal (they show no
  /// spread, as for an AUROC of 1), and for BCa where all lie on one side of the value.
  double low = 0, high = 0;
  double standard_error = 0;                     ///< standard deviation of the resampled values
  double bias = 0;                               ///< their mean minus the value
  double bias_correction = 0, acceleration = 0;  ///< z0 and a of BCa, otherwise 0
  std::size_t n = 0, units = 0;
  std::vector<double> resampled;  ///< in the order of drawing
};

/// `statistic(drawn)` gets the indices of the drawn samples, ascending, one as often as it was drawn, and returns the
/// value. The value itself is that of 0 .. n - 1. Throws std::invalid_argument for n = 0, no resample, confidence
/// outside (0, 1), groups or strata that do not fit, and when the statistic is NaN or infinite for a resample (as an
/// AUROC without any defect; strata keep both classes). Does not depend on the number of threads.
using IndexStatistic = std::function<double(std::span<const std::int64_t> drawn)>;
BootstrapResult bootstrap(std::size_t n, const IndexStatistic& statistic, const ResamplingOptions& options = {});

/// The same resamples as weights: `statistic(weights)` gets for each of the n samples how often it was drawn; all 1 for
/// the value itself. For metrics that take weights; nothing is copied.
using WeightStatistic = std::function<double(std::span<const double> weights)>;
BootstrapResult bootstrap_weighted(std::size_t n, const WeightStatistic& statistic,
                                   const ResamplingOptions& options = {});

}  // namespace oddity::metrics
