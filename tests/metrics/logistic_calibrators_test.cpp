// Calibrators fitted by logistic regression: Platt's and beta.
#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oddity/metrics/calibrators.h"
#include "tests/metrics/calibration_samples.h"
#include "tests/metrics/refuses.h"

namespace oddity::metrics {
namespace {

using testing::message;

using testing::calibration_samples;
using testing::narrow;

using Labels = std::vector<std::uint8_t>;

double logistic(double f) { return 1 / (1 + std::exp(-f)); }

TEST(Platt, agrees_with_newton_in_python_and_scikit_learn) {
  // Newton's method in NumPy to convergence; scikit-learn 1.9.1 _sigmoid_calibration agrees to its 1e-9.
  const auto s = calibration_samples();
  const PlattCalibrator plain = fit_platt(s.scores, s.y);
  EXPECT_NEAR(plain.slope, 0.48431124435941725, 1e-12);
  EXPECT_NEAR(plain.intercept, -0.5551217972254353, 1e-12);
  EXPECT_EQ(plain.n_good, 115U);
  EXPECT_EQ(plain.n_defect, 85U);
  const PlattCalibrator weighted = fit_platt(s.scores, s.y, s.w);
  EXPECT_NEAR(weighted.slope, 0.4851046567665623, 1e-12);
  EXPECT_NEAR(weighted.intercept, -0.5300747334106409, 1e-12);
  EXPECT_NEAR(fit_platt(narrow(s.scores), s.y).slope, plain.slope, 1e-6);  // scores rounded to float32
}

TEST(Platt, closed_form_of_two_scores) {
  // Scores 0 and 1 with 1 of 4 and 6 of 8 defects: drawn-in targets 8/9 and 1/7 give the mean target of each score.
  std::vector<double> scores;
  Labels labels;
  for (std::size_t i = 0; i < 12; ++i) {
    scores.push_back(i < 4 ? 0 : 1);
    labels.push_back(i == 0 || i >= 6);
  }
  const PlattCalibrator fitted = fit_platt(scores, labels);
  const double high = 8.0 / 9, low = 1.0 / 7;
  const auto p = fitted.predict(std::vector<double>{0, 1});
  EXPECT_NEAR(p[0], (high + 3 * low) / 4, 1e-14);
  EXPECT_NEAR(p[1], (6 * high + 2 * low) / 8, 1e-14);
}

TEST(Platt, separated_and_extreme_scores) {
  // Separated classes are finite thanks to the drawn-in targets; n = 2: 2/3 and 1/3 at the two scores.
  const auto two = fit_platt(std::vector<double>{-1, 5}, Labels{0, 1});
  const auto p = two.predict(std::vector<double>{-1, 5, 2, -1e300, 1e300});
  EXPECT_NEAR(p[0], 1.0 / 3, 1e-14);
  EXPECT_NEAR(p[1], 2.0 / 3, 1e-14);
  EXPECT_NEAR(p[2], 0.5, 1e-14);
  EXPECT_EQ(p[3], 0);
  EXPECT_EQ(p[4], 1);
  // Shift and scale of the scores do not matter, and inverted scores have a negative slope.
  const auto s = calibration_samples();
  const auto plain = fit_platt(s.scores, s.y);
  for (const double scale : {1e-100, -1.0, 1e9, 1e140}) {
    std::vector<double> scores = s.scores;
    std::transform(scores.begin(), scores.end(), scores.begin(), [&](double v) { return (v + 1000) * scale; });
    const auto fitted = fit_platt(scores, s.y);
    EXPECT_NEAR(fitted.slope * scale / plain.slope, 1, 1e-10) << scale;
    EXPECT_NEAR(fitted.predict(scores)[17], plain.predict(s.scores)[17], 1e-11) << scale;
  }
  // One outlier far away.
  std::vector<double> outlier = s.scores;
  outlier[0] = 1e12;
  EXPECT_TRUE(std::isfinite(fit_platt(outlier, s.y).slope));
}

TEST(Platt, refuses_what_determines_no_fit) {
  EXPECT_THAT(
      [] {
        fit_platt(std::vector<double>{3, 3}, Labels{0, 1});
      },
      message("[metrics.fit_platt] scores are all equal; got 3 2 times"));
  EXPECT_THAT([] { fit_platt(std::vector<double>{1e200, 3}, Labels{0, 1}); }, message("scores are too large; got"));
  EXPECT_THAT([] { fit_platt(std::vector<double>{0, 1e-310}, Labels{0, 1}); }, message("scores are too much alike"));
}

TEST(Beta, agrees_with_statsmodels) {
  // statsmodels 0.15.0 GLM (binomial, tol 1e-15) on log p and -log(1 - p). betacal 1.1.0 stops earlier: (1.2941,
  // 0.7839).
  const auto s = calibration_samples();
  const BetaCalibrator plain = fit_beta(s.p, s.y);
  EXPECT_NEAR(plain.a, 1.2929852137118312, 1e-10);
  EXPECT_NEAR(plain.b, 0.7844407175425967, 1e-10);
  EXPECT_NEAR(plain.c, 0.0008054343915169238, 1e-10);
  const BetaCalibrator weighted = fit_beta(s.p, s.y, s.w);
  EXPECT_NEAR(weighted.a, 1.2128368590661176, 1e-10);
  EXPECT_NEAR(weighted.b, 0.8082147232014046, 1e-10);
  EXPECT_NEAR(weighted.c, -0.05307477230702362, 1e-10);
  EXPECT_NEAR(fit_beta(narrow(s.p), s.y).a, plain.a, 1e-5);  // p rounded to float32
  const auto p = plain.predict(s.p);
  EXPECT_NEAR(p[3], logistic(plain.a * std::log(s.p[3]) - plain.b * std::log(1 - s.p[3]) + plain.c), 1e-15);
  // The identity.
  const BetaCalibrator identity;
  EXPECT_NEAR(identity.predict(s.p)[3], s.p[3], 1e-15);
}

/// Gradient of the negative log-likelihood in (a, b, c).
std::array<double, 3> gradient(const BetaCalibrator& fitted, const std::vector<double>& p, const Labels& y) {
  const auto q = fitted.predict(p);
  std::array<double, 3> g{};
  for (std::size_t i = 0; i < p.size(); ++i) {
    g[0] += (q[i] - y[i]) * std::log(p[i]);
    g[1] -= (q[i] - y[i]) * std::log1p(-p[i]);
    g[2] += q[i] - y[i];
  }
  return g;
}

TEST(Beta, is_the_constrained_optimum) {
  auto s = calibration_samples();
  // Unconstrained a = -0.30; statsmodels without log p: b = 1.01636, c = -1.33653.
  for (std::size_t i = 0; i < 200; ++i) {
    s.y[i] = (double((i * 59 + 7) % 97) + 0.5) / 97 < 0.3 + 0.65 * (s.p[i] > 0.8 ? s.p[i] : 0);
  }
  const BetaCalibrator fitted = fit_beta(s.p, s.y);
  EXPECT_EQ(fitted.a, 0);
  EXPECT_NEAR(fitted.b, 1.0163574629820393, 1e-10);
  EXPECT_NEAR(fitted.c, -1.336534934436835, 1e-10);
  // Random cases, also inverted ones: the conditions of Karush, Kuhn and Tucker.
  std::mt19937_64 random(12);
  int at_bound = 0;
  for (int run = 0; run < 200; ++run) {
    std::vector<double> p(60);
    Labels y(p.size());
    const double shape = double(run % 5) - 2;
    for (std::size_t i = 0; i < p.size(); ++i) {
      p[i] = std::uniform_real_distribution<double>(0.01, 0.99)(random);
      y[i] = std::uniform_real_distribution<double>()(random) < logistic(shape * (p[i] - 0.5) - 1);
    }
    y[std::size_t(std::max_element(p.begin(), p.end()) - p.begin())] = 0;  // overlap
    y[std::size_t(std::min_element(p.begin(), p.end()) - p.begin())] = 1;
    const BetaCalibrator one = fit_beta(p, y);
    const auto g = gradient(one, p, y);
    EXPECT_NEAR(g[2], 0, 1e-8);
    for (const auto& [value, slope] : {std::pair{one.a, g[0]}, std::pair{one.b, g[1]}}) {
      EXPECT_GE(value, 0);
      at_bound += value == 0;
      if (value == 0) {
        EXPECT_GE(slope, -1e-8);
      } else {
        EXPECT_NEAR(slope, 0, 1e-8);
      }
    }
  }
  EXPECT_GT(at_bound, 50);
}

TEST(Beta, worse_than_chance_is_the_base_rate) {
  const BetaCalibrator fitted = fit_beta(std::vector<double>{0.1, 0.2, 0.3, 0.8}, Labels{1, 1, 0, 0});
  EXPECT_EQ(fitted.a, 0);
  EXPECT_EQ(fitted.b, 0);
  EXPECT_NEAR(fitted.c, 0, 1e-12);
  EXPECT_NEAR(fitted.predict(std::vector<double>{0.9})[0], 0.5, 1e-12);
}

TEST(Beta, certain_probabilities_are_clipped) {
  const auto s = calibration_samples();
  auto p = s.p;
  p[0] = 0;
  p[1] = 1;
  const BetaCalibrator fitted = fit_beta(p, s.y);
  EXPECT_TRUE(std::isfinite(fitted.a) && std::isfinite(fitted.b) && std::isfinite(fitted.c));
  p[0] = 0x1p-52;
  p[1] = 1 - 0x1p-52;
  EXPECT_EQ(fit_beta(p, s.y).a, fitted.a);
  const auto ends = fitted.predict(std::vector<double>{0, 1});
  EXPECT_GT(ends[0], 0);
  EXPECT_LT(ends[1], 1);
}

TEST(Beta, nearly_equal_probabilities_converge) {
  std::mt19937_64 random(3);
  for (const double width : {1e-3, 1e-6, 1e-9}) {
    std::vector<double> p(400);
    Labels y(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      p[i] = 0.2 + width * std::uniform_real_distribution<double>()(random);
      y[i] = random() % 4 == 0;
    }
    const BetaCalibrator fitted = fit_beta(p, y);
    EXPECT_NEAR(gradient(fitted, p, y)[2], 0, 1e-6) << width;
    EXPECT_TRUE(fitted.a >= 0 && fitted.b >= 0);
  }
}

TEST(Calibrators, fits_of_extreme_samples_are_minima) {
  // Heavy tails, certain probabilities and weights over 16 orders of magnitude: a fit is refused or ends at the
  // smallest loss, which no step away from it lowers.
  std::mt19937_64 random(41);
  const auto tail = [&] { return std::tan(3.14 * (std::uniform_real_distribution<double>()(random) - 0.5)); };
  std::size_t fitted = 0, stopped = 0;
  for (int run = 0; run < 3000; ++run) {
    const std::size_t n = 5 + random() % 50;
    std::vector<double> scores(n), p(n), w(n);
    Labels y(n);
    for (std::size_t i = 0; i < n; ++i) {
      scores[i] = run % 2 == 0 ? tail() * 1e3 : double(random() % 3) * 1e9 + double(random() % 2);
      p[i] = 1 / (1 + std::exp(-10 * tail()));
      y[i] = std::uniform_real_distribution<double>()(random) < (run % 3 == 0 ? 0.3 : p[i]);
      w[i] = run % 5 == 0 ? std::pow(10, std::uniform_real_distribution<double>(-8, 8)(random)) : 1.0;
    }
    y[0] = 1;
    y[1] = 0;
    double weight_good = 0, weight_defect = 0;
    for (std::size_t i = 0; i < n; ++i) {
      (y[i] != 0 ? weight_defect : weight_good) += w[i];
    }
    // -log of 1 / (1 + exp(-f)) for label 1, of the complement for label 0, with drawn-in labels.
    const auto loss = [&](const std::vector<double>& f, double drawn_good, double drawn_defect) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double other = y[i] != 0 ? drawn_defect : 1 - drawn_good, own = y[i] != 0 ? 1 - drawn_defect : drawn_good;
        sum += w[i] * (std::log1p(std::exp(-std::abs(f[i]))) + (f[i] < 0 ? -own * f[i] : other * f[i]));
      }
      return sum;
    };
    const auto platt_loss = [&](double slope, double intercept) {
      std::vector<double> f(n);
      std::transform(scores.begin(), scores.end(), f.begin(), [&](double s) { return slope * s + intercept; });
      return loss(f, 1 / (weight_good + 2), 1 / (weight_defect + 2));
    };
    const auto beta_loss = [&](double a, double b, double c) {
      std::vector<double> f(n);
      std::transform(p.begin(), p.end(), f.begin(), [&](double q) {
        q = std::clamp(q, 0x1p-52, 1 - 0x1p-52);
        return a * std::log(q) - b * std::log1p(-q) + c;
      });
      return loss(f, 0, 0);
    };
    const PlattCalibrator platt = fit_platt(scores, y, w);
    const double at_platt = platt_loss(platt.slope, platt.intercept);
    BetaCalibrator beta;
    double at_beta = 0;
    bool refused = false;
    try {
      beta = fit_beta(p, y, w);
      at_beta = beta_loss(beta.a, beta.b, beta.c);
      ++fitted;
    } catch (const std::invalid_argument& error) {
      refused = true;
      stopped += std::string(error.what()).find("did not converge") != std::string::npos;
    }
    for (const double step : {-1e-2, -1e-4, 1e-4, 1e-2}) {
      EXPECT_GE(platt_loss(platt.slope * (1 + step), platt.intercept), at_platt * (1 - 1e-9)) << run;
      EXPECT_GE(platt_loss(platt.slope, platt.intercept + step), at_platt * (1 - 1e-9)) << run;
      if (!refused) {
        EXPECT_GE(beta_loss(std::max(0.0, beta.a + step), beta.b, beta.c), at_beta * (1 - 1e-9)) << run;
        EXPECT_GE(beta_loss(beta.a, std::max(0.0, beta.b + step), beta.c), at_beta * (1 - 1e-9)) << run;
        EXPECT_GE(beta_loss(beta.a, beta.b, beta.c + step), at_beta * (1 - 1e-9)) << run;
      }
    }
  }
  EXPECT_GT(fitted, 1500U);
  EXPECT_LE(stopped, 10U);  // an optimum so far out that float64 does not tell it from separation
}

TEST(Beta, refuses_what_determines_no_fit) {
  EXPECT_THAT(
      [] {
        fit_beta(std::vector<double>{0.1, 0.2, 0.6, 0.7}, Labels{0, 0, 1, 1});
      },
      message("[metrics.fit_beta] probabilities separate the classes: the highest of a good part is 0.2"));
  EXPECT_THAT(
      [] {
        fit_beta(std::vector<double>{0.1, 0.2, 0.2, 0.7}, Labels{0, 0, 1, 1});
      },
      message("probabilities separate the classes"));
  EXPECT_THAT(
      [] {
        fit_beta(std::vector<double>{0.1, 0.7, 0.1, 0.7}, Labels{0, 0, 1, 1});
      },
      message("[metrics.fit_beta] probabilities take 2 distinct values; expected at least 3"));
  EXPECT_THAT(
      [] {
        fit_beta(std::vector<double>{0.1, 1.5, 0.2}, Labels{0, 0, 1});
      },
      message("probabilities must be probabilities; got 1.5 at index 1"));
}

}  // namespace
}  // namespace oddity::metrics
