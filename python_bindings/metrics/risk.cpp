#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "oddity/metrics/certified_threshold.h"
#include "oddity/metrics/mean_bounds.h"
#include "oddity/metrics/risk_control.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::FamilyWise;
using metrics::MeanBound;
using metrics::Safest;

metrics::MeanBoundOptions mean_options(const char* function, const std::string& bound, double confidence,
                                       double maximum, std::uint64_t seed) {
  const auto chosen = choice<MeanBound>(function, "bound", bound,
                                        {{"hoeffding", MeanBound::hoeffding},
                                         {"hoeffding_bentkus", MeanBound::hoeffding_bentkus},
                                         {"empirical_bernstein", MeanBound::empirical_bernstein},
                                         {"betting", MeanBound::betting},
                                         {"binomial", MeanBound::binomial}});
  return {chosen, confidence, maximum, seed};
}

Safest safest_of(const char* function, const std::string& word) {
  return choice<Safest>(function, "safest", word, {{"last", Safest::last}, {"first", Safest::first}});
}

FamilyWise method_of(const char* function, const std::string& word) {
  return choice<FamilyWise>(function, "method", word,
                            {{"bonferroni", FamilyWise::bonferroni},
                             {"holm", FamilyWise::holm},
                             {"fixed_sequence", FamilyWise::fixed_sequence}});
}

py::array_t<bool> flags(const std::vector<std::uint8_t>& values) {
  py::array_t<bool> result(py::ssize_t(values.size()));
  std::copy(values.begin(), values.end(), result.mutable_data());
  return result;
}

py::dict fields(metrics::RiskControl&& result) {
  return py::dict("index"_a = result.index, "risks"_a = to_numpy(std::move(result.risks)),
                  "bounds"_a = to_numpy(std::move(result.bounds)), "n"_a = result.n, "n_needed"_a = result.n_needed);
}

py::dict fields(const metrics::Estimate& estimate) {
  return py::dict("value"_a = estimate.value, "low"_a = estimate.low, "high"_a = estimate.high);
}

void bind_bounds(py::module_& m) {
  m.def("mean_upper_bound",
        [](const ArrayLike& losses, const std::string& bound, double confidence, double maximum, std::uint64_t seed) {
          Arguments arguments("mean_upper_bound");
          const metrics::Values values = arguments.values("losses", losses);
          const auto options = mean_options("mean_upper_bound", bound, confidence, maximum, seed);
          const auto result = without_gil([&] { return metrics::mean_upper_bound(values, options); });
          return py::dict("mean"_a = result.mean, "upper"_a = result.upper, "n"_a = result.n);
        });
  m.def("mean_upper_bounds",
        [](const ArrayLike& losses, const std::string& bound, double confidence, double maximum, std::uint64_t seed) {
          Arguments arguments("mean_upper_bounds");
          const metrics::Matrix table = arguments.matrix("losses", losses);
          const auto options = mean_options("mean_upper_bounds", bound, confidence, maximum, seed);
          auto result = without_gil([&] { return metrics::mean_upper_bounds(table, options); });
          return py::dict("means"_a = to_numpy(std::move(result.means)), "upper"_a = to_numpy(std::move(result.upper)),
                          "n"_a = result.n);
        });
  m.def("mean_p_value", [](const ArrayLike& losses, double limit, const std::string& bound, double confidence,
                           double maximum, std::uint64_t seed) {
    Arguments arguments("mean_p_value");
    const metrics::Values values = arguments.values("losses", losses);
    const auto options = mean_options("mean_p_value", bound, confidence, maximum, seed);
    return without_gil([&] { return metrics::mean_p_value(values, limit, options); });
  });
  m.def("mean_p_values", [](const ArrayLike& losses, double limit, const std::string& bound, double confidence,
                            double maximum, std::uint64_t seed) {
    Arguments arguments("mean_p_values");
    const metrics::Matrix table = arguments.matrix("losses", losses);
    const auto options = mean_options("mean_p_values", bound, confidence, maximum, seed);
    return to_numpy(without_gil([&] { return metrics::mean_p_values(table, limit, options); }));
  });
  m.def("lossless_samples_needed", [](double limit, const std::string& bound, double confidence, double maximum) {
    return metrics::lossless_samples_needed(limit,
                                            mean_options("lossless_samples_needed", bound, confidence, maximum, 0));
  });
  m.def("betting_order", [](std::size_t n, std::uint64_t seed) { return to_numpy(metrics::betting_order(n, seed)); });
}

}  // namespace

void bind_risk(py::module_& m) {
  bind_bounds(m);
  m.def("crc", [](const ArrayLike& losses, double limit, double maximum, const std::string& safest) {
    Arguments arguments("crc");
    const metrics::Matrix table = arguments.matrix("losses", losses);
    const metrics::CrcOptions options{maximum, safest_of("crc", safest)};
    return fields(without_gil([&] { return metrics::crc(table, limit, options); }));
  });
  m.def("rcps", [](const ArrayLike& losses, double limit, const std::string& bound, double confidence, double maximum,
                   std::uint64_t seed, const std::string& safest) {
    Arguments arguments("rcps");
    const metrics::Matrix table = arguments.matrix("losses", losses);
    const metrics::RcpsOptions options{mean_options("rcps", bound, confidence, maximum, seed),
                                       safest_of("rcps", safest)};
    return fields(without_gil([&] { return metrics::rcps(table, limit, options); }));
  });
  m.def("family_wise_rejections",
        [](const ArrayLike& p_values, double level, const std::string& method, std::size_t starts) {
          Arguments arguments("family_wise_rejections");
          const metrics::Values values = arguments.values("p_values", p_values);
          const FamilyWise chosen = method_of("family_wise_rejections", method);
          return flags(without_gil([&] { return metrics::family_wise_rejections(values, level, chosen, starts); }));
        });
  m.def("ltt", [](const ArrayLike& losses, double limit, const OptionalArray& costs, const std::string& method,
                  const std::string& bound, double confidence, double maximum, std::uint64_t seed,
                  const std::string& safest, std::size_t starts) {
    Arguments arguments("ltt");
    const metrics::Matrix table = arguments.matrix("losses", losses);
    const metrics::LttOptions options{mean_options("ltt", bound, confidence, maximum, seed), method_of("ltt", method),
                                      safest_of("ltt", safest), starts, arguments.optional_values("costs", costs)};
    auto result = without_gil([&] { return metrics::ltt(table, limit, options); });
    return py::dict("index"_a = result.index, "certified"_a = flags(result.certified),
                    "risks"_a = to_numpy(std::move(result.risks)), "p_values"_a = to_numpy(std::move(result.p_values)),
                    "n"_a = result.n, "n_needed"_a = result.n_needed);
  });
  m.def("certified_threshold", [](const ArrayLike& scores, const ArrayLike& labels, const OptionalArray& groups,
                                  double max_escape, std::optional<double> max_overkill, double confidence) {
    Arguments arguments("certified_threshold");
    const metrics::Values of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const metrics::CertifiedThresholdOptions options{confidence, max_overkill,
                                                     arguments.optional_integers("groups", groups)};
    const auto result =
        without_gil([&] { return metrics::certified_threshold(of_scores, of_labels, max_escape, options); });
    return py::dict("certified"_a = result.certified, "escape_certified"_a = result.escape_certified,
                    "threshold"_a = result.threshold, "escape"_a = fields(result.escape),
                    "overkill"_a = fields(result.overkill), "escape_bound"_a = result.escape_bound,
                    "overkill_bound"_a = result.overkill_bound, "allowed_escapes"_a = result.allowed_escapes,
                    "n_defect"_a = result.escape.n_defect, "n_good"_a = result.escape.n_good,
                    "defects_needed"_a = result.defects_needed, "good_needed"_a = result.good_needed);
  });
}

}  // namespace oddity::python
