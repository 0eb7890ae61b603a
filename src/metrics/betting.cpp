#include "metrics/betting.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>

#include "core/random.h"
#include "core/threads.h"
#include "oddity/metrics/mean_bounds.h"

namespace oddity::metrics {
namespace detail {
namespace {

/// Columns that are walked together: one cache line of float64, and vectors for the compiler.
constexpr std::size_t kLanes = 8;
constexpr double kTolerance = 1e-12;

template <std::size_t lanes>
using Lanes = std::array<double, lanes>;

/// The factors 1 - nu_i (L_i - r) = base_i + nu_i r of `lanes` columns, in betting order.
template <std::size_t lanes>
class Factors {
public:
  explicit Factors(std::size_t n) : base_(n), bet_(n) {}

  /// Columns [first, first + lanes); those beyond the last repeat it.
  template <class T>
  void fill(std::span<const T> losses, std::size_t columns, std::size_t first, double maximum, double delta,
            std::span<const std::int64_t> order) {
    const double scale = 2 * -std::log(delta) / double(order.size());
    const std::size_t count = std::min(lanes, columns - first);
    Lanes<lanes> sum, squares, loss;
    sum.fill(0.5);
    squares.fill(0.25);
    constexpr std::size_t ahead = 16;  // rows come from all over the table
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto row_of = [&](std::size_t j) { return losses.data() + std::size_t(order[j]) * columns + first; };
      __builtin_prefetch(row_of(std::min(i + ahead, order.size() - 1)));
      const T* row = row_of(i);
      if (count == lanes) {
        for (std::size_t c = 0; c < lanes; ++c) {
          loss[c] = double(row[c]) / maximum;
        }
      } else {
        for (std::size_t c = 0; c < lanes; ++c) {
          loss[c] = double(row[std::min(c, count - 1)]) / maximum;
        }
      }
      const double bet_scale = scale * (double(i) + 1), next = 1 / (double(i) + 2);
      for (std::size_t c = 0; c < lanes; ++c) {
        const double bet = std::min(1.0, std::sqrt(bet_scale / squares[c]));
        base_[i][c] = 1 - bet * loss[c];
        bet_[i][c] = bet;
        sum[c] += loss[c];
        const double difference = loss[c] - sum[c] * next;
        squares[c] += difference * difference;
      }
    }
  }

  /// max_i log K_i(r) of each column.
  Lanes<lanes> log_capital(const Lanes<lanes>& r) const {
    // Products of a few factors stay in range; logarithms are taken only when one has left it.
    constexpr std::size_t block = 16;
    Lanes<lanes> product, best, offset{}, result;
    product.fill(1);
    best.fill(0);
    result.fill(-HUGE_VAL);
    const std::size_t n = base_.size();
    for (std::size_t first = 0; first < n; first += block) {
      const std::size_t last = std::min(n, first + block);
      for (std::size_t i = first; i < last; ++i) {
        for (std::size_t c = 0; c < lanes; ++c) {
          product[c] *= base_[i][c] + bet_[i][c] * r[c];
          best[c] = std::max(best[c], product[c]);
        }
      }
      for (std::size_t c = 0; c < lanes; ++c) {
        if (product[c] < 1e-100 || product[c] > 1e100 || last == n) {
          result[c] = std::max(result[c], offset[c] + std::log(best[c]));
          offset[c] += std::log(product[c]);
          product[c] = 1;
          best[c] = 0;
        }
      }
    }
    return result;
  }

private:
  std::vector<Lanes<lanes>> base_, bet_;
};

/// A bracket of the root of an increasing function, halved at least every third step; else regula falsi in the form of
/// Anderson & Bjorck (1973): the end that stays twice counts for less.
struct Bracket {
  double low = 0, low_value = 0, high = 1, high_value = 0;
  int steps = 0;
  bool moved_high = false;

  bool open() const { return high - low > kTolerance; }
  double next() const {
    if (steps % 3 == 2) {
      return 0.5 * (low + high);
    }
    const double secant = high - high_value * (high - low) / (high_value - low_value);
    // Half a tolerance inside, so that the bracket closes when an end has reached the root.
    return std::clamp(secant, low + 0.5 * kTolerance, high - 0.5 * kTolerance);
  }
  void narrow(double x, double value) {
    const bool move_high = value >= 0;
    double& moved = move_high ? high_value : low_value;
    double& kept = move_high ? low_value : high_value;
    if (steps > 0 && move_high == moved_high) {
      const double weight = 1 - value / moved;
      kept *= weight > 0 ? weight : 0.5;
    }
    moved = value;
    (move_high ? high : low) = x;
    moved_high = move_high;
    ++steps;
  }
};

template <std::size_t lanes>
Lanes<lanes> solve(const Factors<lanes>& factors, double log_target) {
  // Far from the root only the sign counts, and the capital may be 0 there.
  const auto values_at = [&](const Lanes<lanes>& r) {
    Lanes<lanes> values = factors.log_capital(r);
    for (double& value : values) {
      value = std::clamp(value - log_target, -100.0, 100.0);
    }
    return values;
  };
  Lanes<lanes> zeros{}, ones;
  ones.fill(1);
  const Lanes<lanes> at_zero = values_at(zeros), at_one = values_at(ones);
  std::array<Bracket, lanes> brackets;
  Lanes<lanes> x;
  for (std::size_t c = 0; c < lanes; ++c) {
    brackets[c] = {0, at_zero[c], 1, at_one[c]};
    if (at_one[c] < 0) {
      brackets[c].low = 1;
    }
  }
  const auto is_open = [](const Bracket& bracket) { return bracket.open(); };
  while (std::any_of(brackets.begin(), brackets.end(), is_open)) {
    for (std::size_t c = 0; c < lanes; ++c) {
      x[c] = brackets[c].open() ? brackets[c].next() : brackets[c].high;
    }
    const Lanes<lanes> values = values_at(x);
    for (std::size_t c = 0; c < lanes; ++c) {
      if (brackets[c].open()) {
        brackets[c].narrow(x[c], values[c]);
      }
    }
  }
  for (std::size_t c = 0; c < lanes; ++c) {
    x[c] = brackets[c].high;
  }
  return x;
}

/// Calls answer(Factors) for groups of columns on all threads and gathers one number a column.
template <std::size_t lanes, class Answer>
std::vector<double> of_columns(const Matrix& losses, double maximum, double delta, std::uint64_t seed, Answer answer) {
  const std::vector<std::int64_t> order = betting_order(losses.rows, seed);
  std::vector<double> result(losses.columns);
  losses.values.visit([&](auto values) {
    const auto piece = [&](std::int64_t begin, std::int64_t end) {
      Factors<lanes> factors(losses.rows);
      for (auto first = std::size_t(begin); first < std::size_t(end); first += lanes) {
        factors.fill(values, losses.columns, first, maximum, delta, order);
        const Lanes<lanes> answers = answer(std::as_const(factors));
        const std::size_t count = std::min(lanes, std::size_t(end) - first);
        std::copy_n(answers.begin(), count, result.begin() + std::ptrdiff_t(first));
      }
    };
    // Few pieces, as each takes memory, but enough for many threads.
    const std::size_t groups = std::max<std::size_t>(1, losses.columns / (lanes * 16));
    thread_pool().parallel_for(0, std::int64_t(losses.columns), std::int64_t(lanes * groups), piece);
  });
  return result;
}

template <class Answer>
std::vector<double> of_columns(const Matrix& losses, double maximum, double delta, std::uint64_t seed, Answer answer) {
  return losses.columns == 1 ? of_columns<1>(losses, maximum, delta, seed, answer)
                             : of_columns<kLanes>(losses, maximum, delta, seed, answer);
}

}  // namespace

std::vector<double> betting_upper_bounds(const Matrix& losses, double maximum, double delta, std::uint64_t seed) {
  const double log_target = -std::log(delta);
  return of_columns(losses, maximum, delta, seed, [&](const auto& factors) { return solve(factors, log_target); });
}

std::vector<double> betting_p_values(const Matrix& losses, double maximum, double r, double delta, std::uint64_t seed) {
  return of_columns(losses, maximum, delta, seed, [&]<std::size_t lanes>(const Factors<lanes>& factors) {
    Lanes<lanes> at;
    at.fill(r);
    Lanes<lanes> values = factors.log_capital(at);
    for (double& value : values) {
      value = std::min(1.0, std::exp(-value));
    }
    return values;
  });
}

double log_lossless_capital(std::uint64_t n, double r, double delta) {
  // Without a loss the squares before loss i + 1 sum to (1 + 1/4 + ... + 1/(i + 1)^2) / 4 and bets only grow. Beyond
  // 10^4 losses stretches of equal relative length count by their middle, an error of 1e-9.
  const double scale = 2 * -std::log(delta) / double(n);
  double sum = 0, inverse_squares = 1;
  std::uint64_t width = 1;
  for (std::uint64_t i = 0; i < n; i += width) {
    width = std::min(n - i, 1 + i / 10000);
    const double middle = double(i) + 0.5 * double(width - 1) + 1;
    if (i >= 10000) {
      inverse_squares = std::numbers::pi * std::numbers::pi / 6 - 1 / (middle + 0.5);
    }
    const double bet = std::sqrt(scale * middle / (0.25 * inverse_squares));
    if (bet >= 1) {
      return sum + double(n - i) * std::log1p(r);
    }
    sum += double(width) * std::log1p(bet * r);
    inverse_squares += 1 / ((middle + 1) * (middle + 1));
  }
  return sum;
}

}  // namespace detail

std::vector<std::int64_t> betting_order(std::size_t n, std::uint64_t seed) {
  std::vector<std::int64_t> order(n);
  std::iota(order.begin(), order.end(), std::int64_t(0));
  RandomStream random(seed, "betting order");
  for (std::size_t i = n; i > 1; --i) {
    std::swap(order[i - 1], order[std::size_t(random.integer(0, std::int64_t(i) - 1))]);
  }
  return order;
}

}  // namespace oddity::metrics
