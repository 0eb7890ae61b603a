#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "oddity/metrics/maps.h"
#include "oddity/metrics/values.h"

/// How well scores rank positives (defects) above negatives (good). Scores are raw: any finite real, larger is more
/// anomalous; they are never squeezed into [0, 1]. `labels[i]` is 1 for a defect and 0 for good. All functions throw
/// std::invalid_argument for NaN or infinite scores, other labels, lengths that differ or a class that is empty.
namespace oddity::metrics {

/// A value with its sample counts and a two-sided interval (NaN when not computed).
struct Estimate {
  double value = 0, low = 0, high = 0;
  std::size_t n_good = 0, n_defect = 0;
};

/// One sort shared by every ranking metric, O(n) after it. Ties form one step. Points of curves flag a part when
/// score >= threshold; the threshold of best_f1, a decision, rejects score > threshold. The values are exact functions
/// of the sample and carry no interval: delong_auroc and the bootstrap have one. No result depends on the number of
/// threads.
class Ranking {
public:
  /// `weights`: none (empty), or one for each sample, finite and not negative. A sample of weight w counts as w equal
  /// samples; one of weight 0 is as if it were absent. Both classes need a sample of positive weight.
  Ranking(Values scores, std::span<const std::uint8_t> labels, Values weights = {});
  /// All pixels of all images; mask values other than zero are defect pixels.
  explicit Ranking(std::span<const MapAndMask> items);

  /// Area under the ROC curve with mid-ranks: P(defect above good) + P(equal) / 2 (Mann-Whitney U / nm). In [0, 1],
  /// large is good, 0.5 is chance. Unweighted counts are exact integers.
  double auroc() const;
  /// The part of that area between two false positive rates, 0 <= low < high <= 1, ties joined by straight lines.
  /// `area` is in [0, high - low], `mean` = area / (high - low) is the mean true positive rate there, `standardized` is
  /// McClish's (1989) (1 + (area - chance) / (high - low - chance)) / 2 with chance = (high^2 - low^2) / 2: 0.5 for a
  /// ranking by chance, 1 for a perfect one.
  struct PartialArea {
    double area = 0, mean = 0, standardized = 0;
  };
  PartialArea partial_auroc(double high, double low = 0) const;

  /// Step form: sum of (R_k - R_{k-1}) P_k over the distinct scores. In (0, 1], large is good; chance is the share of
  /// defects, so values of sets with other shares cannot be compared: `prevalence` in (0, 1) gives the value for a line
  /// with that share of defects (precision_at_prevalence at every step).
  double average_precision(std::optional<double> prevalence = {}) const;
  /// The same area by trapezoids between the points of the precision-recall curve, the first of which is (recall 0,
  /// precision 1): what others call AUPR. Too optimistic, as precision is not linear between points (Davis & Goadrich
  /// 2006); for comparison with papers that use it.
  double trapezoid_precision_recall_area(std::optional<double> prevalence = {}) const;

  /// Largest share of defects flagged among thresholds that flag at most this share of good, in [0, 1]. Large is good.
  double true_positive_rate_at(double false_positive_rate) const;
  /// Smallest share of good flagged among thresholds that flag at least this share of defects, in [0, 1]. Small is
  /// good. At 0.95 the "FPR95" of those who call the defect positive.
  double false_positive_rate_at(double true_positive_rate) const;
  double good_flagged_at_defects_flagged(double share = 0.95) const;  ///< the same
  /// Smallest share of defects passed among thresholds that pass at least this share of good, in [0, 1]. Small is good.
  /// At 0.95 the "FPR95" of those who call the good part positive.
  double defects_passed_at_good_passed(double share = 0.95) const;

  struct Best {
    double f1 = 0, threshold = 0;
  };
  /// Largest F1 = 2 P R / (P + R) of the defects, reached by flagging score > threshold as every decision here; a
  /// number between scores, a float32 where one lies there: decisions are then the same in float32. Chosen and measured
  /// on the same samples: optimistic for new ones.
  Best best_f1() const;

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
  /// unchanged recall); `at_most` > 0 thins to about that number of points, evenly in recall. `prevalence` as above.
  std::vector<PrPoint> precision_recall(std::size_t at_most = 0, std::optional<double> prevalence = {}) const;
  std::size_t positives() const;  ///< number of defect samples, without those of weight 0
  std::size_t negatives() const;  ///< number of good samples, without those of weight 0

private:
  /// Scores as integers that ascend as scores descend. `*_weight`: sums of the weights up to each; empty when all
  /// are 1.
  template <class Key>
  struct Sorted {
    std::vector<Key> good, defect;
    std::vector<double> good_weight, defect_weight;
  };
  template <class T>
  void fill(std::span<const T> scores, std::span<const std::uint8_t> labels, Values weights);
  template <class Function>
  decltype(auto) with_steps(Function function) const;

  std::variant<Sorted<std::uint32_t>, Sorted<std::uint64_t>> sorted_;
};

/// Precision of the flagged parts on a line where `prevalence` of all parts are defects: pi TPR / (pi TPR + (1 - pi)
/// FPR). All three are in [0, 1]; large is good. NaN when nothing is flagged (both terms are 0). No interval: the rates
/// carry theirs.
double precision_at_prevalence(double true_positive_rate, double false_positive_rate, double prevalence);

}  // namespace oddity::metrics
