#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "oddity/metrics/values.h"

/// Test martingales: the capital of a gambler who starts with 1 and bets against the p-values being independent and
/// uniform. If they are, as those of OnlinePValues of exchangeable scores, then P(capital ever >= 1 / alpha) <= alpha
/// for all time (Ville 1939): an alarm at 1 / alpha is false with a probability of at most alpha in the whole life of
/// the martingale. This holds for no other p-values, in particular not for those against a fixed calibration set.
///
/// Large capital is evidence of a change. Values are natural logarithms, so that they neither overflow nor underflow.
/// Each step costs O(1).
namespace oddity::metrics {

struct Capital {
  double log_value = 0;     ///< now
  double log_maximum = 0;   ///< the largest so far, the start included: Ville's bound is about this one
  std::uint64_t steps = 0;  ///< p-values that were bet on
};

/// Whether the capital has ever reached 1 / alpha. Throws std::invalid_argument for alpha outside (0, 1).
bool has_alarm(const Capital& capital, double alpha);

class Martingale {
public:
  virtual ~Martingale() = default;

  /// Bets on the next p-value, in (0, 1], and returns the logarithm of the capital after it. Throws
  /// std::invalid_argument for a p-value out of range or NaN; then nothing has changed.
  double bet(double p_value);
  /// Bets on each p-value in order; the logarithm of the capital after each. Checks all before the first bet.
  std::vector<double> bet(Values p_values);
  /// Back to capital 1 and no memory, such as after an alarm was dealt with. Ville's bound then begins anew.
  void restart();

  const Capital& capital() const noexcept { return capital_; }

protected:
  Martingale() = default;
  explicit Martingale(const Capital& capital);
  Martingale(const Martingale&) = default;
  Martingale& operator=(const Martingale&) = default;

private:
  /// Logarithm of the capital after a bet on `p`, which is valid; `capital()` is that before.
  virtual double after(double p) = 0;
  virtual void forget() {}

  Capital capital_;
};

/// Capital times epsilon p^(epsilon - 1) a step (Vovk, Nouretdinov and Gammerman 2003): bets on small p-values, the
/// harder the smaller epsilon.
class PowerMartingale final : public Martingale {
public:
  struct State {
    double epsilon = 0.5;
    Capital capital;
  };
  /// Epsilon in (0, 1); throws std::invalid_argument otherwise.
  explicit PowerMartingale(double epsilon = 0.5);
  explicit PowerMartingale(const State& state);  ///< throws for a state that no martingale can have
  State state() const { return {epsilon_, capital()}; }

private:
  double after(double p) override;
  double epsilon_;
};

/// The average of all power martingales, epsilon uniform on (0, 1): with n p-values and S = -sum log p, its capital is
/// the integral of epsilon^n exp((1 - epsilon) S) = e^S gamma(n + 1, S) / S^(n + 1). Needs no choice of epsilon: it
/// earns what the best one in hindsight does, but for a factor that grows as sqrt(n). Evaluated by Gauss-Legendre
/// quadrature around the peak of the integrand: the logarithm is right to 1e-11, or to 1e-14 of itself if that is more.
class MixtureMartingale final : public Martingale {
public:
  struct State {
    double log_sum = 0, log_sum_rest = 0;  ///< S, and what rounding has left out of it
    Capital capital;
  };
  MixtureMartingale() = default;
  explicit MixtureMartingale(const State& state);  ///< throws for a state that no martingale can have
  State state() const { return {log_sum_, log_sum_rest_, capital()}; }

private:
  double after(double p) override;
  void forget() override;
  double log_sum_ = 0, log_sum_rest_ = 0;
};

/// Simple Jumper (Vovk et al. 2021, "Retrain or not retrain", algorithm 1): a capital that is spread over the bets
/// 1 + e (p - 1/2) with e = -1 (small p-values), 0 (none) and 1 (large p-values: scores that shrink); a share `jump` of
/// it is spread anew before each step, so that it follows changes of direction. Its capital never falls fast, nor does
/// it grow by more than a factor 1.5 a step.
class JumperMartingale final : public Martingale {
public:
  struct State {
    double jump = 0.01;
    std::array<double, 3> shares{1.0 / 3, 1.0 / 3, 1.0 / 3};  ///< of the capital, on e = -1, 0, 1
    Capital capital;
  };
  /// Jump in (0, 1]; throws std::invalid_argument otherwise.
  explicit JumperMartingale(double jump = 0.01);
  explicit JumperMartingale(const State& state);  ///< throws for a state that no martingale can have
  State state() const { return {jump_, shares_, capital()}; }

private:
  double after(double p) override;
  void forget() override;
  double jump_;
  std::array<double, 3> shares_ = State().shares;
};

}  // namespace oddity::metrics
