#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "oddity/metrics/maps.h"

/// How well scores rank positives (defects) above negatives (good). Scores are raw: any finite real, larger is more
/// anomalous; they are never squeezed into [0, 1]. `labels[i]` is 1 for a defect and 0 for good. All functions throw
/// std::invalid_argument for NaN or infinite scores, other labels, lengths that differ or a class that is empty.
namespace oddity::metrics {

/// A value with its sample counts and a two-sided interval (NaN when not computed).
struct Estimate {
  double value = 0, low = 0, high = 0;
  std::size_t n_good = 0, n_defect = 0;
};

/// One sort shared by every ranking metric. Ties form one step. A part is called defective when score >= threshold.
class Ranking {
public:
  Ranking(std::span<const float> scores, std::span<const std::uint8_t> labels);
  Ranking(std::span<const double> scores, std::span<const std::uint8_t> labels);
  /// All pixels of all images; mask values other than zero are defect pixels.
  explicit Ranking(std::span<const MapAndMask> items);

  double auroc() const;              ///< area under ROC with mid-ranks (Mann-Whitney U / nm)
  double average_precision() const;  ///< step form: sum of (R_k - R_{k-1}) P_k
  double true_positive_rate_at(double false_positive_rate) const;  ///< largest TPR with FPR <= limit in [0, 1]
  double false_positive_rate_at(double true_positive_rate) const;  ///< smallest FPR with TPR >= limit in [0, 1]
  struct Best {
    double f1 = 0, threshold = 0;
  };
  Best best_f1() const;  ///< the largest threshold among those of equal F1
  struct RocPoint {
    double threshold, false_positive_rate, true_positive_rate;
  };
  /// First point (inf, 0, 0), last (smallest score, 1, 1). Points inside a vertical or horizontal run are dropped, as
  /// they change no straight line; `at_most` > 0 thins to about that number of points, evenly along the curve.
  std::vector<RocPoint> roc(std::size_t at_most = 0) const;
  struct PrPoint {
    double threshold, recall, precision;
  };
  /// One point per distinct defect score, by rising recall (scores that only good samples have lower precision at
  /// unchanged recall); `at_most` > 0 thins to about that number of points, evenly in recall.
  std::vector<PrPoint> precision_recall(std::size_t at_most = 0) const;
  std::size_t positives() const;
  std::size_t negatives() const;

private:
  template <class T>
  struct Sorted {
    std::vector<T> good, defect;  ///< descending
  };
  template <class T>
  void fill(std::span<const T> scores, std::span<const std::uint8_t> labels);
  template <class Visit>
  void each_defect_score(Visit visit) const;

  std::variant<Sorted<float>, Sorted<double>> sorted_;
};

/// AUROC with DeLong's variance (Sun & Xu 2014, O(n log n)) and a logit-transformed interval at `confidence` in (0, 1).
/// Where the variance is zero or cannot be estimated (perfect separation, one sample in a class) the interval comes
/// from the k = min(n_good, n_defect) disjoint pairs, which are independent: AUROC 1 gives [(alpha / 2)^(1/k), 1] (all
/// k pairs are ordered with probability AUROC^k at most), AUROC 0 the mirror image, any other value Hoeffding's bound
/// value -+ sqrt(log(2 / alpha) / (2 k)) clipped to [0, 1]. These are conservative.
Estimate auroc_delong(std::span<const double> scores, std::span<const std::uint8_t> labels, double confidence = 0.95);

}  // namespace oddity::metrics
