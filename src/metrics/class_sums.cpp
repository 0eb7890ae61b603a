#include "metrics/class_sums.h"

#include <algorithm>
#include <vector>

#include "core/threads.h"

namespace oddity::metrics::detail {
namespace {

constexpr std::size_t kTogether = 32;  ///< columns copied in one walk over the rows: whole cache lines
constexpr std::size_t kMostSums = std::size_t(1) << 18;  ///< sums of all columns at once, 23 MB

/// Columns one after the other, each with bins of its own.
template <class T>
void sum_columns(std::span<const T> values, std::size_t columns, std::span<const std::int64_t> classes,
                 const CalibrationOptions& options, Values weights,
                 const std::function<void(std::size_t, std::span<const BinSums>)>& visit) {
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
          visit(begin + c, bin_sums(bins_of(column, is_class, options, weights), column, is_class, weights));
        }
      });
}

}  // namespace

void each_class_sums(const Matrix& probabilities, std::span<const std::int64_t> classes,
                     const CalibrationOptions& options, Values weights,
                     const std::function<void(std::size_t, std::span<const BinSums>)>& visit) {
  if (options.binning == Binning::equal_width && probabilities.columns * options.bins <= kMostSums) {
    // The same bins for all columns: one walk over the table.
    const ProbabilityBins bins = bins_of({}, {}, options, {});
    const std::vector<BinSums> sums = class_bin_sums(bins, probabilities, classes, weights);
    for (std::size_t c = 0; c < probabilities.columns; ++c) {
      visit(c, std::span(sums).subspan(c * bins.size(), bins.size()));
    }
    return;
  }
  probabilities.values.visit(
      [&](auto values) { sum_columns(values, probabilities.columns, classes, options, weights, visit); });
}

}  // namespace oddity::metrics::detail
