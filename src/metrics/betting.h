#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "oddity/metrics/values.h"

/// Capital of a gambler who bets against "the mean is r" (Waudby-Smith & Ramdas 2024), for the columns of a table.
namespace oddity::metrics::detail {

/// inf{r : max_i K_i(r) >= 1 / delta} in units of `maximum`, from above to 1e-12; 1 when there is none.
std::vector<double> betting_upper_bounds(const Matrix& losses, double maximum, double delta, std::uint64_t seed);

/// min(1, 1 / max_i K_i(r)), r in units of `maximum`.
std::vector<double> betting_p_values(const Matrix& losses, double maximum, double r, double delta, std::uint64_t seed);

/// max_i log K_i(r) of n losses of 0.
double log_lossless_capital(std::uint64_t n, double r, double delta);

}  // namespace oddity::metrics::detail
