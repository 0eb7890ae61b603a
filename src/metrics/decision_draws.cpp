#include "metrics/decision_draws.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "metrics/check.h"

namespace oddity::metrics::detail {
namespace {

/// Uniform on [0, n) from one word (Lemire 2019): resampling spends its time here.
std::uint32_t below(RandomStream& random, std::size_t size) {
  const auto n = std::uint32_t(size);
  std::uint64_t product = std::uint64_t{random.bits()} * n;
  if (std::uint32_t(product) < n) {
    for (const std::uint32_t unfair = (0U - n) % n; std::uint32_t(product) < unfair;) {
      product = std::uint64_t{random.bits()} * n;
    }
  }
  return std::uint32_t(product >> 32);
}

}  // namespace

double draw_gamma(RandomStream& random, double shape) {
  if (shape <= 0) {
    return 0;
  }
  if (shape < 1) {
    const double larger = draw_gamma(random, shape + 1);
    return larger * std::pow(1 - random.uniform(), 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = random.normal(), root = 1 + c * x, v = root * root * root;
    if (v > 0 && std::log(1 - random.uniform()) < 0.5 * x * x + d * (1 - v + std::log(v))) {
      return d * v;
    }
  }
}

double draw_rate(RandomStream& random, const MeasuredRate& rate, double given) {
  if (rate.trials == 0) {
    return given;
  }
  const double yes = draw_gamma(random, double(rate.events) + 0.5);
  const double no = draw_gamma(random, double(rate.trials - rate.events) + 0.5);
  return yes / (yes + no);
}

PerAction draw_shares(RandomStream& random, const PerAction& counts) {
  PerAction shares{};
  for (std::size_t a = 0; a < shares.size(); ++a) {
    shares[a] = draw_gamma(random, counts[a]);
  }
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) {
    share /= sum;
  }
  return shares;
}

PartGroups part_groups(const char* function, std::span<const std::uint8_t> labels,
                       std::span<const std::int64_t> groups) {
  require_same_length(function, "groups", groups.size(), "labels", labels.size());
  std::vector<std::uint32_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return groups[a] < groups[b]; });
  PartGroups result;
  std::size_t with_good = 0;
  for (std::size_t i = 0; i < order.size();) {
    std::vector<std::uint32_t> parts;
    std::size_t defects = 0;
    for (const std::int64_t group = groups[order[i]]; i < order.size() && groups[order[i]] == group; ++i) {
      parts.push_back(order[i]);
      defects += labels[order[i]];
    }
    with_good += defects < parts.size();
    (defects > 0 ? result.with_defect : result.without).push_back(std::move(parts));
  }
  if (result.with_defect.size() < 2 || with_good < 2) {
    refuse(function, "groups are too few; got ", result.with_defect.size(), " with defects and ", with_good,
           " with good parts; expected at least 2 of each");
  }
  return result;
}

double design_effect(const PartGroups& groups, std::span<const std::uint8_t> labels, std::uint8_t label,
                     std::span<const std::uint8_t> action_of_part) {
  std::vector<PerAction> counts;  // of the groups that have the class
  PerAction all{};
  for (const auto* stratum : {&groups.with_defect, &groups.without}) {
    for (const auto& parts : *stratum) {
      PerAction own{};
      for (const std::uint32_t part : parts) {
        own[action_of_part[part]] += labels[part] == label;
      }
      if (own[0] + own[1] + own[2] > 0) {
        counts.push_back(own);
        for (std::size_t a = 0; a < all.size(); ++a) {
          all[a] += own[a];
        }
      }
    }
  }
  const double n = all[0] + all[1] + all[2], number = double(counts.size());
  double squares = 0;
  PerAction spread{};
  for (const PerAction& own : counts) {
    const double size = own[0] + own[1] + own[2];
    squares += size * size;
    for (std::size_t a = 0; a < all.size(); ++a) {
      const double residual = own[a] - all[a] / n * size;
      spread[a] += residual * residual;
    }
  }
  double largest = 0;
  for (std::size_t a = 0; a < all.size(); ++a) {
    const double binomial = all[a] * (1 - all[a] / n);
    if (binomial > 0) {
      largest = std::max(largest, number / (number - 1) * spread[a] / binomial);
    }
  }
  // One action only: nothing to estimate from. Then parts of a group count as copies of one part.
  return largest == 0 ? squares / n : std::max(1.0, largest);
}

Resampler::Resampler(const ScoreRuns& runs, std::span<const std::uint8_t> labels, const PartGroups& groups)
    : runs_(runs), labels_(labels), groups_(groups) {
  if (!groups.empty()) {
    return;
  }
  const auto expand = [](const std::vector<std::uint32_t>& counts, std::vector<std::uint32_t>& run_of) {
    for (std::size_t run = 0; run < counts.size(); ++run) {
      run_of.insert(run_of.end(), counts[run], std::uint32_t(run));
    }
  };
  expand(runs.defects, defect_runs_);
  expand(runs.good, good_runs_);
}

void Resampler::draw(RandomStream& random, std::vector<std::uint32_t>& defects,
                     std::vector<std::uint32_t>& good) const {
  for (std::size_t n_good = 0; n_good == 0;) {  // groups with good parts may all be missed
    defects.assign(runs_.defects.size(), 0);
    good.assign(runs_.good.size(), 0);
    if (groups_.empty()) {
      for (std::size_t i = 0; i < defect_runs_.size(); ++i) {
        ++defects[defect_runs_[below(random, defect_runs_.size())]];
      }
      for (std::size_t i = 0; i < good_runs_.size(); ++i) {
        ++good[good_runs_[below(random, good_runs_.size())]];
      }
      return;
    }
    for (const auto* stratum : {&groups_.with_defect, &groups_.without}) {
      for (std::size_t i = 0; i < stratum->size(); ++i) {
        for (const std::uint32_t part : (*stratum)[below(random, stratum->size())]) {
          ++(labels_[part] != 0 ? defects : good)[runs_.run_of[part]];
          n_good += labels_[part] == 0;
        }
      }
    }
  }
}

}  // namespace oddity::metrics::detail
