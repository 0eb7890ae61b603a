#include "oddity/metrics/selective.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "metrics/check.h"
#include "metrics/compensated_sum.h"
#include "metrics/sort.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using detail::CompensatedSum;
using detail::refuse;

/// Parts by falling certainty; parts [begin of i, begin of i + 1) of the order are equally certain.
struct Blocks {
  std::vector<std::uint32_t> order;
  std::vector<double> loss_of;      ///< of each part, in this order
  std::vector<std::size_t> begins;  ///< and the end of the last
  std::vector<double> losses;       ///< sum of each block
  std::size_t size() const { return losses.size(); }
};

Blocks blocks_of(Values certainty, Values losses) {
  Blocks blocks;
  blocks.order.resize(certainty.size());
  blocks.loss_of.resize(certainty.size());
  certainty.visit([&]<class T>(std::span<const T> span) {
    struct Part {
      detail::KeyOf<T> key;
      std::uint32_t index;
    };
    std::vector<Part> parts(span.size());
    for (std::size_t i = 0; i < span.size(); ++i) {
      parts[i] = {detail::descending_key(span[i]), std::uint32_t(i)};
    }
    detail::radix_sort(parts, 0, [](const Part& part) { return part.key; });
    CompensatedSum sum;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i == 0 || parts[i].key != parts[i - 1].key) {
        if (i > 0) {
          blocks.losses.push_back(sum.value());
        }
        sum = {};
        blocks.begins.push_back(i);
      }
      blocks.order[i] = parts[i].index;
      blocks.loss_of[i] = losses[parts[i].index];
      sum.add(blocks.loss_of[i]);
    }
    blocks.losses.push_back(sum.value());
    blocks.begins.push_back(parts.size());
  });
  return blocks;
}

/// Area under the selective risk and the influence of each part on it.
double selective_area(const Blocks& blocks, std::vector<double>& influence) {
  // A block of mass m and loss L behind coverage s and loss S adds L + (S - L s / m) log((s + m) / s); masses are in
  // units of parts. The value uses the sum over parts, sum of 1 / k, in place of the logarithm. The functional is
  // homogeneous, so a part's influence is the derivative by its mass and loss in its block, plus that of the coverage
  // and loss before all later blocks, less the area itself.
  const double n = double(blocks.order.size());
  std::vector<double> of_mass(blocks.size()), of_loss(blocks.size()), later_mass(blocks.size()),
      later_loss(blocks.size());
  CompensatedSum area, before;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const double s = double(blocks.begins[b]), e = double(blocks.begins[b + 1]), m = e - s;
    const double loss = blocks.losses[b], mean = loss / m, excess = before.value() - mean * s;
    CompensatedSum reciprocals;
    for (std::size_t k = blocks.begins[b] + 1; k <= blocks.begins[b + 1]; ++k) {
      reciprocals.add(1 / double(k));
    }
    area.add((loss + excess * reciprocals.value()) / n);
    if (b == 0) {
      of_loss[b] = 1;
    } else {
      const double log = std::log1p(m / s);
      of_mass[b] = mean * (s / m) * log + excess / e;
      of_loss[b] = 1 - s / m * log;
      later_mass[b] = -mean * log + excess * (1 / e - 1 / s);
      later_loss[b] = log;
    }
    before.add(loss);
  }
  CompensatedSum mass_after, loss_after;
  for (std::size_t b = blocks.size(); b-- > 0;) {
    for (std::size_t i = blocks.begins[b]; i < blocks.begins[b + 1]; ++i) {
      influence[blocks.order[i]] =
          of_mass[b] + mass_after.value() + blocks.loss_of[i] * (of_loss[b] + loss_after.value()) - area.value();
    }
    mass_after.add(later_mass[b]);
    loss_after.add(later_loss[b]);
  }
  return area.value();
}

/// The same under the generalised risk: a block adds m (S + L / 2), homogeneous of degree 2.
double generalized_area(const Blocks& blocks, std::vector<double>& influence) {
  const double n = double(blocks.order.size());
  CompensatedSum area, before;
  std::vector<double> of_mass(blocks.size());
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const double m = double(blocks.begins[b + 1] - blocks.begins[b]);
    of_mass[b] = before.value() + blocks.losses[b] / 2;
    area.add(m / n * (of_mass[b] / n));
    before.add(blocks.losses[b]);
  }
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const double middle = 0.5 * (double(blocks.begins[b]) + double(blocks.begins[b + 1]));
    for (std::size_t i = blocks.begins[b]; i < blocks.begins[b + 1]; ++i) {
      influence[blocks.order[i]] = of_mass[b] / n + blocks.loss_of[i] * (1 - middle / n) - 2 * area.value();
    }
  }
  return area.value();
}

/// Standard error of a mean of parts whose influences are summed in units; `unit` is empty or the unit of each part.
double standard_error(const std::vector<double>& influence, const std::vector<std::uint32_t>& unit, std::size_t units) {
  std::vector<double> sums;
  if (!unit.empty()) {
    sums.assign(units, 0);
    for (std::size_t i = 0; i < influence.size(); ++i) {
      sums[unit[i]] += influence[i];
    }
  }
  CompensatedSum squares;
  for (const double value : unit.empty() ? influence : sums) {
    squares.add(value * value);
  }
  return std::sqrt(squares.value() * double(units) / double(units - 1)) / double(influence.size());
}

std::vector<std::uint32_t> units_of(std::span<const std::int64_t> groups, std::size_t& count) {
  std::vector<std::int64_t> distinct(groups.begin(), groups.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  count = distinct.size();
  std::vector<std::uint32_t> unit(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    unit[i] = std::uint32_t(std::lower_bound(distinct.begin(), distinct.end(), groups[i]) - distinct.begin());
  }
  return unit;
}

void require_parts(const char* function, Values certainty, Values losses, double largest_loss) {
  detail::require_same_length(function, "certainty", certainty.size(), "losses", losses.size());
  detail::require_not_empty(function, "certainty", certainty.size());
  if (certainty.size() > std::numeric_limits<std::uint32_t>::max()) {
    refuse(function, "certainty has too many values; got ", certainty.size(), "; expected at most 2^32 - 1");
  }
  if (!(largest_loss >= 1e-100 && largest_loss <= 1e100)) {  // squares of others would overflow or vanish
    refuse(function, "largest_loss is out of range; got ", largest_loss, "; expected a value in [1e-100, 1e100]");
  }
  detail::require_finite(function, "certainty", certainty);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    if (!(losses[i] == 0 || (losses[i] >= 1e-100 && losses[i] <= largest_loss))) {
      refuse(function, "losses must be 0 or in [1e-100, largest_loss]; got ", losses[i], " at index ", i,
             " with largest_loss ", largest_loss);
    }
  }
}

}  // namespace

std::vector<RiskCoveragePoint> risk_coverage(Values certainty, Values losses, double largest_loss,
                                             std::size_t at_most) {
  require_parts("risk_coverage", certainty, losses, largest_loss);
  const Blocks blocks = blocks_of(certainty, losses);
  const double n = double(certainty.size());
  const std::size_t rows = blocks.size();
  const std::size_t kept = at_most == 0 ? rows : std::min(rows, std::max<std::size_t>(at_most, 2));
  std::vector<RiskCoveragePoint> points;
  CompensatedSum loss;
  for (std::size_t b = 0; b < rows; ++b) {
    loss.add(blocks.losses[b]);
    // Row i of the kept ones is row floor(i (rows - 1) / (kept - 1)) of all.
    if (b == (kept > 1 ? points.size() * (rows - 1) / (kept - 1) : 0)) {
      const double parts = double(blocks.begins[b + 1]);
      points.push_back({certainty[blocks.order[blocks.begins[b]]], parts / n, loss.value() / parts, loss.value() / n});
    }
  }
  return points;
}

SelectiveRisk selective_risk(Values certainty, Values losses, const SelectiveOptions& options,
                             std::span<const std::int64_t> groups) {
  constexpr const char* function = "selective_risk";
  require_parts(function, certainty, losses, options.largest_loss);
  detail::require_open_unit(function, "confidence", options.confidence);
  SelectiveRisk result;
  result.n = result.units = certainty.size();
  if (result.n < 2) {
    refuse(function, "certainty needs at least 2 parts; got ", result.n);
  }
  std::vector<std::uint32_t> unit;
  if (!groups.empty()) {
    detail::require_same_length(function, "groups", groups.size(), "certainty", certainty.size());
    unit = units_of(groups, result.units);
    if (result.units < 2) {
      refuse(function, "groups are too few; got 1; expected at least 2");
    }
  }
  const Blocks blocks = blocks_of(certainty, losses);
  CompensatedSum loss;
  for (const double of_block : blocks.losses) {
    loss.add(of_block);
  }
  result.risk = loss.value() / double(result.n);

  std::vector<double> negated(losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) {
    negated[i] = -losses[i];
  }
  std::vector<double> influence(result.n), of_best(result.n);
  result.aurc.value = selective_area(blocks, influence);
  result.aurc.standard_error = standard_error(influence, unit, result.units);
  const double best = selective_area(blocks_of(negated, losses), of_best);
  for (std::size_t i = 0; i < influence.size(); ++i) {
    influence[i] -= of_best[i];
  }
  const double excess = result.aurc.value - best;
  result.excess_aurc.value = excess > 1e-12 * result.aurc.value ? excess : 0;  // the best order, up to rounding
  result.excess_aurc.standard_error = standard_error(influence, unit, result.units);
  result.augrc.value = generalized_area(blocks, influence);
  result.augrc.standard_error = standard_error(influence, unit, result.units);

  const double alpha = 1 - options.confidence, z = -normal_quantile(alpha / 2), largest = options.largest_loss;
  const auto add_interval = [&](SelectiveEstimate& estimate, double highest) {
    estimate.value = std::min(estimate.value, highest);
    estimate.high = highest;
    if (estimate.value > 0) {
      const double factor = std::exp(z * estimate.standard_error / estimate.value);
      estimate.low = estimate.value / factor;
      estimate.high = std::min(highest, estimate.value * factor);
    }
  };
  const auto [least, most] = std::minmax_element(negated.begin(), negated.end());
  if (*least == *most) {
    const double one = -*least;
    // One loss only: no spread to estimate. A share r of other losses would still have been missed; put first or last.
    const double r = -std::expm1(std::log(alpha / 2) / double(result.units)), kept = 1 - r;
    result.aurc.value = one;  // without the rounding of the sums
    result.augrc.value = one / 2;
    result.aurc.low = one * (kept + r * std::log(r));
    result.aurc.high = one + (largest - one) * (r - r * std::log(r));
    result.augrc.low = one * kept * kept / 2;
    result.augrc.high = one / 2 + (largest - one) * r * (1 - r / 2);
  } else {
    add_interval(result.aurc, largest);
    add_interval(result.augrc, largest / 2);
  }
  add_interval(result.excess_aurc, result.aurc.high);
  return result;
}

}  // namespace oddity::metrics
