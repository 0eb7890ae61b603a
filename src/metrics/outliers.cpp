#include "oddity/metrics/outliers.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"
#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/sort.h"
#include "oddity/metrics/conformal.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

bool is_conditional(PValueKind kind) { return kind == PValueKind::simes || kind == PValueKind::dkwm; }

void require_delta(const char* function, PValueKind kind, double delta) {
  if (is_conditional(kind)) {
    detail::require_open_unit(function, "delta", delta);
  }
}

std::vector<double> ascending(Values values) {
  std::vector<double> result(values.size());
  values.visit([&](auto span) {
    using T = typename decltype(span)::value_type;
    std::vector<detail::KeyOf<T>> keys(span.size());
    std::transform(span.begin(), span.end(), keys.begin(), detail::descending_key<T>);
    detail::radix_sort(keys);
    std::transform(keys.rbegin(), keys.rend(), result.begin(), detail::score_of_key<T>);
  });
  return result;
}

double simes_length(double n) { return std::max(1.0, std::floor(n / 2)); }

double dkwm_margin(double n, double delta) { return std::sqrt(std::log(2 / delta) / (2 * n)); }

/// b_1.
double smallest_p_value(double n, PValueKind kind, double delta) {
  switch (kind) {
    case PValueKind::simes:
      return -std::expm1(std::log(delta) / simes_length(n));
    case PValueKind::dkwm:
      return std::min(1.0, 1 / n + dkwm_margin(n, delta));
    case PValueKind::marginal:
    case PValueKind::smoothed:
      break;
  }
  return 1 / (n + 1);
}

}  // namespace

std::vector<double> possible_p_values(std::size_t n, PValueKind kind, double delta) {
  constexpr const char* function = "possible_p_values";
  if (n == 0) {
    refuse(function, "n is out of range; got 0; expected at least 1");
  }
  require_delta(function, kind, delta);
  std::vector<double> values(n + 1, 1.0);
  if (kind == PValueKind::simes) {
    const double h = simes_length(double(n));
    double log_ratio = 0;  // of the products, for i = n down to h; below it there is a factor of 0 and b is 1
    for (std::size_t i = n; double(i) >= h; --i) {
      values[n - i] = -std::expm1((std::log(delta) + log_ratio) / h);
      log_ratio += std::log1p(-h / double(i));
    }
    return values;
  }
  for (std::size_t k = 1; k <= n; ++k) {
    values[k - 1] = kind == PValueKind::dkwm ? std::min(1.0, double(k) / double(n) + dkwm_margin(double(n), delta))
                                             : double(k) / (double(n) + 1);
  }
  return values;
}

OutlierPValues outlier_p_values(Values calibration, Values scores, const OutlierOptions& options) {
  constexpr const char* function = "outlier_p_values";
  detail::require_not_empty(function, "calibration", calibration.size());
  detail::require_finite(function, "calibration", calibration);
  detail::require_finite(function, "scores", scores);
  require_delta(function, options.kind, options.delta);
  const std::vector<double> sorted = ascending(calibration);
  const std::size_t n = sorted.size();
  std::vector<double> table;
  if (is_conditional(options.kind)) {
    table = possible_p_values(n, options.kind, options.delta);
  }
  OutlierPValues result;
  result.n = n;
  result.smallest = smallest_p_value(double(n), options.kind, options.delta);
  result.values.resize(scores.size());
  thread_pool().parallel_for(0, std::int64_t(scores.size()), 4096, [&](std::int64_t first, std::int64_t last) {
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      const double score = scores[i];
      const auto from = std::lower_bound(sorted.begin(), sorted.end(), score);
      const auto at_least = std::size_t(sorted.end() - from);
      if (!table.empty()) {
        result.values[i] = table[at_least];
      } else if (options.kind == PValueKind::marginal) {
        result.values[i] = (1 + double(at_least)) / (double(n) + 1);
      } else {
        const auto equal = double(std::upper_bound(from, sorted.end(), score) - from);
        const double u = 1 - RandomStream(options.seed, "outlier p-values", options.first_index + i).uniform();
        result.values[i] = (double(at_least) - equal + u * (1 + equal)) / (double(n) + 1);
      }
    }
  });
  return result;
}

std::uint64_t calibration_size_needed(std::uint64_t tested, std::uint64_t discoveries, double level, PValueKind kind,
                                      double delta) {
  constexpr const char* function = "calibration_size_needed";
  constexpr double largest = 0x1p53;
  detail::require_open_unit(function, "level", level);
  require_delta(function, kind, delta);
  if (discoveries == 0 || discoveries > tested) {
    refuse(function, "discoveries is out of range; got ", discoveries, " of ", tested,
           " tested parts; expected at least 1 and at most the tested parts");
  }
  const double target = level * (double(discoveries) / double(tested));
  double n = 0;
  if (!is_conditional(kind)) {
    // Exact: ceil(tested / (level * discoveries)) - 1 with the level as the fraction that was meant.
    __extension__ typedef unsigned __int128 Wide;
    const Fraction fraction = simplest_fraction(level);
    const Wide divisor = Wide(fraction.numerator) * discoveries;
    const Wide exact = (Wide(tested) * fraction.denominator + divisor - 1) / divisor - 1;
    if (exact <= Wide(largest)) {
      return std::uint64_t(exact);
    }
    n = 2 * largest;
  } else if (kind == PValueKind::simes) {
    n = 2 * std::ceil(std::log(delta) / std::log1p(-target));
  } else {
    // 1 / n + sqrt(c / n) = target, a quadratic in 1 / sqrt(n).
    const double c = std::log(2 / delta) / 2;
    const double root = 2 * target / (std::sqrt(c) + std::sqrt(c + 4 * target));
    n = std::ceil(1 / (root * root));
  }
  if (!(n <= largest)) {
    refuse(function, "no calibration set is large enough; got ", discoveries, " of ", tested, " at level ", level,
           "; expected what needs fewer than 2^53 parts");
  }
  // The closed forms may be off by rounding; the smallest p-value falls with n.
  n = std::max(n, 1.0);
  while (n > 1 && smallest_p_value(n - 1, kind, delta) <= target) {
    --n;
  }
  while (smallest_p_value(n, kind, delta) > target) {
    ++n;
  }
  return std::uint64_t(n);
}

}  // namespace oddity::metrics
