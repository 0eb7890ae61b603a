#pragma once

#include <array>

#include "metrics/logistic_sums.h"

namespace oddity::metrics::detail {

/// Minimum of the negative log-likelihood in (a_1, a_2, c), with a_1, a_2 >= 0 when `bounded`: steps to the minimum of
/// the quadratic model within the bounds (Newton's, when none is met) with a line search (Armijo). The caller has made
/// sure that the minimum exists and is unique. `function` names the caller in the message when it is so far out that
/// rounding keeps the steps from converging.
std::array<double, 3> fit_logistic(const char* function, const LogisticData& data, std::array<double, 3> start,
                                   bool bounded);

}  // namespace oddity::metrics::detail
