#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <vector>

#include "core/random.h"
#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/units.h"
#include "oddity/metrics/paired_tests.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr const char* kPurpose = "metrics.permutation";

void require_options(const char* function, const PermutationOptions& options, std::size_t most) {
  if (options.permutations == 0) {
    refuse(function, "permutations must be at least 1; got 0");
  }
  if (options.exact_up_to > most) {
    refuse(function, "exact_up_to is out of range; got ", options.exact_up_to, "; expected at most ", most);
  }
}

/// Whether a permuted value is as extreme as the observed one.
struct Extreme {
  Alternative alternative;
  double observed, tolerance;
  bool operator()(double value) const noexcept {
    switch (alternative) {
      case Alternative::greater:
        return value >= observed - tolerance;
      case Alternative::less:
        return value <= observed + tolerance;
      default:
        return std::abs(value) >= std::abs(observed) - tolerance;
    }
  }
};

/// All sums of +- values, ascending.
std::vector<double> signed_sums(std::span<const double> values) {
  std::vector<double> sums{0.0}, lower, upper;
  for (const double value : values) {
    lower = upper = sums;
    std::for_each(lower.begin(), lower.end(), [&](double& sum) { sum -= std::abs(value); });
    std::for_each(upper.begin(), upper.end(), [&](double& sum) { sum += std::abs(value); });
    sums.clear();
    std::merge(lower.begin(), lower.end(), upper.begin(), upper.end(), std::back_inserter(sums));
  }
  return sums;
}

/// How many of the 2^n sums of +- values are at least `threshold`. Each is a sum of two halves, whose sums are sorted:
/// as one rises, the part of the other that suffices grows.
double count_at_least(std::span<const double> values, double threshold) {
  const std::vector<double> first = signed_sums(values.first(values.size() / 2)),
                            second = signed_sums(values.subspan(values.size() / 2));
  double count = 0;  // at most 2^40: exact
  std::size_t enough = second.size();
  for (const double sum : first) {
    while (enough > 0 && sum + second[enough - 1] >= threshold) {
      --enough;
    }
    count += double(second.size() - enough);
  }
  return count;
}

/// Number of extreme values among drawn permutations.
std::size_t count_drawn(std::span<const double> values, const Extreme& extreme, const PermutationOptions& options) {
  constexpr std::size_t grain = 16;
  std::vector<std::size_t> counts((options.permutations + grain - 1) / grain, 0);
  thread_pool().parallel_for(0, std::int64_t(options.permutations), grain, [&](std::int64_t first, std::int64_t last) {
    std::vector<std::uint32_t> words((values.size() + 31) / 32);
    for (std::int64_t p = first; p < last; ++p) {
      RandomStream(options.seed, kPurpose, std::uint64_t(p)).fill(words);
      double sum = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        sum += (words[i / 32] >> (i % 32) & 1) != 0 ? -values[i] : values[i];
      }
      counts[std::size_t(first) / grain] += extreme(sum);
    }
  });
  std::size_t count = 0;
  for (const std::size_t one : counts) {
    count += one;
  }
  return count;
}

}  // namespace

PermutationTest paired_permutation_test(Values a, Values b, std::span<const std::int64_t> groups,
                                        const PermutationOptions& options) {
  constexpr const char* function = "paired_permutation_test";
  require_options(function, options, 40);
  detail::require_same_length(function, "a", a.size(), "b", b.size());
  detail::require_not_empty(function, "a", a.size());
  detail::require_finite(function, "a", a);
  detail::require_finite(function, "b", b);
  const detail::Units units = detail::units_of(function, groups, a.size());
  std::vector<double> differences(units.count, 0.0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences[units.of_sample[i]] += a[i] - b[i];
  }
  // A difference of zero is the same either way up.
  std::erase(differences, 0.0);
  double sum = 0, sum_of_sizes = 0;
  for (const double difference : differences) {
    sum += difference;
    sum_of_sizes += std::abs(difference);
  }
  if (!std::isfinite(sum_of_sizes)) {
    refuse(function, "differences of a and b are too large; their sum is not finite");
  }

  PermutationTest test;
  test.n = a.size();
  test.units = differences.size();
  test.statistic = sum / double(a.size());
  const Extreme extreme{options.alternative, sum, 1e-12 * sum_of_sizes};
  test.exact = test.units <= options.exact_up_to;
  if (test.exact) {
    // The sums are symmetric about 0, so that one tail gives all three alternatives.
    const double threshold = options.alternative == Alternative::two_sided ? std::abs(sum)
                             : options.alternative == Alternative::greater ? sum
                                                                           : -sum;
    const double all = std::ldexp(1.0, int(test.units));
    const double tail = count_at_least(differences, threshold - extreme.tolerance) / all;
    test.p_value = options.alternative == Alternative::two_sided ? std::min(1.0, 2 * tail) : tail;
    test.permutations = std::size_t(1) << test.units;
  } else {
    const std::size_t count = count_drawn(differences, extreme, options);
    test.p_value = (1 + double(count)) / (1 + double(options.permutations));
    test.permutations = options.permutations + 1;
  }
  return test;
}

PermutationTest permutation_test(std::size_t n, const SwapStatistic& statistic, std::span<const std::int64_t> groups,
                                 const PermutationOptions& options, bool parallel) {
  constexpr const char* function = "permutation_test";
  require_options(function, options, 20);
  if (n == 0) {
    refuse(function, "n must be at least 1; got 0");
  }
  const detail::Units units = detail::units_of(function, groups, n);
  const auto value_of = [&](const std::vector<std::uint8_t>& swapped) {
    const double value = statistic(swapped);
    if (!std::isfinite(value)) {
      refuse(function, "statistic must be finite; got ", detail::name_of_special(value));
    }
    return value;
  };
  PermutationTest test;
  test.n = n;
  test.units = units.count;
  test.statistic = value_of(std::vector<std::uint8_t>(n, 0));
  test.exact = units.count <= options.exact_up_to;
  const Extreme extreme{options.alternative, test.statistic, 1e-12 * std::max(1.0, std::abs(test.statistic))};

  const std::size_t total = test.exact ? (std::size_t(1) << units.count) - 1 : options.permutations;
  std::vector<std::uint8_t> is_extreme(total, 0);  // of the permutations other than the observed one
  const auto work = [&](std::int64_t first, std::int64_t last) {
    std::vector<std::uint8_t> swapped(n);
    std::vector<std::uint32_t> words((units.count + 31) / 32);
    for (std::int64_t p = first; p < last; ++p) {
      if (test.exact) {
        words[0] = std::uint32_t(p + 1);
      } else {
        RandomStream(options.seed, kPurpose, std::uint64_t(p)).fill(words);
      }
      for (std::size_t i = 0; i < n; ++i) {
        swapped[i] = words[units.of_sample[i] / 32] >> (units.of_sample[i] % 32) & 1;
      }
      is_extreme[std::size_t(p)] = extreme(value_of(swapped));
    }
  };
  if (parallel) {
    thread_pool().parallel_for(0, std::int64_t(total), 8, work);
  } else {
    work(0, std::int64_t(total));
  }
  const auto count = std::size_t(std::count(is_extreme.begin(), is_extreme.end(), std::uint8_t(1)));
  test.p_value = (1 + double(count)) / (1 + double(total));
  test.permutations = total + 1;
  return test;
}

}  // namespace oddity::metrics
