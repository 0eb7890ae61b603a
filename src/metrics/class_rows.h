#pragma once

#include <cstddef>
#include <cstdint>

/// Loops over one row of class probabilities. Probabilities are summed in fixed point with 52 fractional bits (each
/// rounded once, by at most 2^-53): such sums are exact in int64 and in double, so a score has the same bits in
/// whatever order, by whatever algorithm and vector width it is summed, at calibration and at prediction.
namespace oddity::metrics::detail {

inline double mass_of(std::int64_t fixed) { return double(fixed) * 0x1p-52; }

/// Probabilities [n] to fixed point; returns their sum, or 0 when one is outside [0, 1] or NaN or the sum is off 1 by
/// more than 1e-3.
std::int64_t fixed_point(const float* probabilities, std::size_t n, std::int64_t* fixed);
std::int64_t fixed_point(const double* probabilities, std::size_t n, std::int64_t* fixed);

/// Classes ranked above class y: larger probability, or equal and of smaller index.
struct Above {
  std::int64_t mass = 0;  ///< fixed point
  std::int64_t count = 0;
};
Above ranked_above(const float* probabilities, const std::int64_t* fixed, std::size_t n, std::size_t y);
Above ranked_above(const double* probabilities, const std::int64_t* fixed, std::size_t n, std::size_t y);

/// The same for a value instead of a class: probability larger than `value`.
Above ranked_above(const float* probabilities, const std::int64_t* fixed, std::size_t n, float value);
Above ranked_above(const double* probabilities, const std::int64_t* fixed, std::size_t n, double value);

/// Buckets of similar probability, 0 for the largest: 8 for each factor of 2 down to 2^-31, the rest in the last.
constexpr std::size_t kBuckets = 255;
void bucket_of_each(const float* probabilities, std::size_t n, std::uint8_t* buckets);
void bucket_of_each(const double* probabilities, std::size_t n, std::uint8_t* buckets);

/// Set bit c of words[c / 64] where the condition holds, clear the other bits, and return how many are set.
/// 1 - probabilities[c] <= limit:
std::size_t mark_lac(const float* probabilities, std::size_t n, double limit, std::uint64_t* words);
std::size_t mark_lac(const double* probabilities, std::size_t n, double limit, std::uint64_t* words);
/// scores[c] <= limits[c]:
std::size_t mark_at_most(const double* scores, std::size_t n, const double* limits, std::uint64_t* words);
/// scores[c] <= limit:
std::size_t mark_at_most(const double* scores, std::size_t n, double limit, std::uint64_t* words);
/// probabilities[c] > value:
std::size_t mark_above(const float* probabilities, std::size_t n, float value, std::uint64_t* words);
std::size_t mark_above(const double* probabilities, std::size_t n, double value, std::uint64_t* words);

}  // namespace oddity::metrics::detail
