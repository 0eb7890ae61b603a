#include "metrics/logistic_fit.h"

#include <algorithm>
#include <cmath>

#include "metrics/check.h"

namespace oddity::metrics::detail {
namespace {

using Vector = std::array<double, 3>;

double slope_along(const LogisticSums& sums, const Vector& direction) {
  return sums.gradient[0] * direction[0] + sums.gradient[1] * direction[1] + sums.gradient[2] * direction[2];
}

constexpr std::size_t kPlace[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};  // of an entry of the Hessian

double curvature_along(const LogisticSums& sums, const Vector& direction) {
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      sum += direction[i] * sums.hessian[kPlace[i][j]] * direction[j];
    }
  }
  return sum;
}

/// Minimum of the quadratic model g d + d (H + ridge diag H) d / 2 over the free entries of d, the others as they are,
/// by Cholesky's decomposition. False when rounding leaves the matrix not positive definite.
bool solve(const LogisticSums& sums, const std::array<bool, 3>& free, double ridge, Vector& d) {
  double l[3][3] = {};
  Vector right{};
  for (std::size_t i = 0; i < 3; ++i) {
    right[i] = free[i] ? -sums.gradient[i] : d[i];
    for (std::size_t j = 0; j < 3; ++j) {
      right[i] -= free[i] && !free[j] ? sums.hessian[kPlace[i][j]] * d[j] : 0.0;
    }
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = free[i] && free[j] ? sums.hessian[kPlace[i][j]] : 0.0;
      if (i == j) {
        sum = free[i] ? sum * (1 + ridge) : 1.0;
      }
      const double diagonal = sum;
      for (std::size_t k = 0; k < j; ++k) {
        sum -= l[i][k] * l[j][k];
      }
      if (i == j && !(sum > 1e-15 * diagonal)) {
        return false;
      }
      l[i][j] = i == j ? std::sqrt(sum) : sum / l[j][j];
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {
    d[i] = right[i];
    for (std::size_t k = 0; k < i; ++k) {
      d[i] -= l[i][k] * d[k];
    }
    d[i] /= l[i][i];
  }
  for (std::size_t i = 3; i-- > 0;) {
    for (std::size_t k = i + 1; k < 3; ++k) {
      d[i] -= l[k][i] * d[k];
    }
    d[i] /= l[i][i];
  }
  return true;
}

/// The step to the minimum of the quadratic model that keeps a_1 and a_2 at or above 0 when `bounded`: of the choices
/// which of them go to 0, the feasible one with the smallest model. None when no choice goes down.
bool model_step(const LogisticSums& sums, const Vector& parameters, bool two, bool bounded, double ridge,
                Vector& step) {
  double smallest = 0;
  for (unsigned held = 0; held < (bounded ? 4U : 1U); ++held) {
    std::array<bool, 3> free = {(held & 1U) == 0, two && (held & 2U) == 0, true};
    Vector d = {free[0] ? 0 : -parameters[0], free[1] ? 0 : -parameters[1], 0};
    if (!solve(sums, free, ridge, d)) {
      continue;
    }
    if (bounded && (parameters[0] + d[0] < 0 || parameters[1] + d[1] < 0)) {
      continue;
    }
    const double model = slope_along(sums, d) + curvature_along(sums, d) / 2;
    if (model < smallest && slope_along(sums, d) < 0) {
      smallest = model;
      step = d;
    }
  }
  return smallest < 0;
}

}  // namespace

Vector fit_logistic(const char* function, const LogisticData& data, Vector start, bool bounded) {
  constexpr int most_steps = 300;
  const bool two = !data.features[1].empty();
  Vector parameters = start;
  LogisticSums sums = logistic_sums(data, parameters);
  for (int count = 0; count < most_steps; ++count) {
    Vector step{};
    double ridge = 0;
    while (!model_step(sums, parameters, two, bounded, ridge, step)) {
      ridge = ridge > 0 ? ridge * 100 : 1e-14;
      if (ridge > 1e6) {
        return parameters;  // no way down: the gradient is zero, or its projection is
      }
    }
    // At most about twice the size of the parameters: far out the Hessian vanishes, and no step would lead back.
    double size = 0, most = 10;
    for (std::size_t k = 0; k < 3; ++k) {
      size += std::abs(step[k]);
      most += std::abs(parameters[k]);
    }
    const double slope = slope_along(sums, step), longest = std::min(1.0, most / size);
    // Halve the step until the loss falls enough, or until it is too short to change anything.
    for (double length = longest;; length /= 2) {
      Vector next = parameters;
      double change = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        next[k] += length * step[k];
        next[k] = bounded && k < 2 ? std::max(0.0, next[k]) : next[k];  // rounding
        change = std::max(change, std::abs(next[k] - parameters[k]) / (1 + std::abs(parameters[k])));
      }
      if (change < 1e-15) {
        return parameters;
      }
      const LogisticSums at_next = logistic_sums(data, next);
      const double rounding = 1e-15 * sums.loss;
      if (at_next.loss <= sums.loss + 1e-4 * length * slope + rounding) {
        parameters = next;
        // Convergence is quadratic: the step just taken leaves 1e-16. Where nearly nothing depends on a parameter the
        // loss decides: a full step that promised no more than rounding, or a halved one that gained no more.
        const bool full = length == 1, halved = length < longest;
        if ((full && (change <= 1e-9 || -slope <= rounding)) || (halved && sums.loss - at_next.loss <= rounding)) {
          return parameters;
        }
        sums = at_next;
        break;
      }
    }
  }
  refuse(function, "the fit did not converge in ", most_steps,
         " steps: the likelihood rises almost without end; expected classes that overlap more");
}

}  // namespace oddity::metrics::detail
