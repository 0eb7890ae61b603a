#include "metrics/loss_columns.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>

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

/// Throws for the first value that is wrong; there is one.
template <class T>
[[noreturn]] void refuse_losses(const char* function, std::span<const T> losses, std::size_t columns,
                                const MeanBoundOptions& options) {
  require_finite(function, "losses", losses);
  const auto largest = T(options.maximum);
  const auto wrong = std::find_if(losses.begin(), losses.end(), [&](T loss) { return loss < 0 || loss > largest; });
  const auto where = [&](auto at) {
    const auto i = std::size_t(at - losses.begin());
    return " in row " + std::to_string(i / columns) + " column " + std::to_string(i % columns);
  };
  if (wrong != losses.end()) {
    refuse(function, "losses must be in [0, maximum]; got ", double(*wrong), where(wrong), "; expected values in [0, ",
           options.maximum, "]");
  }
  const auto other = std::find_if(losses.begin(), losses.end(), [&](T loss) { return loss != 0 && loss != largest; });
  refuse(function, "losses must be 0 or maximum for the bound binomial; got ", double(*other), where(other),
         "; expected 0 or ", options.maximum, ", or another bound");
}

constexpr std::size_t kWidth = 64;  ///< columns that are summed up together

/// Columns [first, first + count) of a table.
template <class T>
struct Piece {
  std::span<const T> losses;
  std::size_t rows, columns, first, count;

  const T* row(std::size_t i) const { return losses.data() + i * columns + first; }
};

/// Sums and extremes of columns. Sums are compensated (Kahan): ceil(n mean) of Bentkus must not step up because of
/// rounding.
struct Sums {
  double sum[kWidth] = {}, lost[kWidth] = {};
  double smallest[kWidth] = {}, largest[kWidth] = {};  ///< of the losses as they are and 0; NaN is ignored
  double between[kWidth] = {};                         ///< sums of x (maximum - x)

  /// Rows [i, i + count), whose sums stay in registers meanwhile. `scaled` gives L.
  template <std::size_t count, bool binary, class T, class Scaled>
  [[gnu::always_inline]] void add(const Piece<T>& piece, std::size_t i, double maximum, Scaled scaled) {
    for (std::size_t c = 0; c < piece.count; ++c) {
      double s = sum[c], l = lost[c], low = smallest[c], high = largest[c], b = between[c];
      const T* loss = piece.row(i) + c;
      for (std::size_t r = 0; r < count; ++r, loss += piece.columns) {
        const auto x = double(*loss);
        low = x < low ? x : low;
        high = x > high ? x : high;
        if constexpr (binary) {
          b += (x != 0) & (x != maximum) ? 1.0 : 0.0;
        }
        const double term = scaled(x) - l;
        const double total = s + term;
        l = (total - s) - term;
        s = total;
      }
      sum[c] = s, lost[c] = l, smallest[c] = low, largest[c] = high, between[c] = b;
    }
  }
};

/// Whether all losses are in the range.
template <bool binary, class T, class Scaled>
[[gnu::always_inline]] inline bool sum_up(const Piece<T>& piece, double maximum, Scaled scaled, LossMoments* result) {
  constexpr std::size_t step = 8;
  Sums sums;
  std::size_t i = 0;
  for (; i + step <= piece.rows; i += step) {
    sums.add<step, binary>(piece, i, maximum, scaled);
  }
  for (; i < piece.rows; ++i) {
    sums.add<1, binary>(piece, i, maximum, scaled);
  }
  bool good = true;
  for (std::size_t c = 0; c < piece.count; ++c) {
    result[c].sum = sums.sum[c];
    good = good && std::isfinite(sums.sum[c]) && sums.smallest[c] >= 0 && sums.largest[c] <= maximum &&
           sums.between[c] == 0;
  }
  return good;
}

template <class T, class Scaled>
[[gnu::always_inline]] inline void sum_squares(const Piece<T>& piece, Scaled scaled, LossMoments* result) {
  constexpr std::size_t step = 8;
  for (std::size_t first = 0; first < piece.rows; first += step) {
    const std::size_t count = std::min(step, piece.rows - first);
    for (std::size_t c = 0; c < piece.count; ++c) {
      const double mean = result[c].sum / double(piece.rows);
      double squares = result[c].squares;
      const T* loss = piece.row(first) + c;
      for (std::size_t r = 0; r < count; ++r, loss += piece.columns) {
        const double difference = scaled(double(*loss)) - mean;
        squares += difference * difference;
      }
      result[c].squares = squares;
    }
  }
}

/// Moments of a piece; false when a loss is out of range.
template <class T>
[[gnu::always_inline]] inline bool moments_of(const Piece<T>& piece, double maximum, MeanBound bound,
                                              LossMoments* result) {
  const auto all = [&](auto scaled) __attribute__((always_inline)) {
    const bool good = bound == MeanBound::binomial ? sum_up<true>(piece, maximum, scaled, result)
                                                   : sum_up<false>(piece, maximum, scaled, result);
    if (good && bound == MeanBound::empirical_bernstein) {
      sum_squares(piece, scaled, result);
    }
    return good;
  };
  return maximum == 1 ? all([](double loss) { return loss; }) : all([=](double loss) { return loss / maximum; });
}

// Columns are independent, and nothing is fused (which GCC would do for avx512f): all give the same bits.
template <class T>
[[gnu::target("avx512f"), gnu::optimize("fp-contract=off")]] bool moments_avx512(const Piece<T>& piece, double maximum,
                                                                                 MeanBound bound, LossMoments* result) {
  return moments_of(piece, maximum, bound, result);
}
template <class T>
[[gnu::target("avx2")]] bool moments_avx2(const Piece<T>& piece, double maximum, MeanBound bound, LossMoments* result) {
  return moments_of(piece, maximum, bound, result);
}
template <class T>
bool moments_sse2(const Piece<T>& piece, double maximum, MeanBound bound, LossMoments* result) {
  return moments_of(piece, maximum, bound, result);
}

}  // namespace

LossColumns::LossColumns(const char* function, const Matrix& losses, const MeanBoundOptions& options)
    : losses_(losses), options_(options), moments_(losses.columns) {
  require_options(function, options);
  require_matrix_size(function, "losses", losses);
  losses.values.visit([&]<class T>(std::span<const T> values) {
    largest_ = double(T(options.maximum));
    const auto moments = __builtin_cpu_supports("avx512f") ? moments_avx512<T>
                         : __builtin_cpu_supports("avx2")  ? moments_avx2<T>
                                                           : moments_sse2<T>;
    std::atomic<bool> good = true;
    thread_pool().parallel_for(0, std::int64_t(losses.columns), kWidth, [&](std::int64_t begin, std::int64_t end) {
      const auto first = std::size_t(begin);
      const Piece<T> piece{values, losses.rows, losses.columns, first, std::size_t(end) - first};
      if (!moments(piece, largest_, options.bound, &moments_[first])) {
        good = false;
      }
    });
    if (!good) {
      refuse_losses(function, values, losses.columns, options);
    }
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
