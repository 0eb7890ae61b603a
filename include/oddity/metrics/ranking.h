#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// How well scores rank positives (defects) above negatives (good). Scores are raw: any finite real, larger is more
/// anomalous. `labels[i]` is 1 for a defect and 0 for good. All functions throw std::invalid_argument for NaN, lengths
/// that differ or a class that is empty.
namespace oddity::metrics {

/// A value with its sample counts and a two-sided interval (NaN when not computed).
struct Estimate {
  double value = 0, low = 0, high = 0;
  std::size_t n_good = 0, n_defect = 0;
};

/// One descending sort shared by every ranking metric. Ties form one step.
class Ranking {
public:
  Ranking(std::span<const float> scores, std::span<const std::uint8_t> labels);
  Ranking(std::span<const double> scores, std::span<const std::uint8_t> labels);

  double auroc() const;              ///< area under ROC with mid-ranks (Mann-Whitney U / nm)
  double average_precision() const;  ///< step form: sum of (R_k - R_{k-1}) P_k
  double true_positive_rate_at(double false_positive_rate) const;  ///< largest TPR with FPR <= limit
  struct Best {
    double f1 = 0, threshold = 0;
  };
  Best best_f1() const;
  struct RocPoint {
    double threshold, false_positive_rate, true_positive_rate;
  };
  std::vector<RocPoint> roc(
      std::size_t at_most = 0) const;  ///< first point (inf, 0, 0); thinned to about `at_most` points when > 0
  struct PrPoint {
    double threshold, recall, precision;
  };
  std::vector<PrPoint> precision_recall(std::size_t at_most = 0) const;
  std::size_t positives() const;
  std::size_t negatives() const;

private:
  std::vector<double> thresholds_;                               ///< distinct scores, descending
  std::vector<std::uint64_t> true_positives_, false_positives_;  ///< cumulative at each threshold
};

/// AUROC with DeLong's variance (Sun & Xu 2014, O(n log n)) and a logit-transformed interval.
Estimate auroc_delong(std::span<const double> scores, std::span<const std::uint8_t> labels, double confidence = 0.95);

}  // namespace oddity::metrics
