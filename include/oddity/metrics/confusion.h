#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

/// What was decided beside what is true. Of two classes, 0 is good or accepted and 1 a defect or rejected; the errors
/// are an escape (a defective part that was accepted) and an overkill (a good part that was rejected).
///
/// Labels are integers in [0, classes). Samples whose true label is the ignored one are left out (and counted as
/// ignored). Weights are 0 or in [1e-100, 1e100]. All functions throw std::invalid_argument for other labels, NaN,
/// lengths that differ, more than 2^14 classes, a class out of range or a confidence outside (0, 1).
namespace oddity::metrics {

enum class Normalization {
  none,       ///< numbers of samples or sums of weights
  truth,      ///< each row sums to 1: shares of a true class
  predicted,  ///< each column sums to 1: shares of a decision
  all         ///< the table sums to 1
};

/// A table of true class x predicted class with 64-bit counts. Tables of disjoint samples can be merged.
class Confusion {
public:
  /// A share of `trials` with a two-sided interval.
  ///
  /// Without weights it is events / trials with Clopper and Pearson's exact interval: coverage of at least the
  /// confidence when parts are drawn independently from one population. F1 = 2 J / (1 + J) with J = hit / (hit + missed
  /// + wrongly predicted), a share of the parts that have or were given the class: the interval of J, transformed, is
  /// as exact; F1's events and trials are those of J.
  ///
  /// With weights, value is a ratio of sums of weights, events and trials are numbers of samples, and the interval is
  /// Hoeffding's (1963) with the effective number of trials (sum w)^2 / sum w^2. It covers the weighted mean of the
  /// probabilities of the outcomes given the weights, for any weights, and is wide. Weights that are all 1 give what no
  /// weights give.
  ///
  /// A class without support (no trial, or none of positive weight) has value NaN, interval [0, 1], supported = false.
  struct Rate {
    double value = 0, low = 0, high = 1;
    std::uint64_t events = 0, trials = 0;
    bool supported = false;
  };
  /// precision: share of this class among the samples predicted as it. recall: share predicted as it among the samples
  /// of this class. All in [0, 1], large is good.
  struct ClassRates {
    Rate precision, recall, f1;
  };
  /// Unweighted mean over the classes that have support; `left_out` counts those that have none, so values with
  /// different left_out cannot be compared. NaN when no class has support. No interval: classes differ in theirs.
  struct Mean {
    double value = 0;
    std::size_t classes = 0, left_out = 0;
  };
  struct MacroRates {
    Mean precision, recall, f1;  ///< the mean recall is the balanced accuracy
  };

  explicit Confusion(std::size_t classes);  ///< a table of zeros; at least 2 classes
  /// A table of counts [classes, classes], true class by row.
  Confusion(std::size_t classes, std::span<const std::uint64_t> counts);

  /// Adds samples. Nothing is added when an argument is refused.
  void add(std::span<const std::int64_t> truth, std::span<const std::int64_t> predicted, Values weights = {},
           std::optional<std::int64_t> ignored_label = {});
  /// Adds the samples of `other`, of the same number of classes.
  void merge(const Confusion& other);

  std::size_t classes() const { return classes_; }
  std::uint64_t samples() const;  ///< without the ignored ones
  std::uint64_t ignored() const { return ignored_; }
  bool weighted() const { return !weights_.empty(); }                ///< a weight other than 1 was added
  std::span<const std::uint64_t> counts() const { return counts_; }  ///< [classes, classes], true class by row
  std::uint64_t count(std::size_t truth, std::size_t predicted) const { return tally(truth, predicted).n; }
  /// [classes, classes] of counts or, when weighted, sums of weights. A row (column, table) without support is NaN.
  std::vector<double> normalized(Normalization by) const;

  ClassRates rates(std::size_t of_class, double confidence = 0.95) const;
  MacroRates macro_rates() const;
  /// Share of the diagonal; also what micro-averaged precision, recall and F1 are. Large is good.
  Rate accuracy(double confidence = 0.95) const;

  /// A set of samples: their number, the sum of their weights and that of the squares (all n without weights).
  struct Tally {
    std::uint64_t n = 0;
    double weight = 0, squared_weight = 0;
    bool weighted = false;

    Tally& operator+=(const Tally& other);
  };
  Tally tally(std::size_t truth, std::size_t predicted) const;
  /// The share of `events` among `trials`, which contain them: for rates that are not named here.
  static Rate rate(const Tally& events, const Tally& trials, double confidence = 0.95);

private:
  void add_numbers(std::span<const std::int64_t> truth, std::span<const std::int64_t> predicted,
                   std::optional<std::int64_t> ignored_label);
  void add_weights(std::span<const std::int64_t> truth, std::span<const std::int64_t> predicted, Values weights,
                   std::optional<std::int64_t> ignored_label);

  std::size_t classes_;
  std::vector<std::uint64_t> counts_;
  std::vector<double> weights_, squares_;  ///< of each cell; empty while all weights are 1
  std::uint64_t ignored_ = 0;
};

struct ConfusionOptions {
  std::size_t classes = 0;  ///< 0: one more than the largest label, at least 2
  std::optional<std::int64_t> ignored_label = {};
  Values weights = {};  ///< none, or one for each sample
};

/// The table of labels, both [n], n > 0. At least one sample must not be ignored.
Confusion confusion_matrix(std::span<const std::int64_t> truth, std::span<const std::int64_t> predicted,
                           const ConfusionOptions& options = {});

struct GroupConfusion {
  std::int64_t group;
  Confusion confusion;
};
/// One table for each group (camera, lot, shift), by rising group, all with the same classes. `groups` is [n].
std::vector<GroupConfusion> confusion_matrix_by_group(std::span<const std::int64_t> truth,
                                                      std::span<const std::int64_t> predicted,
                                                      std::span<const std::int64_t> groups,
                                                      const ConfusionOptions& options = {});

}  // namespace oddity::metrics
