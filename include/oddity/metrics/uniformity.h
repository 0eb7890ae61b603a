#pragma once

#include <cstddef>
#include <span>

namespace oddity::metrics {

struct UniformityTest {
  std::size_t n = 0;
  double statistic = 0;  ///< largest distance between the empirical and the uniform distribution function
  double p_value = 1;    ///< P(distance >= statistic) for n independent uniform values
};

/// Kolmogorov-Smirnov test that values (p-values, probability integral transforms) are uniform on [0, 1]. Throws
/// std::invalid_argument for an empty list and for NaN or values outside [0, 1].
UniformityTest uniformity_test(std::span<const double> values);

/// Its p-value. Exact for n <= 2000: matrix form of Marsaglia, Tsang & Wang (2003), and for n d^2 > 4 twice the exact
/// one-sided tail (Birnbaum & Tingey 1951), where crossing on both sides has a probability below exp(-8 n d^2) = 1e-14.
/// For larger n and n d^2 <= 4 Kolmogorov's limit with Vrbik's correction (2018), to 2e-5 absolute. Throws
/// std::invalid_argument for n = 0 and d outside [0, 1].
double kolmogorov_smirnov_p_value(std::size_t n, double d);

}  // namespace oddity::metrics
