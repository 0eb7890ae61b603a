// Bounds on what production will show: each is simulated with the truth known, beside a variant that is wrong in a way
// that is common in practice and must fail the same check.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/metrics/validity.h"

#include "oddity/metrics/detectability.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/projection.h"
#include "oddity/metrics/verification.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::normal;
using testing::uniform;

std::uint64_t binomial(std::mt19937_64& random, std::uint64_t n, double p) {
  return p <= 0 || n == 0 ? 0 : p >= 1 ? n : std::binomial_distribution<std::uint64_t>(n, p)(random);
}

TEST(ProjectionValidity, slice_bounds_hold_for_known_weights) {
  constexpr std::size_t draws = 4000;
  std::mt19937_64 random(1);
  for (const std::size_t slices : {1U, 4U, 20U}) {
    // A rare slice is bad and thinly tested: the pooled rate of the test set says little about production.
    std::vector<double> weights(slices), rates(slices);
    std::vector<std::uint64_t> tested(slices);
    for (std::size_t c = 0; c < slices; ++c) {
      weights[c] = 1.0 / double(slices);
      rates[c] = c == 0 ? 0.05 : 0.002;
      tested[c] = c == 0 ? 60 : 400;
    }
    const double truth = std::inner_product(weights.begin(), weights.end(), rates.begin(), 0.0);
    std::size_t misses = 0, gamma_misses = 0, pooled_misses = 0;
    double mean_upper = 0, mean_gamma = 0;
    for (std::size_t i = 0; i < draws; ++i) {
      std::vector<ProductionSlice> list;
      std::uint64_t errors = 0, all = 0;
      for (std::size_t c = 0; c < slices; ++c) {
        list.push_back({weights[c], tested[c], binomial(random, tested[c], rates[c])});
        errors += list.back().errors;
        all += tested[c];
      }
      const ProjectedRate projected = project_rate(list);
      misses += truth > projected.upper;
      gamma_misses += truth > projected.gamma_upper;
      pooled_misses += truth > clopper_pearson(errors, all, 0.9).high;
      mean_upper += projected.upper / draws;
      mean_gamma += projected.gamma_upper / draws;
    }
    const std::string name = std::to_string(slices) + " slices";
    std::cout << "    " << name << ": truth " << truth << ", mean upper " << mean_upper << ", gamma " << mean_gamma
              << "\n";
    EXPECT_FALSE(exceeds("slice bound, " + name, misses, draws, 0.05));
    EXPECT_FALSE(exceeds("gamma bound, " + name, gamma_misses, draws, 0.05));
    if (slices == 4) {  // with 20 slices the bad one weighs little, with one there is nothing to pool
      EXPECT_TRUE(exceeds("test set pooled without weights, " + name, pooled_misses, draws, 0.05));
    }
  }
}

/// Conditions with shares falling as 1 / rank; those beyond the known ones are bad.
struct World {
  std::vector<double> shares, rates;
  explicit World(std::size_t conditions) {
    double sum = 0;
    for (std::size_t c = 0; c < conditions; ++c) {
      shares.push_back(1.0 / double(c + 1));
      sum += shares.back();
    }
    for (std::size_t c = 0; c < conditions; ++c) {
      shares[c] /= sum;
      rates.push_back(c < 10 ? 0.001 : 0.3);
    }
  }
  double truth() const { return std::inner_product(shares.begin(), shares.end(), rates.begin(), 0.0); }
};

TEST(ProjectionValidity, bounds_hold_when_conditions_are_unseen) {
  constexpr std::size_t draws = 600, logged = 3000;
  const World world(200);
  std::mt19937_64 random(2);
  std::discrete_distribution<std::size_t> production(world.shares.begin(), world.shares.end());
  std::size_t misses = 0, log_misses = 0, without_unseen = 0, mass_misses = 0, singleton_misses = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    std::vector<std::uint64_t> counts(world.shares.size());
    for (std::size_t j = 0; j < logged; ++j) {
      ++counts[production(random)];
    }
    double unseen = 0, seen_weight = 0;
    std::uint64_t singletons = 0;
    for (std::size_t c = 0; c < counts.size(); ++c) {
      unseen += counts[c] == 0 ? world.shares[c] : 0;
      singletons += counts[c] == 1;
    }
    const double mass = unseen_mass_bound(singletons, logged, 0.975);
    mass_misses += unseen > mass;
    singleton_misses += unseen > double(singletons) / double(logged);
    // Every condition that the log shows was tested with 500 parts; the first twenty of the log for the second bound.
    std::vector<ProductionSlice> seen, some;
    double truth_of_seen = 0;
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c] > 0) {
        seen.push_back({world.shares[c], 500, binomial(random, 500, world.rates[c])});
        seen_weight += world.shares[c];
        truth_of_seen += world.shares[c] * world.rates[c];
      }
      some.push_back({double(counts[c]) / logged, c < 20 ? 500U : 0U, 0});
      some.back().errors = binomial(random, some.back().tested, world.rates[c]);
    }
    for (ProductionSlice& slice : seen) {
      slice.weight /= seen_weight;
    }
    misses += world.truth() > project_rate(seen, {.unseen = mass}).upper;
    log_misses += world.truth() > project_rate(some, {.logged = logged}).upper;
    // Without the unseen mass: only what was tested exists.
    std::vector<ProductionSlice> tested(some.begin(), some.begin() + 20);
    double weight = 0;
    for (const ProductionSlice& slice : tested) {
      weight += slice.weight;
    }
    for (ProductionSlice& slice : tested) {
      slice.weight /= weight;
    }
    without_unseen += world.truth() > project_rate(tested).upper;
  }
  EXPECT_FALSE(exceeds("bound with unseen mass", misses, draws, 0.05));
  EXPECT_FALSE(exceeds("bound with weights from a log", log_misses, draws, 0.05));
  EXPECT_FALSE(exceeds("unseen mass", mass_misses, draws, 0.025));
  EXPECT_TRUE(exceeds("bound without unseen mass", without_unseen, draws, 0.05));
  EXPECT_TRUE(exceeds("singletons / n as a bound", singleton_misses, draws, 0.025));
}

TEST(ProjectionValidity, no_error_among_n_parts) {
  // At a rate just above the bound no error must be rarer than 5 %.
  constexpr std::size_t draws = 40000;
  std::mt19937_64 random(3);
  for (const std::uint64_t n : {20U, 299U, 2995U}) {
    const double bound = zero_error_bound(n);
    std::size_t clean = 0, clean_at_naive = 0;
    for (std::size_t i = 0; i < draws; ++i) {
      clean += binomial(random, n, bound) == 0;
      clean_at_naive += binomial(random, n, 1.0 / double(n)) == 0;
    }
    EXPECT_FALSE(exceeds("no error at the bound, n " + std::to_string(n), clean, draws, 0.05));
    EXPECT_TRUE(exceeds("no error at 1 / n, n " + std::to_string(n), clean_at_naive, draws, 0.05));
  }
}

TEST(ProjectionValidity, rogan_gladen_interval_covers_the_prevalence) {
  constexpr std::size_t draws = 400;
  struct Case {
    double prevalence, detected, overkill;
    std::uint64_t production, defects, good;
  };
  for (const Case& c : {Case{0.01, 0.95, 0.02, 20000, 100, 400},
                        {0.2, 0.8, 0.05, 500, 60, 200},
                        {0.002, 0.99, 0.005, 50000, 200, 2000},
                        {0, 0.9, 0.01, 5000, 100, 500}}) {
    std::mt19937_64 random(4);
    std::size_t misses = 0, plug_in_misses = 0;
    double width = 0;
    for (std::size_t i = 0; i < draws; ++i) {
      const double flag = c.prevalence * c.detected + (1 - c.prevalence) * c.overkill;
      const MeasuredRate flagged{binomial(random, c.production, flag), c.production};
      const MeasuredRate detected{binomial(random, c.defects, c.detected), c.defects};
      const MeasuredRate overkill{binomial(random, c.good, c.overkill), c.good};
      const PrevalenceEstimate estimate = rogan_gladen(flagged, detected, overkill);
      misses += c.prevalence < estimate.low || c.prevalence > estimate.high;
      width += (estimate.high - estimate.low) / draws;
      // The rates of the test set taken for the truth.
      const double d = double(detected.events) / double(c.defects), o = double(overkill.events) / double(c.good);
      const Interval flags = clopper_pearson(flagged.events, flagged.trials);
      plug_in_misses += c.prevalence < (flags.low - o) / (d - o) || c.prevalence > (flags.high - o) / (d - o);
    }
    const std::string name = "prevalence " + std::to_string(c.prevalence);
    std::cout << "    " << name << ": mean width " << width << "\n";
    EXPECT_FALSE(exceeds("melded interval, " + name, misses, draws, 0.05));
    if (c.production > 1000) {
      EXPECT_TRUE(exceeds("plug-in interval, " + name, plug_in_misses, draws, 0.05));
    }
  }
}

TEST(ProjectionValidity, escape_ppm_interval_covers) {
  constexpr std::size_t draws = 20000;
  std::mt19937_64 random(5);
  const double p = 0.03, escape = 0.01, overkill = 0.04;
  const double truth = 1e6 * p * escape / (p * escape + (1 - p) * (1 - overkill));
  std::size_t misses = 0, naive = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    const MeasuredRate e{binomial(random, 300, escape), 300}, o{binomial(random, 300, overkill), 300};
    const std::uint64_t audited = binomial(random, 1000, p);
    const Interval interval = clopper_pearson(audited, 1000, 0.975);
    const EscapePpm ppm = project_escape_ppm(e, o, {double(audited) / 1000, interval.low, interval.high}, 0.975);
    misses += truth < ppm.low || truth > ppm.high;
    // The prevalence of the test set, half defects, in place of production's.
    const EscapePpm wrong = project_escape_ppm(e, o, {0.5, 0.5, 0.5}, 0.975);
    naive += truth < wrong.low || truth > wrong.high;
  }
  EXPECT_FALSE(exceeds("escape ppm", misses, draws, 0.05));
  EXPECT_TRUE(exceeds("escape ppm at the test set's prevalence", naive, draws, 0.05));
}

/// A line with a model that gives calibrated probabilities; parts are verified by a design that looks at them.
TEST(ProjectionValidity, verified_escapes_are_unbiased_and_covered) {
  constexpr std::size_t draws = 1000, parts = 6000;
  std::mt19937_64 random(6);
  const double prevalence = 0.04, shift = 2.6, threshold = 1.9;
  const auto tail = [](double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); };
  const double escape = 1 - tail(threshold - shift), overkill = tail(threshold);
  const double share = prevalence * escape / (prevalence * escape + (1 - prevalence) * (1 - overkill));
  std::size_t rate_misses = 0, share_misses = 0, overkill_misses = 0, unweighted_misses = 0, field_misses = 0;
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    std::vector<double> eta, all(parts, 1.0);
    std::vector<std::uint8_t> accepted(parts), verified(parts), defective(parts);
    std::vector<std::size_t> index;
    for (std::size_t j = 0; j < parts; ++j) {
      defective[j] = uniform(random) < prevalence;
      const double score = normal(random) + (defective[j] != 0 ? shift : 0);
      accepted[j] = score < threshold;
      if (accepted[j] != 0) {
        const double odds = prevalence / (1 - prevalence) * std::exp(shift * score - shift * shift / 2);
        eta.push_back(odds / (1 + odds));
        index.push_back(j);
      }
    }
    const VerificationDesign design = verification_design(eta, 400, {.floor = 0.02});
    std::uint64_t escapes = 0, seen = 0;
    for (std::size_t k = 0; k < index.size(); ++k) {
      all[index[k]] = design.probabilities[k];
    }
    std::uint64_t caught = 0, field = 0;
    for (std::size_t j = 0; j < parts; ++j) {
      verified[j] = uniform(random) < all[j];
      if (accepted[j] != 0 && verified[j] != 0) {
        ++seen;
        escapes += defective[j];
      }
      caught += accepted[j] == 0 && defective[j] != 0;
      field += accepted[j] != 0 && defective[j] != 0 && uniform(random) < 0.3;  // of the escapes come back
    }
    const VerifiedQuality quality = verified_quality(all, accepted, verified, defective);
    rate_misses += escape < quality.escape_rate.low || escape > quality.escape_rate.high;
    share_misses += share < quality.escape_share.low || share > quality.escape_share.high;
    overkill_misses += overkill < quality.overkill_rate.low || overkill > quality.overkill_rate.high;
    sum += quality.escape_share.value;
    squares += quality.escape_share.value * quality.escape_share.value;
    const Interval unweighted = clopper_pearson(escapes, seen);
    unweighted_misses += share < unweighted.low || share > unweighted.high;
    const Interval finds = clopper_pearson(field, field + caught);
    field_misses += escape < finds.low || escape > finds.high;
  }
  const double mean = sum / draws, error = std::sqrt((squares / draws - mean * mean) / draws);
  std::cout << "    escape share: truth " << share << ", mean of estimates " << mean << " +- " << error << "\n";
  EXPECT_LT(std::abs(mean - share), 5 * error);
  EXPECT_FALSE(exceeds("escape rate", rate_misses, draws, 0.05));
  EXPECT_FALSE(exceeds("escape share", share_misses, draws, 0.05));
  EXPECT_FALSE(exceeds("overkill rate", overkill_misses, draws, 0.05));
  EXPECT_TRUE(exceeds("escape share without weights", unweighted_misses, draws, 0.05));
  EXPECT_TRUE(exceeds("escape rate from field finds", field_misses, draws, 0.05));
}

TEST(ProjectionValidity, rare_escapes_are_covered) {
  // Few escapes, thinly verified: normal intervals collapse to zero width when none is found.
  constexpr std::size_t draws = 3000, parts = 3000;
  std::mt19937_64 random(7);
  const double share = 0.0015;
  std::size_t misses = 0, wald_misses = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    std::vector<double> rho(parts);
    std::vector<std::uint8_t> accepted(parts, 1), verified(parts), defective(parts);
    double total = 0, variance = 0;
    for (std::size_t j = 0; j < parts; ++j) {
      rho[j] = j % 10 == 0 ? 0.9 : 0.1;
      defective[j] = uniform(random) < (j % 10 == 0 ? 0.006 : 0.001);
      verified[j] = uniform(random) < rho[j];
      if (verified[j] != 0 && defective[j] != 0) {
        total += 1 / rho[j] / parts;
        variance += 1 / (rho[j] * rho[j]) / parts / parts;
      }
    }
    const VerifiedRate estimate = verified_quality(rho, accepted, verified, defective).escape_share;
    misses += share < estimate.low || share > estimate.high;
    wald_misses += std::abs(share - total) > 1.96 * std::sqrt(variance);
  }
  EXPECT_FALSE(exceeds("gamma limits", misses, draws, 0.05));
  EXPECT_TRUE(exceeds("normal limits", wald_misses, draws, 0.05));
}

struct Trials {
  std::vector<double> sizes;
  std::vector<std::uint8_t> hits;
};

Trials pod_trials(std::mt19937_64& random, std::size_t n, double a50, double slope) {
  Trials trials;
  for (std::size_t i = 0; i < n; ++i) {
    trials.sizes.push_back(a50 * std::exp(2.4 * ((double(i) + 0.5) / double(n) - 0.45)));
    const double p = 1 / (1 + std::exp(-slope * std::log(trials.sizes.back() / a50)));
    trials.hits.push_back(uniform(random) < p);
  }
  return trials;
}

TEST(ProjectionValidity, a90_95_lies_above_the_true_a90) {
  constexpr std::size_t draws = 800;
  bool likelihood_exceeds = false;
  for (const std::size_t n : {40U, 60U, 120U}) {
    for (const double slope : {3.0, 6.0}) {
      std::mt19937_64 random(8);
      const double truth = 0.5 * std::exp(std::log(9.0) / slope);
      std::size_t firth = 0, likelihood = 0, wald = 0, naive = 0, two_sided = 0, separable = 0;
      for (std::size_t i = 0; i < draws; ++i) {
        const Trials t = pod_trials(random, n, 0.5, slope);
        const Detectability result = detectability(t.sizes, t.hits);
        firth += result.a90_95 < truth;
        naive += result.a90.value < truth;
        separable += result.separable;
        two_sided += result.a90.low > truth || result.a90.high < truth;
        wald += detectability(t.sizes, t.hits, {.bound = DetectabilityBound::wald}).a90_95 < truth;
        likelihood += detectability(t.sizes, t.hits, {.fit = LogisticFit::automatic}).a90_95 < truth;
      }
      const std::string name = std::to_string(n) + " defects, slope " + std::to_string(int(slope));
      std::cout << "    " << name << ": separable " << separable << " of " << draws << "\n";
      EXPECT_FALSE(exceeds("a90/95 firth, " + name, firth, draws, 0.05));
      EXPECT_FALSE(exceeds("a90/95 firth wald, " + name, wald, draws, 0.05));
      EXPECT_FALSE(exceeds("a90 interval, " + name, two_sided, draws, 0.06));  // asymptotic on both sides
      EXPECT_TRUE(exceeds("a90 itself as the bound, " + name, naive, draws, 0.05));
      // The handbook's choice, which the header warns of.
      EXPECT_FALSE(exceeds("a90/95 maximum likelihood at 0.10, " + name, likelihood, draws, 0.10));
      likelihood_exceeds = exceeds("a90/95 maximum likelihood, " + name, likelihood, draws, 0.05) || likelihood_exceeds;
    }
  }
  EXPECT_TRUE(likelihood_exceeds);
}

}  // namespace
}  // namespace oddity::metrics
