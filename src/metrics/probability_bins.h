#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/calibration.h"
#include "oddity/metrics/values.h"

namespace oddity::metrics::detail {

/// A division of [0, 1]: bin i holds the probabilities from lower[i] up to, not including, lower[i + 1].
class ProbabilityBins {
public:
  /// `lower` ascends strictly and begins with 0.
  explicit ProbabilityBins(std::vector<double> lower);
  std::size_t size() const noexcept { return lower_.size(); }
  double lower(std::size_t i) const noexcept { return lower_[i]; }
  std::size_t index(double probability) const noexcept {
    // A cell of the guide holds few ends: mostly none.
    const auto cell = std::size_t(probability * cells_);
    std::size_t first = guide_[cell], last = guide_[cell + 1];
    while (first < last) {
      const std::size_t middle = first + (last - first + 1) / 2;
      if (lower_[middle] <= probability) {
        first = middle;
      } else {
        last = middle - 1;
      }
    }
    return first;
  }

private:
  std::vector<double> lower_;
  double cells_;                      ///< a power of two
  std::vector<std::uint32_t> guide_;  ///< bin of cell / cells, for cells 0 .. cells + 1
};

/// Everything that is summed over the samples of a bin: w weight in units of `weight_unit`, p probability, y label,
/// d = p - y, v = p (1 - p).
struct BinSums {
  std::size_t n = 0, events = 0;
  double w = 0, wy = 0, wp = 0, wpp = 0, wdd = 0;
  double ww = 0, wwdd = 0, wwv = 0, wwwwvv = 0;

  double mean_probability() const { return wp / w; }
  double rate() const { return wy / w; }
  /// Mean of p - y.
  double gap() const { return (wp - wy) / w; }
};

/// The bins of `options` for these probabilities.
ProbabilityBins bins_of(Values probabilities, std::span<const std::uint8_t> labels, const CalibrationOptions& options,
                        Values weights);

/// Sums of each bin; samples of weight 0 are left out. Pieces of fixed length are added in order, so that the result
/// does not depend on the number of threads.
std::vector<BinSums> bin_sums(const ProbabilityBins& bins, Values probabilities, std::span<const std::uint8_t> labels,
                              Values weights);

/// The sums of every column of the table against "the class of the row is this one": [columns, bins].
std::vector<BinSums> class_bin_sums(const ProbabilityBins& bins, const Matrix& probabilities,
                                    std::span<const std::int64_t> classes, Values weights);

/// The errors of a division of the samples. NaN values and n = 0 when no bin holds a sample.
CalibrationError error_of(std::span<const BinSums> sums);

void require_bins(const char* function, std::size_t bins);

}  // namespace oddity::metrics::detail
