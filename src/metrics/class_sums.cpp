#include "metrics/class_sums.h"

#include <algorithm>

#include "core/threads.h"

namespace oddity::metrics::detail {
namespace {

constexpr std::size_t kTogether = 32;  ///< columns copied in one walk over the rows: whole cache lines

/// Columns one after the other, each with bins of its own.
template <class T>
void sum_columns(std::span<const T> values, std::size_t columns, std::span<const std::int64_t> classes,
                 const CalibrationOptions& options, Values weights, std::vector<std::vector<BinSums>>& sums) {
  const std::size_t rows = classes.size();
  thread_pool().parallel_for(
      0, std::int64_t(columns), std::int64_t(kTogether), [&](std::int64_t first, std::int64_t last) {
        const auto begin = std::size_t(first), count = std::size_t(last - first);
        std::vector<T> copied(rows * count);
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t c = 0; c < count; ++c) {
            copied[c * rows + i] = values[i * columns + begin + c];
          }
        }
        std::vector<std::uint8_t> is_class(rows);
        for (std::size_t c = 0; c < count; ++c) {
          std::transform(classes.begin(), classes.end(), is_class.begin(),
                         [&](std::int64_t k) { return std::uint8_t(k == std::int64_t(begin + c)); });
          const Values column = std::span<const T>(copied).subspan(c * rows, rows);
          sums[begin + c] = bin_sums(bins_of(column, is_class, options, weights), column, is_class, weights);
        }
      });
}

}  // namespace

std::vector<std::vector<BinSums>> class_sums(const Matrix& probabilities, std::span<const std::int64_t> classes,
                                             const CalibrationOptions& options, Values weights) {
  std::vector<std::vector<BinSums>> sums(probabilities.columns);
  if (options.binning == Binning::equal_width) {  // the same bins for all columns: one walk over the table
    const ProbabilityBins bins = bins_of({}, {}, options, {});
    const std::vector<BinSums> all = class_bin_sums(bins, probabilities, classes, weights);
    for (std::size_t c = 0; c < sums.size(); ++c) {
      const auto begin = all.begin() + std::ptrdiff_t(c * bins.size());
      sums[c].assign(begin, begin + std::ptrdiff_t(bins.size()));
    }
    return sums;
  }
  probabilities.values.visit(
      [&](auto values) { sum_columns(values, probabilities.columns, classes, options, weights, sums); });
  return sums;
}

}  // namespace oddity::metrics::detail
