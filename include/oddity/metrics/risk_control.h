#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "oddity/metrics/mean_bounds.h"
#include "oddity/metrics/values.h"

/// Choosing a setting (a threshold, a size of sets) from calibration data so that its risk, the mean loss of future
/// samples, is at most a limit. `losses` is a table [n, settings]: the loss of every calibration sample at every
/// setting, in [0, maximum], small is good. Samples are independent draws from one distribution (for crc: exchangeable
/// with the future one), and neither the settings nor their order were chosen by looking at them. The settings go from
/// risky to safe: the last (or first) column is the safest, usually the one that rejects most.
///
/// crc bounds the mean over calibration sets and samples; rcps and ltt promise the limit for the setting at hand, with
/// a confidence. For escape rates use certified_threshold, which is exact. All functions throw std::invalid_argument
/// for an empty table, losses that are NaN or outside [0, maximum], a limit outside (0, maximum), a confidence outside
/// (0, 1).
namespace oddity::metrics {

enum class Safest : std::uint8_t { last, first };

/// What crc and rcps chose.
struct RiskControl {
  /// The riskiest setting that keeps the limit. None when not even the safest does: then either n is below `n_needed`,
  /// or its loss is too large.
  std::optional<std::size_t> index;
  std::vector<double> risks;   ///< [settings] mean losses of the calibration samples
  std::vector<double> bounds;  ///< [settings] what is compared with the limit
  std::size_t n = 0;
  std::uint64_t n_needed = 0;  ///< smallest n with which a setting without any loss keeps the limit
};

struct CrcOptions {
  double maximum = 1;  ///< B, the largest possible loss
  Safest safest = Safest::last;
};

/// Conformal risk control (Angelopoulos, Bates, Fisch, Lei & Schuster 2022): the riskiest setting with
/// n / (n + 1) * risk + B / (n + 1) <= limit, compared exactly where sums of losses are integers. Then E[loss of the
/// next sample] <= limit, over calibration set and sample together. It rests on losses that fall for each sample from
/// risky to safe: a table with a row that rises anywhere is refused.
RiskControl crc(const Matrix& losses, double limit, const CrcOptions& options = {});

struct RcpsOptions {
  MeanBoundOptions mean;  ///< which bound, with its confidence and maximum
  Safest safest = Safest::last;
};

/// Risk-controlling prediction sets (Bates, Angelopoulos, Lei, Malik & Jordan 2021): from the safest setting on, as
/// long as the upper confidence bound of the risk is at most the limit; the last such setting is chosen. Then
/// P(risk of the chosen setting > limit) <= 1 - confidence. Each bound comes from its own column alone, and the walk is
/// a fixed sequence of tests, so that it holds for risks that are not monotone too.
RiskControl rcps(const Matrix& losses, double limit, const RcpsOptions& options = {});

/// Methods that keep the probability of any wrong rejection among several hypotheses at most the level.
enum class FamilyWise : std::uint8_t {
  bonferroni,  ///< p <= level / m
  /// Smallest p-value at level / m, the next at level / (m - 1), ... until one is not rejected (Holm 1979). Rejects
  /// whatever bonferroni does.
  holm,
  /// In the given order, each at the full level, until one is not rejected. With several starts, evenly spread, each
  /// walks on at level / starts (Bauer 1991; Angelopoulos et al. 2021, "multi-start").
  fixed_sequence,
};

/// 1 for each rejected hypothesis. The p-values may depend on each other in any way; for fixed_sequence they are in the
/// order of the walk, which must not come from the same data. Throws std::invalid_argument for no p-values, NaN or
/// values outside [0, 1], a level outside (0, 1), starts outside 1 .. number of p-values.
std::vector<std::uint8_t> family_wise_rejections(Values p_values, double level, FamilyWise method,
                                                 std::size_t starts = 1);

struct LttOptions {
  MeanBoundOptions mean;  ///< which p-value, with the confidence and maximum
  FamilyWise method = FamilyWise::fixed_sequence;
  Safest safest = Safest::last;  ///< where a fixed sequence starts
  std::size_t starts = 1;        ///< of a fixed sequence
  /// [settings]: of the certified settings the cheapest is chosen (of equal ones the safer). None: the riskiest.
  Values costs;
};

struct LearnThenTest {
  std::optional<std::size_t> index;     ///< the chosen setting; none when no setting is certified
  std::vector<std::uint8_t> certified;  ///< [settings]; with the confidence all of them together keep the limit
  std::vector<double> risks, p_values;  ///< [settings]; p-value of "the risk is the limit or more"
  std::size_t n = 0;
  std::uint64_t n_needed = 0;  ///< smallest n with which a setting without any loss is certified
};

/// Learn then test (Angelopoulos, Bates, Candes, Jordan & Lei 2021): every setting is tested and the tests are
/// corrected for their number, so that P(any certified setting has a risk above the limit) <= 1 - confidence, for risks
/// of any shape; the choice among the certified ones is free. Throws also for costs that are not one finite number a
/// setting, and starts out of range.
LearnThenTest ltt(const Matrix& losses, double limit, const LttOptions& options = {});

}  // namespace oddity::metrics
