#include "metrics/logistic_fit.h"

#include <algorithm>
#include <cmath>

#include "metrics/check.h"

namespace oddity::metrics::detail {
namespace {

using Vector = std::array<double, 3>;

/// Solves H d = -g for the free parameters, d = 0 for the others, by Cholesky's decomposition with as much added to the
/// diagonal as it takes.
Vector newton_direction(const LogisticSums& sums, const std::array<bool, 3>& free) {
  constexpr std::size_t place[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};
  for (double ridge = 0;; ridge = ridge > 0 ? ridge * 100 : 1e-14) {
    double l[3][3] = {};
    Vector d{};
    bool solved = true;
    for (std::size_t i = 0; i < 3 && solved; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = free[i] && free[j] ? sums.hessian[place[i][j]] : 0.0;
        if (i == j) {
          sum = free[i] ? sum * (1 + ridge) : 1.0;
        }
        const double diagonal = sum;
        for (std::size_t k = 0; k < j; ++k) {
          sum -= l[i][k] * l[j][k];
        }
        if (i == j) {
          solved = sum > 1e-15 * diagonal;
          l[i][i] = std::sqrt(sum);
        } else {
          l[i][j] = sum / l[j][j];
        }
      }
    }
    if (!solved && ridge < 1e6) {
      continue;
    }
    for (std::size_t i = 0; i < 3; ++i) {
      double sum = free[i] ? -sums.gradient[i] : 0.0;
      for (std::size_t k = 0; k < i; ++k) {
        sum -= l[i][k] * d[k];
      }
      d[i] = sum / l[i][i];
    }
    for (std::size_t i = 3; i-- > 0;) {
      double sum = d[i];
      for (std::size_t k = i + 1; k < 3; ++k) {
        sum -= l[k][i] * d[k];
      }
      d[i] = sum / l[i][i];
    }
    return d;
  }
}

}  // namespace

Vector fit_logistic(const char* function, const LogisticData& data, Vector start, bool bounded) {
  constexpr int most_steps = 100;
  const bool two = !data.features[1].empty();
  Vector parameters = start;
  LogisticSums sums = logistic_sums(data, parameters);
  for (int step = 0; step < most_steps; ++step) {
    std::array<bool, 3> free = {true, two, true};
    for (std::size_t k = 0; bounded && k < 2; ++k) {
      free[k] = free[k] && !(parameters[k] <= 0 && sums.gradient[k] >= 0);
    }
    const Vector direction = newton_direction(sums, free);
    // Shorten the step until the loss falls enough; rounding of the loss is allowed for.
    double length = 2, step_size = 0;
    LogisticSums at_next;
    Vector next;
    do {
      length /= 2;
      next = parameters;
      double predicted = 0;
      step_size = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        next[k] += length * direction[k];
        if (bounded && k < 2) {
          next[k] = std::max(0.0, next[k]);
        }
        predicted += sums.gradient[k] * (next[k] - parameters[k]);
        step_size = std::max(step_size, std::abs(next[k] - parameters[k]) / (1 + std::abs(parameters[k])));
      }
      at_next = logistic_sums(data, next);
      if (at_next.loss <= sums.loss + 1e-4 * predicted + 1e-13 * std::abs(sums.loss)) {
        break;
      }
    } while (length > 1e-10);
    parameters = next;
    sums = at_next;
    if (length == 1 && step_size <= 1e-9) {  // quadratic convergence: this step leaves 1e-16
      return parameters;
    }
  }
  refuse(function, "the fit did not converge in ", most_steps, " steps; expected scores that are less alike");
}

}  // namespace oddity::metrics::detail
