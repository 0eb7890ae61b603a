#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/resampling.h"

namespace oddity::metrics::detail {

/// Fills in low, high, standard error, bias and z0 from `result.value`, `result.resampled` and, for BCa,
/// `result.acceleration`.
void conclude(BootstrapResult& result, BootstrapMethod method, double confidence);

/// Acceleration from leave-one-out values of units in strata 0, 1, ...; a stratum of one unit, which is the same in
/// every resample, adds nothing. 0 where no value differs.
double acceleration(std::span<const double> leave_one_out, std::span<const std::uint32_t> stratum_of_unit);

/// Linear interpolation between ascending order statistics (Hyndman & Fan 1996, type 7).
double quantile_of_sorted(std::span<const double> sorted, double p);

}  // namespace oddity::metrics::detail
