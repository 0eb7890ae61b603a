#include "metrics/logistic_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace oddity::metrics::detail {
namespace {

/// What one trial adds, from one exponential: the probability of a hit, its variance, log(1 + exp(t)).
struct Term {
  double p, w, log_miss;
  explicit Term(double t) {
    const double e = std::exp(-std::abs(t)), q = 1 / (1 + e);
    p = t > 0 ? q : e * q;
    w = e * q * q;
    log_miss = std::log1p(e) + (t > 0 ? t : 0);
  }
};

}  // namespace

LogisticCurve::LogisticCurve(std::vector<double> x, std::span<const std::uint8_t> hits, bool penalised)
    : x_(std::move(x)), hits_(hits), penalised_(penalised) {
  const double n = double(x_.size());
  for (const double value : x_) {
    centre_ += value / n;
  }
  double variance = 0;
  for (const double value : x_) {
    variance += (value - centre_) * (value - centre_) / n;
  }
  scale_ = std::sqrt(variance);
  for (double& value : x_) {
    value = (value - centre_) / scale_;
  }
  fit();
}

void LogisticCurve::fit() {
  // Newton with expected information; Firth's score is sum (y - p + h (1/2 - p)) (1, x) with the leverages h.
  struct Sums {
    double w, wx, wxx, determinant, likelihood;
  };
  const auto sums = [&](double a, double b) {
    Sums s{0, 0, 0, 0, 0};
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const double t = a + b * x_[i];
      const Term term(t);
      s.w += term.w;
      s.wx += term.w * x_[i];
      s.wxx += term.w * x_[i] * x_[i];
      s.likelihood += (hits_[i] != 0 ? t : 0) - term.log_miss;
    }
    s.determinant = s.w * s.wxx - s.wx * s.wx;
    if (penalised_) {
      s.likelihood += s.determinant > 0 ? 0.5 * std::log(s.determinant) : -HUGE_VAL;
    }
    return s;
  };
  double a = 0, b = 0;
  Sums now = sums(a, b);
  for (int iteration = 0; iteration < 500; ++iteration) {
    double score_a = 0, score_b = 0;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const Term term(a + b * x_[i]);
      const double leverage =
          penalised_ ? term.w * (now.wxx - 2 * now.wx * x_[i] + now.w * x_[i] * x_[i]) / now.determinant : 0;
      const double residual = double(hits_[i]) - term.p + leverage * (0.5 - term.p);
      score_a += residual;
      score_b += residual * x_[i];
    }
    double step_a = (now.wxx * score_a - now.wx * score_b) / now.determinant;
    double step_b = (now.w * score_b - now.wx * score_a) / now.determinant;
    Sums next = sums(a + step_a, b + step_b);
    for (int half = 0; half < 60 && !(next.likelihood >= now.likelihood && next.determinant > 0); ++half) {
      step_a /= 2;
      step_b /= 2;
      next = sums(a + step_a, b + step_b);
    }
    if (!(next.likelihood >= now.likelihood && next.determinant > 0)) {
      break;  // at the summit up to rounding
    }
    a += step_a;
    b += step_b;
    now = next;
    if (std::abs(step_a) <= 1e-13 * (1 + std::abs(a)) && std::abs(step_b) <= 1e-13 * (1 + std::abs(b))) {
      break;
    }
  }
  largest_ = now.likelihood;
  const double k = centre_ / scale_;
  const double aa = now.wxx / now.determinant, ab = -now.wx / now.determinant, bb = now.w / now.determinant;
  slope_ = b / scale_;
  intercept_ = a - b * k;
  covariance_ = {aa - 2 * k * ab + k * k * bb, (ab - k * bb) / scale_, bb / (scale_ * scale_)};
}

LogisticCurve::Point LogisticCurve::at(double anchor, double predictor, double slope) const {
  double score = 0, information = 0, likelihood = 0;
  // The penalty's determinant does not depend on the anchor; around the data's centre it keeps its digits.
  double w0 = 0, w1 = 0, w2 = 0, t0 = 0, t1 = 0, t2 = 0;
  for (std::size_t i = 0; i < x_.size(); ++i) {
    const double x = x_[i], d = x - anchor, t = predictor + slope * d;
    const Term term(t);
    score += (double(hits_[i]) - term.p) * d;
    information += term.w * d * d;
    likelihood += (hits_[i] != 0 ? t : 0) - term.log_miss;
    const double change = term.w * (1 - 2 * term.p) * d;  // of the weight along the slope
    w0 += term.w;
    w1 += term.w * x;
    w2 += term.w * x * x;
    t0 += change;
    t1 += change * x;
    t2 += change * x * x;
  }
  if (penalised_) {
    const double determinant = w0 * w2 - w1 * w1;
    if (!(determinant > 0)) {
      return {-HUGE_VAL, 0, information};
    }
    likelihood += 0.5 * std::log(determinant);
    score += 0.5 * (t0 * w2 + w0 * t2 - 2 * w1 * t1) / determinant;
  }
  return {likelihood, score, information};
}

double LogisticCurve::log_likelihood() const {
  return largest_ + (penalised_ ? std::log(scale_) : 0);  // half the log determinant for x as it was given
}

double LogisticCurve::deviance(double x, double predictor) const {
  const double anchor = (x - centre_) / scale_;
  // The slope that fits best through the anchor, from the one that comes closest to the fitted curve at the data's
  // centre; Newton with halved steps, as the likelihood is concave (and the penalty changes little of that).
  double slope = slope_ * scale_;
  if (std::abs(anchor) > 1e-6) {
    const double through_centre = (predictor - (intercept_ + slope_ * centre_)) / anchor;
    slope = std::abs(through_centre) < 1e3 ? through_centre : slope;
  }
  Point now = at(anchor, predictor, slope);
  if (now.likelihood == -HUGE_VAL) {
    slope = 0;
    now = at(anchor, predictor, slope);
  }
  for (int iteration = 0; iteration < 200 && now.information > 0; ++iteration) {
    double step = now.score / now.information;
    if (step * now.score <= 1e-12) {  // what it could gain
      break;
    }
    Point next = at(anchor, predictor, slope + step);
    for (int half = 0; half < 40 && !(next.likelihood > now.likelihood); ++half) {
      step /= 2;
      next = at(anchor, predictor, slope + step);
    }
    if (!(next.likelihood > now.likelihood)) {
      break;
    }
    slope += step;
    now = next;
  }
  return std::max(0.0, 2 * (largest_ - now.likelihood));
}

double LogisticCurve::flat_deviance() const {
  double hits = 0;
  const double n = double(x_.size());
  for (const std::uint8_t hit : hits_) {
    hits += hit;
  }
  // Penalised, the slope is 0 in the same two-dimensional penalty: determinant n^2 w^2 of standardised sizes.
  const double p = penalised_ ? (hits + 1) / (n + 2) : hits / n;
  const double likelihood =
      hits * std::log(p) + (n - hits) * std::log1p(-p) + (penalised_ ? std::log(n * p * (1 - p)) : 0);
  return std::max(0.0, 2 * (largest_ - likelihood));
}

}  // namespace oddity::metrics::detail
