#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/values.h"

/// Maps from scores to probabilities, fitted on samples that trained nothing else (a calibration set). Which one:
///   fit_temperature  logits of several classes; one parameter, keeps the ranking of classes
///   fit_platt        raw scores of two classes; two parameters, for few samples
///   fit_beta         probabilities of two classes that are skewed; three parameters
///   fit_isotonic     raw scores, any increasing shape; wants thousands of samples, says 0 and 1 too boldly with few
///   fit_venn_abers   raw scores, any increasing shape; an interval with a guarantee for every n
///
/// Scores and logits are raw: any finite number, float32 or float64, larger is more anomalous (more of its class).
/// Labels are 1 for a defect and 0 for good. Weights are none or one for each sample, finite, >= 0; a sample of weight
/// 0 is as if absent. All fits are deterministic and independent of the number of threads. All functions throw
/// std::invalid_argument for empty input, NaN, infinities, other labels, classes out of range, lengths that differ, and
/// for samples that determine no fit (said at each function): they never return a fit at the edge of overflow.
/// Fitted calibrators are plain values: they can be stored and filled in again.
namespace oddity::metrics {

/// softmax(logits / temperature) (Guo et al. 2017). Above 1 softens, below 1 sharpens.
struct TemperatureCalibrator {
  double temperature = 1;
  double standard_error = 0;   ///< of the temperature (large samples); right also where no temperature is (White 1982)
  double log_loss_before = 0;  ///< mean negative log-likelihood of the fitted samples at temperature 1
  double log_loss_after = 0;   ///< at the fitted temperature
  std::size_t n = 0;           ///< samples of weight above 0

  /// Probabilities [n, classes], row-major.
  std::vector<double> predict(const Matrix& logits) const;
};
/// Maximum likelihood by safeguarded Newton steps on the derivative in 1 / T, where the problem is convex; to 1e-12
/// relative. `logits` [n, classes >= 2], at most 1e150 in size, `classes` 0 .. columns - 1. Throws where the likelihood
/// has no maximum at a finite temperature above 0: when the own class has the largest logit in every row (it grows
/// without end as T falls to 0) and when logits rank classes no better than chance (as T rises to infinity).
TemperatureCalibrator fit_temperature(const Matrix& logits, std::span<const std::int64_t> classes, Values weights = {});

/// 1 / (1 + exp(-(slope * score + intercept))).
struct PlattCalibrator {
  double slope = 0, intercept = 0;  ///< slope < 0: larger scores go with good parts
  std::size_t n_good = 0, n_defect = 0;

  std::vector<double> predict(Values scores) const;
};
/// Platt (2000): likelihood with the labels drawn in to (n_defect + 1) / (n_defect + 2) and 1 / (n_good + 2), which
/// keeps the fit finite also for separated classes; Newton steps with line search (Lin, Lin and Weng 2007). Counts are
/// sums of weights when there are any. Throws for one class alone, scores that are all equal or that differ by less
/// than the slope can express, and scores above 1e150 in size.
PlattCalibrator fit_platt(Values scores, std::span<const std::uint8_t> labels, Values weights = {});

/// 1 / (1 + exp(-(a log p - b log(1 - p) + c))) with a, b >= 0 (Kull, Silva Filho and Flach 2017): increasing in p.
struct BetaCalibrator {
  double a = 1, b = 1, c = 0;  ///< (1, 1, 0) changes nothing
  std::size_t n_good = 0, n_defect = 0;

  /// `probabilities` in [0, 1], clipped to [2^-52, 1 - 2^-52] as in the fit.
  std::vector<double> predict(Values probabilities) const;
};
/// Maximum likelihood under a, b >= 0: the exact constrained optimum (the betacal package drops a term and fits again,
/// which may end elsewhere). With a = b = 0 the probabilities rank labels no better than chance, and the prediction is
/// the base rate. Throws for one class alone, fewer than 3 distinct probabilities (after clipping), and separated
/// classes (no good part above a defective one), whose likelihood has no maximum, or one that float64 cannot reach:
/// fit_platt or fit_venn_abers serve those.
BetaCalibrator fit_beta(Values probabilities, std::span<const std::uint8_t> labels, Values weights = {});

/// Increasing, piecewise linear between knots, constant outside.
struct IsotonicCalibrator {
  std::vector<double> scores;         ///< of the knots, strictly ascending: first and last score of each block
  std::vector<double> probabilities;  ///< at the knots, ascending
  std::size_t n_good = 0, n_defect = 0;

  std::vector<double> predict(Values scores) const;
};
/// Weighted least squares under monotonicity by pooling adjacent violators (Ayer et al. 1955; Zadrozny and Elkan 2002),
/// exact, O(n log n). Equal scores are one point. Between blocks linear, as scikit-learn with out_of_bounds="clip".
/// Throws for one class alone.
IsotonicCalibrator fit_isotonic(Values scores, std::span<const std::uint8_t> labels, Values weights = {});

/// One interval [low, high] a sample, and one number in it.
struct VennAbersPrediction {
  std::vector<double> low;          ///< p0: isotonic probability at the score if the new sample were good
  std::vector<double> high;         ///< p1: if it were a defect; above p0
  std::vector<double> probability;  ///< p1 / (1 - p0 + p1), minimax for the log loss (Vovk, Petej and Fedorova 2015)
};
/// Inductive Venn-Abers predictor (Vovk and Petej 2014). For a new sample exchangeable with the calibration samples one
/// of the two probabilities is perfectly calibrated, for every n and every score function: with p_Y the one of its true
/// label, P(Y = 1 | p_Y) = p_Y. Which one is not known, so the width of [p0, p1] is the price of few samples.
struct VennAbersCalibrator {
  /// p0 of a score is low_values[k] of the last k with low_scores[k] <= score, and 0 below the first.
  std::vector<double> low_scores, low_values;
  /// p1 of a score is high_values[k] of the first k with high_scores[k] >= score, and 1 above the last.
  std::vector<double> high_scores, high_values;
  std::size_t n_good = 0, n_defect = 0;

  VennAbersPrediction predict(Values scores) const;  ///< O(log n) a score
};
/// All isotonic regressions with one sample added, at once: O(n log n) for the sort, O(n) after it, in exact integers.
/// Equal scores are one point. One class alone is allowed. There are no weights: the guarantee is of exchangeability.
VennAbersCalibrator fit_venn_abers(Values scores, std::span<const std::uint8_t> labels);

}  // namespace oddity::metrics
