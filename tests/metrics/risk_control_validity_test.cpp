// Risk control on three adversarial risk curves, held to its bound; each wrong variant must fail the same check.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "oddity/metrics/mean_bounds.h"
#include "oddity/metrics/risk_control.h"
#include "tests/metrics/validity.h"

namespace oddity::metrics {
namespace {

using testing::exceeds;
using testing::uniform;

constexpr double kLimit = 0.1, kDelta = 0.1, kConfidence = 1 - kDelta;

/// The true risks of settings from risky to safe, and how losses with these means are drawn.
struct Curve {
  std::string name;
  std::vector<double> risks;
  std::size_t n;
  enum class Losses { binary, heavy, independent } losses;

  void draw(std::mt19937_64& random, std::size_t rows, std::vector<double>& table) const {
    table.resize(rows * risks.size());
    for (std::size_t i = 0; i < rows; ++i) {
      const double u = uniform(random);
      for (std::size_t c = 0; c < risks.size(); ++c) {
        double& loss = table[i * risks.size() + c];
        switch (losses) {
          case Losses::binary:
            loss = u < risks[c];
            break;
          case Losses::heavy:
            loss = risks[c] * (u < 0.1 ? 9.1 : 0.1);
            break;  // a factor of mean 1
          case Losses::independent:
            loss = uniform(random) < risks[c];
            break;
        }
      }
    }
  }
};

std::vector<double> steps(double first, double last, std::size_t count) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = first + (last - first) * double(i) / double(count - 1);
  }
  return values;
}

const Curve kFlat{"flat just above", std::vector<double>(8, 0.1001), 2000, Curve::Losses::binary};
const Curve kSteep{"steep", steps(0.2, 0, 41), 400, Curve::Losses::binary};
const Curve kHeteroscedastic{
    "heteroscedastic", {0.109, 0.105, 0.101, 0.1005, 0.09, 0.05, 0.01}, 500, Curve::Losses::heavy};
const Curve kIndependent{"independent just above", std::vector<double>(20, 0.1001), 300, Curve::Losses::independent};

using Procedure = std::function<std::optional<std::size_t>(const Matrix&)>;

/// Whether settings with a risk above the limit are chosen more often than delta.
bool violates(const std::string& what, const Curve& curve, const Procedure& choose, bool sorted = false) {
  constexpr std::size_t draws = 2000;
  std::mt19937_64 random(curve.n);
  std::size_t violations = 0;
  const std::size_t columns = curve.risks.size();
  std::vector<double> table;
  for (std::size_t draw = 0; draw < draws; ++draw) {
    curve.draw(random, curve.n, table);
    if (sorted) {  // rows of loss 0 first
      std::vector<double> ordered;
      for (const double loss : {0.0, 1.0}) {
        for (std::size_t i = 0; i < curve.n; ++i) {
          if (table[i * columns] == loss) {
            ordered.insert(ordered.end(), &table[i * columns], &table[i * columns] + columns);
          }
        }
      }
      table = ordered;
    }
    const auto index = choose({table, curve.n, columns});
    violations += index && curve.risks[*index] > kLimit;
  }
  return exceeds(what + ", " + curve.name, violations, draws, kDelta);
}

/// The riskiest setting behind which, from the safest on, all pass: rcps with a wrong test.
Procedure walk(const std::function<bool(const std::vector<double>&)>& passes) {
  return [passes](const Matrix& losses) {
    std::optional<std::size_t> index;
    for (std::size_t c = losses.columns; c-- > 0; index = c) {
      std::vector<double> column(losses.rows);
      for (std::size_t i = 0; i < losses.rows; ++i) {
        column[i] = losses(i, c);
      }
      if (!passes(column)) {
        break;
      }
    }
    return index;
  };
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

/// Largest log capital against a mean of kLimit, in the order given, of rows [first, last) alone; bets come from all
/// rows before.
double log_capital(const std::vector<double>& losses, std::size_t first, std::size_t last) {
  double sum = 0.5, squares = 0.25, log_k = 0, best = -HUGE_VAL;
  for (std::size_t i = 0; i < last; ++i) {
    const double variance = squares / double(i + 1);
    const double bet = std::min(1.0, std::sqrt(2 * std::log(1 / kDelta) / (double(losses.size()) * variance)));
    if (i >= first) {
      log_k += std::log1p(-bet * (losses[i] - kLimit));
      best = std::max(best, log_k);
    }
    sum += losses[i];
    squares += std::pow(losses[i] - sum / double(i + 2), 2);
  }
  return best;
}

TEST(RcpsValidity, KeepsTheLimitWithItsConfidence) {
  const std::pair<const char*, MeanBound> bounds[] = {{"hoeffding", MeanBound::hoeffding},
                                                      {"hoeffding_bentkus", MeanBound::hoeffding_bentkus},
                                                      {"empirical_bernstein", MeanBound::empirical_bernstein},
                                                      {"betting", MeanBound::betting},
                                                      {"binomial", MeanBound::binomial}};
  for (const auto& [name, bound] : bounds) {
    const Procedure right = [bound = bound](const Matrix& losses) {
      return rcps(losses, kLimit, {{bound, kConfidence}}).index;
    };
    for (const Curve* curve : {&kFlat, &kSteep, &kHeteroscedastic}) {
      if (bound != MeanBound::binomial || curve->losses == Curve::Losses::binary) {
        EXPECT_FALSE(violates(std::string("rcps ") + name, *curve, right));
      }
    }
  }
}

TEST(RcpsValidity, VarianceAcrossSettingsFails) {
  // The variance of the mean risks of the settings in place of that of the losses (MAPIE before 1.6).
  const Procedure wrong = [](const Matrix& losses) {
    const double n = double(losses.rows), evidence = std::log(2 / kDelta);
    std::vector<double> risks(losses.columns, 0);
    for (std::size_t i = 0; i < losses.rows; ++i) {
      for (std::size_t c = 0; c < losses.columns; ++c) {
        risks[c] += losses(i, c) / n;
      }
    }
    double variance = 0;
    for (const double risk : risks) {
      variance += std::pow(risk - mean_of(risks), 2) / double(losses.columns - 1);
    }
    std::optional<std::size_t> index;
    for (std::size_t c = losses.columns; c-- > 0; index = c) {
      if (risks[c] + std::sqrt(2 * variance * evidence / n) + 7 * evidence / (3 * (n - 1)) > kLimit) {
        break;
      }
    }
    return index;
  };
  EXPECT_TRUE(violates("wrong: bernstein with the variance across settings", kFlat, wrong));
}

TEST(RcpsValidity, HalfBatchesFail) {
  // The sum of the largest log capitals of two halves in place of the running maximum (MAPIE 1.6.0).
  const Procedure wrong = walk([](const std::vector<double>& losses) {
    const std::size_t half = losses.size() / 2;
    return log_capital(losses, 0, half) + log_capital(losses, half, losses.size()) > -std::log(kDelta);
  });
  EXPECT_TRUE(violates("wrong: betting on half batches", kFlat, wrong));
  EXPECT_TRUE(violates("wrong: betting on half batches", kHeteroscedastic, wrong));
}

TEST(RcpsValidity, PlainMeanFails) {
  const Procedure wrong = walk([](const std::vector<double>& losses) { return mean_of(losses) <= kLimit; });
  for (const Curve* curve : {&kFlat, &kSteep, &kHeteroscedastic}) {
    EXPECT_TRUE(violates("wrong: plain mean", *curve, wrong));
  }
}

TEST(RcpsValidity, SortedLossesStayValid) {
  std::uint64_t seed = 0;  // for arranged rows the promise is one over seeds
  const Procedure right = [&](const Matrix& losses) {
    return rcps(losses, kLimit, {{MeanBound::betting, kConfidence, 1, seed++}}).index;
  };
  EXPECT_FALSE(violates("rcps betting, sorted rows", kFlat, right, true));
  // In the order given, the gambler sees all losses of 0 first.
  const Procedure wrong = walk(
      [](const std::vector<double>& losses) { return log_capital(losses, 0, losses.size()) >= -std::log(kDelta); });
  EXPECT_FALSE(violates("betting in the order of the draws", kFlat, wrong));
  EXPECT_TRUE(violates("wrong: betting in the order of sorted rows", kFlat, wrong, true));
}

TEST(LttValidity, KeepsTheFamilyWiseError) {
  const std::pair<const char*, FamilyWise> methods[] = {{"bonferroni", FamilyWise::bonferroni},
                                                        {"holm", FamilyWise::holm},
                                                        {"fixed_sequence", FamilyWise::fixed_sequence}};
  for (const auto& [name, method] : methods) {
    for (const Curve* curve : {&kFlat, &kSteep, &kHeteroscedastic, &kIndependent}) {
      for (const bool exact : {true, false}) {
        const bool binary = curve->losses != Curve::Losses::heavy;
        const MeanBound bound = !exact   ? MeanBound::betting
                                : binary ? MeanBound::binomial
                                         : MeanBound::hoeffding_bentkus;
        LttOptions options{{bound, kConfidence}, method};
        options.starts = curve == &kIndependent && method == FamilyWise::fixed_sequence ? 4 : 1;
        // The costs are such that a violating setting is chosen whenever one is certified.
        std::vector<double> costs(curve->risks.size());
        std::transform(curve->risks.begin(), curve->risks.end(), costs.begin(), [](double risk) { return -risk; });
        options.costs = costs;
        const Procedure right = [options](const Matrix& losses) { return ltt(losses, kLimit, options).index; };
        const std::string what = std::string("ltt ") + name + (exact ? "" : " betting");
        EXPECT_FALSE(violates(what, *curve, right));
      }
    }
  }
  const Procedure wrong = [](const Matrix& losses) {
    const auto p = mean_p_values(losses, kLimit, {MeanBound::binomial});
    const auto first = std::find_if(p.begin(), p.end(), [](double value) { return value <= kDelta; });
    return first == p.end() ? std::nullopt : std::optional(std::size_t(first - p.begin()));
  };
  EXPECT_TRUE(violates("wrong: ltt without correction", kIndependent, wrong));
}

/// Whether the mean loss of the next sample at the chosen setting is above the limit. A loss counts as an event of that
/// probability, which makes the test exact.
bool mean_loss_exceeds(const std::string& what, Curve curve, const Procedure& choose) {
  constexpr std::size_t draws = 40000;
  curve.n = 25;
  std::mt19937_64 random(3);
  std::size_t events = 0;
  std::vector<double> table, next;
  for (std::size_t draw = 0; draw < draws; ++draw) {
    curve.draw(random, curve.n, table);
    curve.draw(random, 1, next);
    const auto index = choose({table, curve.n, curve.risks.size()});
    events += index && uniform(random) < next[*index];  // without a setting all parts are rejected
  }
  return exceeds(what + ", " + curve.name, events, draws, kLimit);
}

TEST(CrcValidity, KeepsTheMeanLoss) {
  const Procedure right = [](const Matrix& losses) { return crc(losses, kLimit).index; };
  const Curve fine{"steep in fine steps", steps(0.4, 0, 101), 25, Curve::Losses::binary};
  for (const Curve* curve : {&kFlat, &kSteep, &fine, &kHeteroscedastic}) {
    EXPECT_FALSE(mean_loss_exceeds("crc", *curve, right));
  }
  // Without the B / (n + 1) for the loss to come.
  const Procedure wrong = [](const Matrix& losses) -> std::optional<std::size_t> {
    const RiskControl result = crc(losses, kLimit);
    const auto first =
        std::find_if(result.risks.begin(), result.risks.end(), [](double risk) { return risk <= kLimit; });
    return first == result.risks.end() ? std::nullopt : std::optional(std::size_t(first - result.risks.begin()));
  };
  EXPECT_TRUE(mean_loss_exceeds("wrong: crc without the loss to come", fine, wrong));
}

TEST(MeanPValueValidity, AreSuperUniformAtTheLimit) {
  const auto hits = [](MeanBound bound, bool binary, double level, bool normal_test) {
    constexpr std::size_t draws = 4000, n = 60;
    std::mt19937_64 random(8);
    std::size_t count = 0;
    std::vector<double> losses(n);
    for (std::size_t draw = 0; draw < draws; ++draw) {
      for (double& loss : losses) {
        const double u = uniform(random);
        loss = binary ? u < 0.04 : u < 0.04 ? 0.8 + 0.4 * (uniform(random) - 0.5) : 0.008 / 0.96;
      }
      double p = 0;
      if (normal_test) {
        const double mean = mean_of(losses);
        double variance = 0;
        for (const double loss : losses) {
          variance += std::pow(loss - mean, 2) / double(n * (n - 1));
        }
        p = variance > 0 ? 0.5 * std::erfc((0.04 - mean) / std::sqrt(2 * variance)) : mean > 0.04;
      } else {
        p = mean_p_value(losses, 0.04, {bound, kConfidence, 1, draw});
      }
      count += p <= level;
    }
    return count;
  };
  for (const double level : {0.01, 0.1, 0.5}) {
    for (const bool binary : {true, false}) {
      const std::string what = std::string(binary ? " of 0/1 losses" : " of fractional losses");
      EXPECT_FALSE(exceeds("p hoeffding" + what, hits(MeanBound::hoeffding, binary, level, false), 4000, level));
      EXPECT_FALSE(exceeds("p hb" + what, hits(MeanBound::hoeffding_bentkus, binary, level, false), 4000, level));
      EXPECT_FALSE(
          exceeds("p bernstein" + what, hits(MeanBound::empirical_bernstein, binary, level, false), 4000, level));
      EXPECT_FALSE(exceeds("p betting" + what, hits(MeanBound::betting, binary, level, false), 4000, level));
    }
    EXPECT_FALSE(exceeds("p binomial of 0/1 losses", hits(MeanBound::binomial, true, level, false), 4000, level));
  }
  EXPECT_TRUE(exceeds("wrong: p of a normal test", hits(MeanBound::binomial, true, 0.1, true), 4000, 0.1));
}

}  // namespace
}  // namespace oddity::metrics
