#include "oddity/metrics/projection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "metrics/binomial_bounds.h"
#include "metrics/check.h"
#include "metrics/root.h"
#include "metrics/weighted_counts.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void require_measured(const char* function, const char* name, const MeasuredRate& rate) {
  if (rate.trials == 0) {
    refuse(function, name, " has no trials; expected at least one");
  }
  if (rate.events > rate.trials) {
    refuse(function, name, " has more events than trials; got ", rate.events, " of ", rate.trials);
  }
}

void require_slices(const char* function, std::span<const ProductionSlice> slices, const ProjectionOptions& options) {
  detail::require_not_empty(function, "slices", slices.size());
  detail::require_open_unit(function, "confidence", options.confidence);
  double sum = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const double weight = slices[i].weight;
    if (!(weight == 0 || (weight >= 1e-100 && weight <= 1 + 1e-6))) {  // squares must not vanish
      refuse(function, "weights must be 0 or in [1e-100, 1]; got ", weight, " in slice ", i);
    }
    if (slices[i].errors > slices[i].tested) {
      refuse(function, "slice ", i, " has more errors than tested parts; got ", slices[i].errors, " of ",
             slices[i].tested);
    }
    sum += weight;
  }
  if (!(std::abs(sum - 1) <= 1e-6)) {
    refuse(function, "weights must sum to 1; got ", sum);
  }
  if (!(options.unseen >= 0 && options.unseen < 1)) {
    refuse(function, "unseen is out of range; got ", options.unseen, "; expected a value in [0, 1)");
  }
  if (options.logged == 1) {
    refuse(function, "logged is too small; got 1; expected 0 or at least 2 parts");
  }
  if (options.logged > 0 && options.unseen > 0) {
    refuse(function, "logged and unseen exclude each other; got ", options.logged, " and ", options.unseen,
           "; a log shows what was not tested");
  }
}

}  // namespace

double zero_error_bound(std::uint64_t n, double confidence) {
  detail::require_open_unit("zero_error_bound", "confidence", confidence);
  return n == 0 ? 1 : -std::expm1(std::log1p(-confidence) / double(n));
}

ProjectedRate project_rate(std::span<const ProductionSlice> slices, const ProjectionOptions& options) {
  require_slices("project_rate", slices, options);
  const double delta = 1 - options.confidence;
  const double for_slices = options.logged > 0 || options.unseen > 0 ? delta / 2 : delta;
  // Bernstein's inequality wants the slices' bounds fixed before the log: then slices without a logged part count too.
  const auto bounded = double(std::count_if(slices.begin(), slices.end(), [&](const ProductionSlice& s) {
    return s.tested > 0 && (s.weight > 0 || options.logged > 0);
  }));
  ProjectedRate result;
  double rate = 0, variance = 0, bound = 0, square = 0;
  bool any = false;  // slice of production that was tested
  detail::WeightedCounts errors;
  for (const ProductionSlice& slice : slices) {
    result.tested += slice.tested;
    result.errors += slice.errors;
    double worst = 1;
    if (slice.tested == 0) {
      result.untested += slice.weight;
    } else if (slice.weight > 0) {
      const double share = double(slice.errors) / double(slice.tested);
      rate += slice.weight * share;
      variance += slice.weight * slice.weight * share * (1 - share) / double(slice.tested);
      errors.add(slice.weight / double(slice.tested), double(slice.errors));
      worst = detail::binomial_upper_bound(slice.errors, slice.tested, for_slices / bounded);
      any = true;
    }
    bound += slice.weight * worst;
    square += slice.weight * worst * worst;
  }
  if (!any) {
    result.value = result.standard_error = kNaN;
    result.upper = 1;
    result.gamma_upper = options.logged > 0 ? kNaN : 1;
    return result;
  }
  result.value = rate / (1 - result.untested);
  result.standard_error = std::sqrt(variance) / (1 - result.untested);
  const auto with_unseen = [&](double b) { return std::min(1.0, b + (1 - b) * options.unseen); };
  if (options.logged > 0) {
    const double n = double(options.logged), log = std::log(4 / delta);
    const double spread = std::max(0.0, square - bound * bound) * n / (n - 1);
    result.upper = std::min(1.0, bound + std::sqrt(2 * spread * log / n) + 7 * log / (3 * (n - 1)));
    result.gamma_upper = kNaN;
    return result;
  }
  result.upper = with_unseen(std::min(1.0, bound));
  result.gamma_upper = with_unseen(std::min(1.0, result.untested + errors.upper(for_slices)));
  return result;
}

double unseen_mass_bound(std::uint64_t singletons, std::uint64_t n, double confidence) {
  constexpr const char* function = "unseen_mass_bound";
  detail::require_open_unit(function, "confidence", confidence);
  if (n == 0 || singletons > n) {
    refuse(function, "singletons must be at most n, and n at least 1; got ", singletons, " and ", n);
  }
  const double count = double(n);
  return std::min(
      1.0, double(singletons) / count + (1 + std::sqrt(2.0)) * std::sqrt(std::log(2 / (1 - confidence)) / count));
}

namespace {

/// Nodes and weights for integrals over probabilities: Gauss-Legendre (Newton on the recurrence) after a substitution.
template <std::size_t N>
std::array<std::pair<double, double>, N> legendre_nodes() {
  std::array<std::pair<double, double>, N> nodes{};
  for (std::size_t i = 0; i < N; ++i) {
    double x = std::cos(std::acos(-1.0) * (double(i) + 0.75) / (double(N) + 0.5)), derivative = 1;
    for (int step = 0; step < 100; ++step) {
      double before = 1, value = x;
      for (std::size_t k = 2; k <= N; ++k) {
        const double next = ((2 * double(k) - 1) * x * value - (double(k) - 1) * before) / double(k);
        before = value;
        value = next;
      }
      derivative = double(N) * (x * value - before) / (x * x - 1);
      const double change = value / derivative;
      x -= change;
      if (std::abs(change) < 1e-15) {
        break;
      }
    }
    // Substituted p = u^3 (10 - 15 u + 6 u^2): quantiles change fast near 0 and 1.
    const double u = 0.5 * (1 + x), weight = 1 / ((1 - x * x) * derivative * derivative);
    nodes[i] = {u * u * u * (10 - 15 * u + 6 * u * u), weight * 30 * u * u * (1 - u) * (1 - u)};
  }
  return nodes;
}

/// Clopper and Pearson's confidence distribution of a rate for its upper bound: Beta(events + 1, trials - events); for
/// the lower one Beta(events, trials - events + 1). Degenerate at 1 and 0 where there is no other outcome.
double confidence_quantile(const MeasuredRate& rate, bool upper, double p) {
  const double events = double(rate.events), rest = double(rate.trials - rate.events);
  if (upper) {
    return rest == 0 ? 1 : beta_quantile(p, events + 1, rest);
  }
  return events == 0 ? 0 : beta_quantile(p, events, rest + 1);
}

double confidence_cdf(const MeasuredRate& rate, bool upper, double x) {
  const double events = double(rate.events), rest = double(rate.trials - rate.events);
  if (upper) {
    return rest == 0 ? double(x >= 1) : beta_cdf(x, events + 1, rest);
  }
  return events == 0 ? 1 : beta_cdf(x, events, rest + 1);
}

}  // namespace

PrevalenceEstimate rogan_gladen(MeasuredRate flagged, MeasuredRate detected, MeasuredRate overkill, double confidence) {
  constexpr const char* function = "rogan_gladen";
  require_measured(function, "flagged", flagged);
  require_measured(function, "detected", detected);
  require_measured(function, "overkill", overkill);
  detail::require_open_unit(function, "confidence", confidence);
  const auto share = [](const MeasuredRate& rate) { return double(rate.events) / double(rate.trials); };
  if (!(share(detected) > share(overkill))) {
    refuse(function, "detected must exceed overkill; got rates ", share(detected), " and ", share(overkill));
  }
  PrevalenceEstimate result;
  result.value = std::clamp((share(flagged) - share(overkill)) / (share(detected) - share(overkill)), 0.0, 1.0);
  // At prevalence t a share t D + (1 - t) F is flagged, so P(prevalence <= t) under the distributions of the lower
  // (upper) end is that of flagged <= t D + (1 - t) F: D and F from above (below), flagged from below (above).
  static const auto nodes = legendre_nodes<24>();
  const auto end = [&](bool upper) {
    std::vector<double> of_detected, of_overkill;
    for (const auto& [p, weight] : nodes) {
      of_detected.push_back(confidence_quantile(detected, !upper, p));
      of_overkill.push_back(confidence_quantile(overkill, !upper, p));
    }
    // Most pairs lie where the distribution of flagged is 0 or 1 to double precision.
    const double never = confidence_quantile(flagged, upper, 1e-17),
                 always = confidence_quantile(flagged, upper, 1 - 1e-16);
    const auto excess = [&](double t) {  // of P(prevalence <= t) over its target; rises with t
      double probability = 0;
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        for (std::size_t j = 0; j < nodes.size(); ++j) {
          const double rate = std::clamp(t * of_detected[i] + (1 - t) * of_overkill[j], 0.0, 1.0);
          if (rate >= never) {
            probability +=
                nodes[i].second * nodes[j].second * (rate >= always ? 1 : confidence_cdf(flagged, upper, rate));
          }
        }
      }
      return probability - (upper ? (1 + confidence) / 2 : (1 - confidence) / 2);
    };
    if (excess(0) >= 0) {
      return 0.0;
    }
    return excess(1) <= 0 ? 1.0 : detail::root_between(excess, 0, 1, 1e-10);
  };
  result.low = std::min(result.value, end(false));
  result.high = std::max(result.value, end(true));
  return result;
}

EscapePpm project_escape_ppm(MeasuredRate escape, MeasuredRate overkill, PrevalenceEstimate prevalence,
                             double confidence) {
  constexpr const char* function = "project_escape_ppm";
  require_measured(function, "escape", escape);
  require_measured(function, "overkill", overkill);
  detail::require_open_unit(function, "confidence", confidence);
  detail::require_unit(function, "prevalence", prevalence.value);
  if (!(prevalence.low >= 0 && prevalence.low <= prevalence.value && prevalence.value <= prevalence.high &&
        prevalence.high <= 1)) {
    refuse(function, "prevalence must lie in its interval in [0, 1]; got ", prevalence.value, " in [", prevalence.low,
           ", ", prevalence.high, "]");
  }
  const auto ppm = [](double p, double e, double o) {
    const double escapes = p * e, passed = (1 - p) * (1 - o);
    return escapes + passed > 0 ? 1e6 * (escapes / (escapes + passed)) : kNaN;
  };
  const double each = 1 - (1 - confidence) / 2;
  const Interval of_escape = clopper_pearson(escape.events, escape.trials, each);
  const Interval of_overkill = clopper_pearson(overkill.events, overkill.trials, each);
  EscapePpm result;
  result.value = ppm(prevalence.value, double(escape.events) / double(escape.trials),
                     double(overkill.events) / double(overkill.trials));
  result.low = ppm(prevalence.low, of_escape.low, of_overkill.low);
  result.high = ppm(prevalence.high, of_escape.high, of_overkill.high);
  return result;
}

OutgoingQuality outgoing_quality(double prevalence, std::uint64_t lot, std::uint64_t sample, std::uint64_t allowed) {
  constexpr const char* function = "outgoing_quality";
  detail::require_unit(function, "prevalence", prevalence);
  if (lot == 0 || sample > lot) {
    refuse(function, "sample must be at most lot, and lot at least 1; got ", sample, " of ", lot);
  }
  if (sample > 0 && allowed >= sample) {
    refuse(function, "allowed must be below sample; got ", allowed, " of ", sample);
  }
  OutgoingQuality result;
  // P(Binomial(n, p) <= c) = P(Beta(n - c, c + 1) <= 1 - p).
  result.accepted = sample == 0 ? 1 : beta_cdf(1 - prevalence, double(sample - allowed), double(allowed) + 1);
  const double rest = double(lot - sample);
  result.outgoing = result.accepted * prevalence * rest / double(lot);
  result.total_inspected = double(sample) + (1 - result.accepted) * rest;
  return result;
}

}  // namespace oddity::metrics
