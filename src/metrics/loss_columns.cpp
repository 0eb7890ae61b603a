#include "metrics/loss_columns.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "core/threads.h"
#include "metrics/check.h"

namespace oddity::metrics::detail {
namespace {

void require_options(const char* function, const MeanBoundOptions& options) {
  require_open_unit(function, "confidence", options.confidence);
  if (!(options.maximum > 0 && std::isfinite(options.maximum))) {
    refuse(function, "maximum must be positive and finite; got ", options.maximum);
  }
}

template <class T>
bool all_in_range(std::span<const T> losses, T largest, bool binary) {
  unsigned wrong = 0;  // without branches, for vectors
  if (binary) {
    for (const T loss : losses) {
      wrong |= unsigned(loss != 0) & unsigned(loss != largest);
    }
  } else {
    for (const T loss : losses) {
      wrong |= unsigned(loss < 0) | unsigned(loss > largest);
    }
  }
  return wrong == 0;
}

template <class T>
void require_range(const char* function, std::span<const T> losses, std::size_t columns,
                   const MeanBoundOptions& options) {
  const bool binary = options.bound == MeanBound::binomial;
  const T largest = T(options.maximum);
  if (all_in_range(losses, largest, binary)) {
    return;
  }
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const T loss = losses[i];
    const std::size_t row = i / columns, column = i % columns;
    if (loss < 0 || loss > largest) {
      refuse(function, "losses must be in [0, maximum]; got ", double(loss), " in row ", row, " column ", column,
             "; expected values in [0, ", options.maximum, "]");
    }
    if (binary && loss != 0 && loss != largest) {
      refuse(function, "losses must be 0 or maximum for the bound binomial; got ", double(loss), " in row ", row,
             " column ", column, "; expected 0 or ", options.maximum, ", or another bound");
    }
  }
}

constexpr std::size_t kWidth = 64;  ///< columns that are summed up together

/// Sums are compensated (Kahan): ceil(n mean) of Bentkus must not step up because of rounding. `scaled` gives L.
template <class T, class Scaled>
void sum_up(std::span<const T> losses, std::size_t rows, std::size_t columns, std::size_t first, std::size_t count,
            bool with_squares, Scaled scaled, LossMoments* result) {
  double sum[kWidth] = {}, lost[kWidth] = {}, squares[kWidth] = {};
  for (std::size_t i = 0; i < rows; ++i) {
    const T* row = losses.data() + i * columns + first;
    for (std::size_t c = 0; c < count; ++c) {
      const double term = scaled(double(row[c])) - lost[c];
      const double total = sum[c] + term;
      lost[c] = (total - sum[c]) - term;
      sum[c] = total;
    }
  }
  if (with_squares) {
    double mean[kWidth];
    for (std::size_t c = 0; c < count; ++c) {
      mean[c] = sum[c] / double(rows);
    }
    for (std::size_t i = 0; i < rows; ++i) {
      const T* row = losses.data() + i * columns + first;
      for (std::size_t c = 0; c < count; ++c) {
        const double difference = scaled(double(row[c])) - mean[c];
        squares[c] += difference * difference;
      }
    }
  }
  for (std::size_t c = 0; c < count; ++c) {
    result[c] = {sum[c], squares[c]};
  }
}

}  // namespace

LossColumns::LossColumns(const char* function, const Matrix& losses, const MeanBoundOptions& options)
    : losses_(losses), options_(options), moments_(losses.columns) {
  require_options(function, options);
  require_matrix(function, "losses", losses);
  losses.values.visit([&]<class T>(std::span<const T> values) {
    require_range(function, values, losses.columns, options);
    const double largest = largest_ = double(T(options.maximum));
    const bool with_squares = options.bound == MeanBound::empirical_bernstein;
    thread_pool().parallel_for(0, std::int64_t(losses.columns), kWidth, [&](std::int64_t begin, std::int64_t end) {
      const auto first = std::size_t(begin), count = std::size_t(end) - first;
      const auto sum = [&](auto scaled) {
        sum_up(values, losses.rows, losses.columns, first, count, with_squares, scaled, &moments_[first]);
      };
      if (largest == 1) {
        sum([](double loss) { return loss; });
      } else {
        sum([largest](double loss) { return loss / largest; });
      }
    });
  });
}

std::vector<double> LossColumns::means() const {
  std::vector<double> means;
  for (const LossMoments& column : moments_) {
    means.push_back(std::min(1.0, column.sum / double(n())) * options_.maximum);
  }
  return means;
}

double share_of_maximum(const char* function, double limit, const MeanBoundOptions& options) {
  require_options(function, options);
  const double share = limit / options.maximum;
  if (!(share >= 1e-8 && share < 1)) {
    refuse(function, "limit is out of range; got ", limit, "; expected a value above 0 (from ", 1e-8 * options.maximum,
           " on) and below ", options.maximum);
  }
  return share;
}

}  // namespace oddity::metrics::detail
