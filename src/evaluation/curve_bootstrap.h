#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/intervals.h"

/// Intervals of curve metrics by resampling images. Pixels of one image are not independent, so images are drawn, with
/// replacement and apart for good and defective ones (their numbers are part of the design). Scores are binned once;
/// every metric of a draw is then a walk over summed bin counts, so 500 draws cost less than one sort of all pixels.
namespace oddity {

/// One image's values: scores with 0/1 labels, and for AUPRO the weight 1 / area of the ground-truth region that a
/// defective value belongs to. `regions` may be empty when AUPRO is not asked for.
struct CurveItem {
  std::span<const float> scores;
  std::span<const std::uint8_t> labels;  ///< non-zero = defect
  std::span<const float> region_weight;  ///< same length as scores, or empty
  std::size_t regions = 0;
  bool good = true;  ///< stratum
};

struct CurveValues {
  double auroc = 0, average_precision = 0, f1_max = 0, aupro_030 = 0, aupro_005 = 0;
};

class CurveBootstrap {
public:
  /// Bins the items: distinct scores when there are few, else about `bins` quantiles of defective and good values, with
  /// half of the good ones spent on the tail of large scores where average precision is decided.
  CurveBootstrap(std::span<const CurveItem> items, std::size_t bins = 2048);

  /// Values of the binned full sample; exact when scores were not merged into bins.
  CurveValues point() const;

  struct Intervals {
    metrics::Interval auroc, average_precision, f1_max, aupro_030, aupro_005;
  };
  /// Percentile intervals over `draws` resamples of the rows in `use` (all when empty). Deterministic in `seed`. A
  /// stratum with fewer than 2 images has no spread to resample: the result is then not an interval and `valid` false.
  struct Result {
    Intervals intervals;
    CurveValues point;  ///< of the rows used, binned
    bool valid = false;
  };
  Result resample(std::span<const std::size_t> use, std::size_t draws, std::uint64_t seed, double confidence) const;

private:
  struct Entry {
    std::uint32_t bin;
    float good, defect, region;
  };
  struct Row {
    std::size_t begin = 0, end = 0;  ///< in entries_
    double regions = 0;
    bool good = true;
  };
  struct Sums;
  void add(const Row& row, double weight, Sums& sums) const;

  std::size_t bins_ = 0;  ///< bin 0 holds the largest scores
  std::vector<Entry> entries_;
  std::vector<Row> rows_;
};

}  // namespace oddity
