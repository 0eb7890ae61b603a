#include "oddity/metrics/projection.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "oddity/metrics/detectability.h"
#include "oddity/metrics/verification.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using Counts = std::pair<std::uint64_t, std::uint64_t>;
using metrics::DetectabilityBound;
using metrics::LogisticFit;

metrics::MeasuredRate rate_of(const Counts& counts) { return {counts.first, counts.second}; }

template <class Estimate>
py::tuple triple(const Estimate& estimate) {
  return py::make_tuple(estimate.value, estimate.low, estimate.high);
}

std::vector<metrics::ProductionSlice> slices_of(const ArrayLike& weights, const ArrayLike& tested,
                                                const ArrayLike& errors) {
  Arguments arguments("project_rate");
  const auto of_weights = arguments.values("weights", weights);
  const auto of_tested = arguments.integers("tested", tested);
  const auto of_errors = arguments.integers("errors", errors);
  const auto refuse = [](const std::string& text) { throw py::value_error("[metrics.project_rate] " + text); };
  if (of_weights.size() != of_tested.size() || of_weights.size() != of_errors.size()) {
    refuse("weights, tested and errors differ in length; got " + std::to_string(of_weights.size()) + ", " +
           std::to_string(of_tested.size()) + " and " + std::to_string(of_errors.size()));
  }
  std::vector<metrics::ProductionSlice> slices(of_weights.size());
  for (std::size_t i = 0; i < slices.size(); ++i) {
    if (of_tested[i] < 0 || of_errors[i] < 0) {
      refuse("tested and errors must not be negative; got " + std::to_string(of_tested[i]) + " and " +
             std::to_string(of_errors[i]) + " in slice " + std::to_string(i));
    }
    slices[i] = {of_weights[i], std::uint64_t(of_tested[i]), std::uint64_t(of_errors[i])};
  }
  return slices;
}

void bind_rates(py::module_& m) {
  m.def("zero_error_bound",
        [](std::uint64_t n, double confidence) { return metrics::zero_error_bound(n, confidence); });
  m.def("project_rate", [](const ArrayLike& weights, const ArrayLike& tested, const ArrayLike& errors,
                           double confidence, std::uint64_t logged, double unseen) {
    const auto slices = slices_of(weights, tested, errors);
    const auto rate = without_gil([&] { return metrics::project_rate(slices, {confidence, logged, unseen}); });
    return py::dict("value"_a = rate.value, "standard_error"_a = rate.standard_error, "upper"_a = rate.upper,
                    "gamma_upper"_a = rate.gamma_upper, "untested"_a = rate.untested, "tested"_a = rate.tested,
                    "errors"_a = rate.errors);
  });
  m.def("unseen_mass_bound", [](std::uint64_t singletons, std::uint64_t n, double confidence) {
    return metrics::unseen_mass_bound(singletons, n, confidence);
  });
  m.def("rogan_gladen", [](const Counts& flagged, const Counts& detected, const Counts& overkill, double confidence) {
    return triple(without_gil(
        [&] { return metrics::rogan_gladen(rate_of(flagged), rate_of(detected), rate_of(overkill), confidence); }));
  });
  m.def("project_escape_ppm", [](const Counts& escape, const Counts& overkill,
                                 const std::tuple<double, double, double>& prevalence, double confidence) {
    const auto [value, low, high] = prevalence;
    return triple(metrics::project_escape_ppm(rate_of(escape), rate_of(overkill), {value, low, high}, confidence));
  });
  m.def("outgoing_quality", [](double prevalence, std::uint64_t lot, std::uint64_t sample, std::uint64_t allowed) {
    const auto quality = metrics::outgoing_quality(prevalence, lot, sample, allowed);
    return py::dict("accepted"_a = quality.accepted, "outgoing"_a = quality.outgoing,
                    "total_inspected"_a = quality.total_inspected);
  });
}

void bind_verification(py::module_& m) {
  m.def("verification_design",
        [](const ArrayLike& defect_probabilities, double budget, double floor, const OptionalArray& costs) {
          Arguments arguments("verification_design");
          const auto probabilities = arguments.values("defect_probabilities", defect_probabilities);
          const metrics::VerificationOptions options{floor, arguments.optional_values("costs", costs)};
          auto design = without_gil([&] { return metrics::verification_design(probabilities, budget, options); });
          return py::dict("probabilities"_a = to_numpy(std::move(design.probabilities)),
                          "expected_parts"_a = design.expected_parts, "relative_variance"_a = design.relative_variance);
        });
  m.def("verified_quality", [](const ArrayLike& probabilities, const ArrayLike& accepted, const ArrayLike& verified,
                               const ArrayLike& defective, double confidence) {
    Arguments arguments("verified_quality");
    const auto rho = arguments.values("probabilities", probabilities);
    const auto of_accepted = arguments.labels("accepted", accepted);
    const auto of_verified = arguments.labels("verified", verified);
    const auto of_defective = arguments.labels("defective", defective);
    const auto quality =
        without_gil([&] { return metrics::verified_quality(rho, of_accepted, of_verified, of_defective, confidence); });
    return py::dict("escapes"_a = triple(quality.escapes), "escape_share"_a = triple(quality.escape_share),
                    "escape_rate"_a = triple(quality.escape_rate), "overkill_rate"_a = triple(quality.overkill_rate),
                    "prevalence"_a = triple(quality.prevalence), "accepted"_a = quality.accepted,
                    "rejected"_a = quality.rejected, "verified_accepted"_a = quality.verified_accepted,
                    "verified_rejected"_a = quality.verified_rejected, "verified_escapes"_a = quality.verified_escapes,
                    "expected_verified"_a = quality.expected_verified);
  });
  m.def("verification_plan",
        [](double limit, double expected, std::uint64_t accepted, double confidence, double power) {
          const auto plan =
              without_gil([&] { return metrics::verification_plan(limit, expected, accepted, confidence, power); });
          return py::dict("parts"_a = plan.parts, "escapes_allowed"_a = plan.escapes_allowed, "power"_a = plan.power,
                          "check_ratio"_a = plan.check_ratio);
        });
}

metrics::DetectabilityOptions detection_options(const char* function, const std::string& fit, const std::string& bound,
                                                double level, double confidence, double bound_confidence) {
  metrics::DetectabilityOptions options;
  options.fit = choice<LogisticFit>(function, "fit", fit,
                                    {{"firth", LogisticFit::firth},
                                     {"automatic", LogisticFit::automatic},
                                     {"maximum_likelihood", LogisticFit::maximum_likelihood}});
  options.bound = choice<DetectabilityBound>(
      function, "bound", bound,
      {{"profile_likelihood", DetectabilityBound::profile_likelihood}, {"wald", DetectabilityBound::wald}});
  options.level = level;
  options.confidence = confidence;
  options.bound_confidence = bound_confidence;
  return options;
}

void bind_detection(py::module_& m) {
  m.def("detectability", [](const ArrayLike& sizes, const ArrayLike& hits, const std::string& fit,
                            const std::string& bound, double level, double confidence, double bound_confidence) {
    Arguments arguments("detectability");
    const auto of_sizes = arguments.values("sizes", sizes);
    const auto of_hits = arguments.labels("hits", hits);
    const auto options = detection_options("detectability", fit, bound, level, confidence, bound_confidence);
    const auto result = without_gil([&] { return metrics::detectability(of_sizes, of_hits, options); });
    return py::dict("intercept"_a = result.intercept, "slope"_a = result.slope,
                    "covariance"_a = py::make_tuple(result.covariance[0], result.covariance[1], result.covariance[2]),
                    "log_likelihood"_a = result.log_likelihood, "no_trend_p_value"_a = result.no_trend_p_value,
                    "separable"_a = result.separable, "firth"_a = result.firth, "a50"_a = triple(result.a50),
                    "a90"_a = triple(result.a90), "a90_95"_a = result.a90_95, "n"_a = result.n, "hits"_a = result.hits);
  });
  m.def("detection_curve", [](const ArrayLike& sizes, const ArrayLike& hits, const ArrayLike& at,
                              const std::string& fit, const std::string& bound, double confidence) {
    Arguments arguments("detection_curve");
    const auto of_sizes = arguments.values("sizes", sizes);
    const auto of_hits = arguments.labels("hits", hits);
    const auto of_at = arguments.values("at", at);
    const auto options = detection_options("detection_curve", fit, bound, 0.9, confidence, 0.95);
    const auto points = without_gil([&] { return metrics::detection_curve(of_sizes, of_hits, of_at, options); });
    std::vector<double> columns[4];
    for (const metrics::DetectionPoint& point : points) {
      columns[0].push_back(point.size);
      columns[1].push_back(point.probability);
      columns[2].push_back(point.low);
      columns[3].push_back(point.high);
    }
    return py::dict("size"_a = to_numpy(std::move(columns[0])), "probability"_a = to_numpy(std::move(columns[1])),
                    "low"_a = to_numpy(std::move(columns[2])), "high"_a = to_numpy(std::move(columns[3])));
  });
}

}  // namespace

void bind_projection(py::module_& m) {
  bind_rates(m);
  bind_verification(m);
  bind_detection(m);
}

}  // namespace oddity::python
