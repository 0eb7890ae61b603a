#include "oddity/metrics/martingales.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "metrics/check.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

void require_p_value(double p, const char* index_text, std::size_t index) {
  if (!(p > 0 && p <= 1)) {
    if (index_text != nullptr) {
      refuse("Martingale.bet", "p-values are out of range; got ", p, index_text, index, "; expected values in (0, 1]");
    }
    refuse("Martingale.bet", "p-value is out of range; got ", p, "; expected a value in (0, 1]");
  }
}

void require_epsilon(double epsilon) { detail::require_open_unit("PowerMartingale", "epsilon", epsilon); }

void require_jump(double jump) {
  if (!(jump > 0 && jump <= 1)) {
    refuse("JumperMartingale", "jump is out of range; got ", jump, "; expected a value in (0, 1]");
  }
}

/// Gauss-Legendre nodes on [-1, 1]; Newton's method on the recurrence of the Legendre polynomials.
template <std::size_t N>
struct GaussLegendre {
  std::array<double, N> nodes, weights;

  GaussLegendre() {
    for (std::size_t i = 0; i < N; ++i) {
      double x = std::cos(std::numbers::pi * (double(i) + 0.75) / (double(N) + 0.5)), slope = 0;
      for (int iteration = 0; iteration < 8; ++iteration) {
        double before = 1, value = x;
        for (std::size_t k = 2; k <= N; ++k) {
          const double next = (double(2 * k - 1) * x * value - double(k - 1) * before) / double(k);
          before = value;
          value = next;
        }
        slope = double(N) * (x * value - before) / (x * x - 1);
        x -= value / slope;
      }
      nodes[i] = x;
      weights[i] = 2 / ((1 - x * x) * slope * slope);
    }
  }

  template <class Function>
  double integrate(double from, double to, Function&& function) const {
    const double middle = (from + to) / 2, half = (to - from) / 2;
    double sum = 0;
    for (std::size_t i = 0; i < N; ++i) {
      sum += weights[i] * function(middle + half * nodes[i]);
    }
    return sum * half;
  }
};

/// log of the integral over epsilon in (0, 1) of epsilon^n exp((1 - epsilon) sum). The integrand is log-concave with
/// its peak at min(1, n / sum); it is integrated relative to the peak, over where it is above exp(-cut) of it.
template <std::size_t N>
double log_mixture(double n, double sum) {
  static const GaussLegendre<N> rule;
  constexpr double cut = 30;  // exp(-30) = 9e-14
  if (sum <= n) {
    // Peak at 1. log(1 - t) <= -t - t^2 / 2, hence (n - sum) t + n t^2 / 2 = cut is beyond the cut.
    const double slope = n - sum;
    const double end = std::min(1.0, 2 * cut / (slope + std::sqrt(slope * slope + 2 * n * cut)));
    return std::log(rule.integrate(0, end, [=](double t) { return std::exp(n * std::log1p(-t) + t * sum); }));
  }
  // epsilon = (1 + d) n / sum: the integrand is exp(n (log(1 + d) - d)) of its peak. Below it log(1 + d) <= d - d^2 /
  // 2, above it log(1 + d) <= d - d^2 / (2 (1 + d)).
  const auto relative = [=](double d) { return std::exp(n * (std::log1p(d) - d)); };
  const double c = 2 * cut / n, room = (sum - n) / n;
  const double below = std::min(1.0, std::sqrt(c));
  const double above = std::min(c / 2 + std::sqrt(c * c / 4 + c), room);
  const double area = rule.integrate(-below, 0, relative) + rule.integrate(0, above, relative);
  return n * (room - std::log1p(room)) + std::log(area * n / sum);
}

}  // namespace

bool has_alarm(const Capital& capital, double alpha) {
  detail::require_open_unit("has_alarm", "alpha", alpha);
  return capital.log_maximum >= -std::log(alpha);
}

Martingale::Martingale(const Capital& capital) : capital_(capital) {
  if (!std::isfinite(capital.log_value) || !std::isfinite(capital.log_maximum) || capital.log_maximum < 0 ||
      capital.log_maximum < capital.log_value || (capital.steps == 0 && capital.log_value != 0)) {
    refuse("Martingale", "capital of the state is not possible; got log value ", capital.log_value, " and log maximum ",
           capital.log_maximum, " after ", capital.steps, " steps");
  }
}

double Martingale::bet(double p_value) {
  require_p_value(p_value, nullptr, 0);
  capital_.log_value = after(p_value);
  ++capital_.steps;
  capital_.log_maximum = std::max(capital_.log_maximum, capital_.log_value);
  return capital_.log_value;
}

std::vector<double> Martingale::bet(Values p_values) {
  std::vector<double> result;
  result.reserve(p_values.size());
  p_values.visit([&](auto span) {
    for (std::size_t i = 0; i < span.size(); ++i) {
      require_p_value(span[i], " at index ", i);
    }
    for (const double p : span) {
      result.push_back(bet(p));
    }
  });
  return result;
}

void Martingale::restart() {
  capital_ = {};
  forget();
}

PowerMartingale::PowerMartingale(double epsilon) : epsilon_(epsilon) { require_epsilon(epsilon); }

PowerMartingale::PowerMartingale(const State& state) : Martingale(state.capital), epsilon_(state.epsilon) {
  require_epsilon(state.epsilon);
}

double PowerMartingale::after(double p) {
  return capital().log_value + std::log(epsilon_) + (epsilon_ - 1) * std::log(p);
}

MixtureMartingale::MixtureMartingale(const State& state)
    : Martingale(state.capital), log_sum_(state.log_sum), log_sum_rest_(state.log_sum_rest) {
  if (!(state.log_sum >= 0) || !std::isfinite(state.log_sum) || !std::isfinite(state.log_sum_rest)) {
    refuse("MixtureMartingale", "log_sum of the state is out of range; got ", state.log_sum, " and rest ",
           state.log_sum_rest, "; expected finite values, the first at least 0");
  }
}

double MixtureMartingale::after(double p) {
  // Compensated (Neumaier): over ten million steps plain sums drift by more than the capital is accurate.
  const double term = -std::log(p), sum = log_sum_ + term;
  log_sum_rest_ += log_sum_ >= term ? (log_sum_ - sum) + term : (term - sum) + log_sum_;
  log_sum_ = sum;
  const double n = double(capital().steps) + 1, total = log_sum_ + log_sum_rest_;
  // Fewer nodes do where the integrand is almost a normal density.
  return n < 100 ? log_mixture<28>(n, total) : log_mixture<20>(n, total);
}

void MixtureMartingale::forget() { log_sum_ = log_sum_rest_ = 0; }

JumperMartingale::JumperMartingale(double jump) : jump_(jump) { require_jump(jump); }

JumperMartingale::JumperMartingale(const State& state)
    : Martingale(state.capital), jump_(state.jump), shares_(state.shares) {
  require_jump(state.jump);
  const double sum = std::accumulate(shares_.begin(), shares_.end(), 0.0);
  if (!(*std::min_element(shares_.begin(), shares_.end()) >= 0) || !(std::abs(sum - 1) < 1e-9)) {
    refuse("JumperMartingale", "shares of the state must be a distribution; got ", shares_[0], ", ", shares_[1], ", ",
           shares_[2]);
  }
}

double JumperMartingale::after(double p) {
  double total = 0;
  for (std::size_t i = 0; i < shares_.size(); ++i) {
    const double e = double(i) - 1;
    shares_[i] = ((1 - jump_) * shares_[i] + jump_ / 3) * (1 + e * (p - 0.5));
    total += shares_[i];
  }
  for (double& share : shares_) {
    share /= total;
  }
  return capital().log_value + std::log(total);
}

void JumperMartingale::forget() { shares_ = State().shares; }

}  // namespace oddity::metrics
