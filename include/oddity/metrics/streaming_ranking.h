#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "oddity/metrics/maps.h"
#include "oddity/metrics/ranking.h"
#include "oddity/metrics/values.h"

namespace oddity::metrics {

/// Ranking metrics of samples that come in pieces and are not kept, such as the pixels of many maps: numbers of good
/// and defect samples in buckets of scores. Scores in one bucket agree in sign, exponent and the first `mantissa_bits`
/// bits of their float32 form, so a bucket is as wide as 2^-mantissa_bits times its scores, whatever their scale;
/// nothing depends on the order of the samples or on how they were cut into pieces.
///
/// Every value comes with bounds that hold for the samples as they were, whatever the order inside the buckets
/// (deterministic, not statistical): `value` is that of Ranking for scores rounded down to their buckets' smallest
/// (for the AUROC the middle of the bounds),
/// and Ranking on the exact scores is in [low, high] (average precision and partial area: up to 1e-12, which the bounds
/// include). While no float32 score has a bit behind the leading ones (8-bit maps, bfloat16; any with 23 bits) all
/// scores in a bucket are equal: low = high = value, up to that 1e-12.
///
/// Numbers of samples are 64-bit integers. Memory: 0.5 MB, and 2^(mantissa_bits + 4) bytes for each power of two that
/// scores reach (2^15 * 16 bytes = 0.5 MB by default), at most 2^(mantissa_bits + 13) bytes (256 MB); a metric reads
/// all of it once. Labels and errors are those of Ranking; metrics throw std::invalid_argument while a class is empty.
class StreamingRanking {
public:
  explicit StreamingRanking(int mantissa_bits = 15);  ///< 7 to 23
  ~StreamingRanking();
  StreamingRanking(StreamingRanking&&) noexcept;
  StreamingRanking& operator=(StreamingRanking&&) noexcept;

  /// Adds samples; `counts`, when given, says how often each of them counts (0 or more). float64 scores must be within
  /// the range of float32; thresholds keep their meaning for them. Nothing is added when an argument is refused, also
  /// when a number of samples would pass 2^62.
  void add(Values scores, std::span<const std::uint8_t> labels, std::span<const std::uint64_t> counts = {});
  /// Adds all pixels; mask values other than zero are defect pixels.
  void add(std::span<const MapAndMask> items);
  /// Adds what `other`, of the same mantissa_bits, was given.
  void merge(const StreamingRanking& other);

  /// low <= value <= high.
  struct Bounded {
    double value = 0, low = 0, high = 1;
  };
  Bounded auroc() const;                                     ///< value is the middle of [low, high]
  Bounded partial_auroc(double high, double low = 0) const;  ///< the area of Ranking::partial_auroc
  Bounded average_precision(std::optional<double> prevalence = {}) const;
  Bounded true_positive_rate_at(double false_positive_rate) const;
  Bounded false_positive_rate_at(double true_positive_rate) const;
  Bounded good_flagged_at_defects_flagged(double share = 0.95) const;  ///< the same
  Bounded defects_passed_at_good_passed(double share = 0.95) const;
  struct Best {
    Bounded f1;            ///< value = low: what `threshold` reaches exactly
    double threshold = 0;  ///< the float32 below its bucket: score > threshold flags
  };
  Best best_f1() const;
  /// Exact points of the curve, one for each bucket in use: (inf, 0, 0), ..., (a threshold at or below all scores, 1,
  /// 1). `at_most` > 0 thins to about that number of points, evenly along the curve.
  std::vector<Ranking::RocPoint> roc(std::size_t at_most = 0) const;
  /// Exact points of the curve, one for each bucket with a defect, by rising recall; thinned evenly in recall.
  std::vector<Ranking::PrPoint> precision_recall(std::size_t at_most = 0, std::optional<double> prevalence = {}) const;

  std::uint64_t positives() const;  ///< defect samples so far
  std::uint64_t negatives() const;  ///< good samples so far
  int mantissa_bits() const;
  std::size_t bytes() const;  ///< memory in use

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace oddity::metrics
