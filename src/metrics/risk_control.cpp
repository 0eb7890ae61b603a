#include "oddity/metrics/risk_control.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/column_bounds.h"
#include "oddity/metrics/conformal.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// Column of the i-th setting counted from the safest.
std::size_t from_safest(std::size_t i, std::size_t columns, Safest safest) {
  return safest == Safest::first ? i : columns - 1 - i;
}

template <class T>
bool falls(const T* row, std::size_t columns, Safest safest) {
  unsigned rising = 0;  // without branches, for vectors
  for (std::size_t c = 1; c < columns; ++c) {
    rising |= safest == Safest::last ? unsigned(row[c] > row[c - 1]) : unsigned(row[c] < row[c - 1]);
  }
  return rising == 0;
}

template <class T>
void require_falling(std::span<const T> losses, std::size_t columns, Safest safest) {
  const std::size_t rows = losses.size() / columns;
  std::atomic<std::size_t> first_rising = rows;
  thread_pool().parallel_for(0, std::int64_t(rows), 256, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = std::size_t(begin); i < std::size_t(end); ++i) {
      if (!falls(losses.data() + i * columns, columns, safest)) {
        std::size_t known = first_rising;
        while (i < known && !first_rising.compare_exchange_weak(known, i)) {
        }
        return;
      }
    }
  });
  if (first_rising == rows) {
    return;
  }
  const T* row = losses.data() + first_rising * columns;
  std::size_t c = 1;
  while (falls(row + c - 1, 2, safest)) {
    ++c;
  }
  const std::size_t safer = safest == Safest::last ? c : c - 1, riskier = safest == Safest::last ? c - 1 : c;
  refuse("crc", "losses must not rise towards the safest setting; got ", double(row[riskier]), " in column ", riskier,
         " and ", double(row[safer]), " in column ", safer, " of row ", first_rising.load(),
         "; expected losses that fall in every row (the safest is ", safest == Safest::last ? "last" : "first",
         "), or rcps or ltt");
}

/// count * value without the rounding of value: 150 * 0.18 is 27.
double exact_product(std::uint64_t count, double value) {
  if (value >= 1 || value < 1e-15) {
    return double(count) * value;
  }
  const Fraction fraction = simplest_fraction(value);
  return double((long double)(count) * (long double)(fraction.numerator) / (long double)(fraction.denominator));
}

/// Smallest n with maximum / (n + 1) <= limit.
std::uint64_t crc_samples_needed(double limit, double maximum) {
  auto n = std::uint64_t(std::max(1.0, std::floor(maximum / limit) - 2));
  while (maximum > exact_product(n + 1, limit)) {
    ++n;
  }
  return n;
}

/// p-values at `level`, `level` / 2, ...: the strictest first.
double first_level(double level, FamilyWise method, std::size_t hypotheses, std::size_t starts) {
  return level / double(method == FamilyWise::fixed_sequence ? starts : hypotheses);
}

void require_starts(const char* function, std::size_t starts, std::size_t hypotheses) {
  if (starts < 1 || starts > hypotheses) {
    refuse(function, "starts is out of range; got ", starts, "; expected 1 to ", hypotheses);
  }
}

std::vector<std::uint8_t> rejections(std::span<const double> p_values, double level, FamilyWise method,
                                     std::size_t starts) {
  const std::size_t m = p_values.size();
  std::vector<std::uint8_t> rejected(m, 0);
  const double strictest = first_level(level, method, m, starts);
  switch (method) {
    case FamilyWise::bonferroni:
      for (std::size_t i = 0; i < m; ++i) {
        rejected[i] = p_values[i] <= strictest;
      }
      break;
    case FamilyWise::holm: {
      std::vector<std::size_t> order(m);
      std::iota(order.begin(), order.end(), std::size_t(0));
      std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
      for (std::size_t i = 0; i < m && p_values[order[i]] <= level / double(m - i); ++i) {
        rejected[order[i]] = 1;
      }
      break;
    }
    case FamilyWise::fixed_sequence:
      for (std::size_t start = 0; start < starts; ++start) {
        // Beyond a rejected hypothesis an earlier walk has been already.
        for (std::size_t i = start * m / starts; i < m && rejected[i] == 0 && p_values[i] <= strictest; ++i) {
          rejected[i] = 1;
        }
      }
      break;
  }
  return rejected;
}

}  // namespace

RiskControl crc(const Matrix& losses, double limit, const CrcOptions& options) {
  const MeanBoundOptions mean{.bound = MeanBound::hoeffding, .maximum = options.maximum};  // any losses in the range
  detail::share_of_maximum("crc", limit, mean);
  const detail::LossColumns columns("crc", losses, mean);
  losses.values.visit([&](auto values) { require_falling(values, losses.columns, options.safest); });

  RiskControl result;
  result.n = losses.rows;
  result.n_needed = crc_samples_needed(limit, options.maximum);
  result.risks = columns.means();
  const double next = double(losses.rows) + 1, most = exact_product(losses.rows + 1, limit);
  bool kept = true;
  result.bounds.resize(losses.columns);
  for (std::size_t i = 0; i < losses.columns; ++i) {
    const std::size_t column = from_safest(i, losses.columns, options.safest);
    const double sum = (columns.moments()[column].sum + 1) * options.maximum;
    result.bounds[column] = sum / next;
    kept = kept && sum <= most;
    if (kept) {
      result.index = column;
    }
  }
  return result;
}

RiskControl rcps(const Matrix& losses, double limit, const RcpsOptions& options) {
  const double share = detail::share_of_maximum("rcps", limit, options.mean);
  const detail::LossColumns columns("rcps", losses, options.mean);
  RiskControl result;
  result.n = losses.rows;
  result.n_needed = detail::lossless_needed(share, 1 - options.mean.confidence, options.mean.bound);
  result.risks = columns.means();
  result.bounds = detail::column_upper_bounds(columns);
  for (std::size_t i = 0; i < losses.columns; ++i) {
    const std::size_t column = from_safest(i, losses.columns, options.safest);
    if (result.bounds[column] > limit) {
      break;
    }
    result.index = column;
  }
  return result;
}

std::vector<std::uint8_t> family_wise_rejections(Values p_values, double level, FamilyWise method, std::size_t starts) {
  constexpr const char* function = "family_wise_rejections";
  detail::require_not_empty(function, "p_values", p_values.size());
  detail::require_open_unit(function, "level", level);
  require_starts(function, starts, p_values.size());
  std::vector<double> wide(p_values.size());
  for (std::size_t i = 0; i < wide.size(); ++i) {
    wide[i] = p_values[i];
    if (!(wide[i] >= 0 && wide[i] <= 1)) {
      refuse(function, "p_values must be in [0, 1]; got ", wide[i], " at index ", i);
    }
  }
  return rejections(wide, level, method, starts);
}

LearnThenTest ltt(const Matrix& losses, double limit, const LttOptions& options) {
  constexpr const char* function = "ltt";
  const double share = detail::share_of_maximum(function, limit, options.mean);
  const detail::LossColumns table(function, losses, options.mean);
  const std::size_t columns = losses.columns;
  require_starts(function, options.starts, columns);
  if (!options.costs.empty()) {
    detail::require_same_length(function, "costs", options.costs.size(), "settings", columns);
    detail::require_finite(function, "costs", options.costs);
  }

  LearnThenTest result;
  result.n = losses.rows;
  const double delta = 1 - options.mean.confidence;
  const double strictest = first_level(delta, options.method, columns, options.starts);
  result.n_needed = detail::lossless_needed(share, strictest, options.mean.bound);
  result.risks = table.means();
  result.p_values = detail::column_p_values(table, share, strictest);

  std::vector<double> walk(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    walk[i] = result.p_values[from_safest(i, columns, options.safest)];
  }
  const std::vector<std::uint8_t> rejected = rejections(walk, delta, options.method, options.starts);
  result.certified.resize(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    const std::size_t column = from_safest(i, columns, options.safest);
    result.certified[column] = rejected[i];
    const bool better = options.costs.empty() || !result.index || options.costs[column] < options.costs[*result.index];
    if (rejected[i] != 0 && better) {
      result.index = column;
    }
  }
  return result;
}

}  // namespace oddity::metrics
