#include "oddity/metrics/calibration.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "oddity/metrics/calibration_tests.h"
#include "oddity/metrics/calibrators.h"
#include "oddity/metrics/proper_scores.h"

namespace oddity::python {
namespace {

using namespace py::literals;

metrics::CalibrationOptions options_of(const char* function, std::size_t bins, const std::string& binning) {
  return {bins, choice<metrics::Binning>(
                    function, "binning", binning,
                    {{"equal_width", metrics::Binning::equal_width}, {"equal_mass", metrics::Binning::equal_mass}})};
}

py::dict fields(const metrics::CalibrationError& error) {
  return py::dict("ece"_a = error.ece, "root_mean_square"_a = error.root_mean_square, "mce"_a = error.mce,
                  "squared_debiased"_a = error.squared_debiased, "root_debiased"_a = error.root_debiased,
                  "squared_deviation"_a = error.squared_deviation, "n"_a = error.n, "alone"_a = error.alone,
                  "bins"_a = error.bins);
}

py::tuple fields(const metrics::ClassCalibrationError& error) {
  py::list classes;
  for (const metrics::CalibrationError& one : error.classes) {
    classes.append(fields(one));
  }
  return py::make_tuple(fields(error.overall), classes);
}

py::dict fields(const metrics::BrierScore& score) {
  return py::dict("value"_a = score.value, "standard_error"_a = score.standard_error,
                  "reliability"_a = score.reliability, "resolution"_a = score.resolution,
                  "uncertainty"_a = score.uncertainty, "within_bin_variance"_a = score.within_bin_variance,
                  "within_bin_covariance"_a = score.within_bin_covariance, "n"_a = score.n);
}

py::dict fields(const metrics::LogLoss& loss) {
  return py::dict("value"_a = loss.value, "standard_error"_a = loss.standard_error, "n"_a = loss.n,
                  "impossible"_a = loss.impossible);
}

py::dict fields(const metrics::CalibrationTest& test) {
  return py::dict("error"_a = test.error, "statistic"_a = test.statistic, "p_value"_a = test.p_value, "n"_a = test.n);
}

/// One column of the reliability table.
template <class T, class Field>
py::array column(const std::vector<metrics::ReliabilityRow>& rows, Field field) {
  std::vector<T> values;
  values.reserve(rows.size());
  for (const metrics::ReliabilityRow& row : rows) {
    values.push_back(T(field(row)));
  }
  return to_numpy(std::move(values));
}

void bind_two_classes(py::module_& m) {
  m.def("reliability_table", [](const ArrayLike& probabilities, const ArrayLike& labels, std::size_t bins,
                                const std::string& binning, double confidence, const std::string& interval,
                                const OptionalArray& weights) {
    constexpr const char* function = "reliability_table";
    Arguments arguments(function);
    const auto p = arguments.values("probabilities", probabilities);
    const auto y = arguments.labels("labels", labels);
    const auto w = arguments.weights(weights);
    const metrics::ReliabilityOptions options{
        bins, options_of(function, bins, binning).binning, confidence,
        choice<metrics::RateInterval>(
            function, "interval", interval,
            {{"clopper_pearson", metrics::RateInterval::clopper_pearson}, {"wilson", metrics::RateInterval::wilson}})};
    const auto rows = without_gil([&] { return metrics::reliability_table(p, y, options, w); });
    using Row = metrics::ReliabilityRow;
    return py::dict("low"_a = column<double>(rows, [](const Row& r) { return r.low; }),
                    "high"_a = column<double>(rows, [](const Row& r) { return r.high; }),
                    "n"_a = column<std::int64_t>(rows, [](const Row& r) { return r.n; }),
                    "events"_a = column<std::int64_t>(rows, [](const Row& r) { return r.events; }),
                    "weight"_a = column<double>(rows, [](const Row& r) { return r.weight; }),
                    "mean_probability"_a = column<double>(rows, [](const Row& r) { return r.mean_probability; }),
                    "rate"_a = column<double>(rows, [](const Row& r) { return r.rate; }),
                    "rate_low"_a = column<double>(rows, [](const Row& r) { return r.interval.low; }),
                    "rate_high"_a = column<double>(rows, [](const Row& r) { return r.interval.high; }));
  });
  m.def("calibration_error", [](const ArrayLike& probabilities, const ArrayLike& labels, std::size_t bins,
                                const std::string& binning, const OptionalArray& weights) {
    Arguments arguments("calibration_error");
    const auto p = arguments.values("probabilities", probabilities);
    const auto y = arguments.labels("labels", labels);
    const auto w = arguments.weights(weights);
    const auto options = options_of("calibration_error", bins, binning);
    return fields(without_gil([&] { return metrics::calibration_error(p, y, options, w); }));
  });
  m.def("brier_score", [](const ArrayLike& probabilities, const ArrayLike& labels, std::size_t bins,
                          const std::string& binning, const OptionalArray& weights) {
    Arguments arguments("brier_score");
    const auto p = arguments.values("probabilities", probabilities);
    const auto y = arguments.labels("labels", labels);
    const auto w = arguments.weights(weights);
    const auto options = options_of("brier_score", bins, binning);
    return fields(without_gil([&] { return metrics::brier_score(p, y, options, w); }));
  });
  m.def("negative_log_likelihood",
        [](const ArrayLike& probabilities, const ArrayLike& labels, const OptionalArray& weights) {
          Arguments arguments("negative_log_likelihood");
          const auto p = arguments.values("probabilities", probabilities);
          const auto y = arguments.labels("labels", labels);
          const auto w = arguments.weights(weights);
          return fields(without_gil([&] { return metrics::negative_log_likelihood(p, y, w); }));
        });
  const auto test = [&m](const char* name,
                         metrics::CalibrationTest (*function)(metrics::Values, std::span<const std::uint8_t>)) {
    m.def(name, [name, function](const ArrayLike& probabilities, const ArrayLike& labels) {
      Arguments arguments(name);
      const auto p = arguments.values("probabilities", probabilities);
      const auto y = arguments.labels("labels", labels);
      return fields(without_gil([&] { return function(p, y); }));
    });
  };
  test("spiegelhalter_test", metrics::spiegelhalter_test);
  test("kolmogorov_smirnov_calibration_test", metrics::kolmogorov_smirnov_calibration_test);
  test("kuiper_calibration_test", metrics::kuiper_calibration_test);
}

void bind_classes(py::module_& m) {
  m.def("top_labels", [](const ArrayLike& probabilities, const ArrayLike& classes) {
    Arguments arguments("top_labels");
    const auto p = arguments.matrix("probabilities", probabilities);
    const auto y = arguments.integers("classes", classes);
    metrics::TopLabels top = without_gil([&] { return metrics::top_labels(p, y); });
    return py::dict("confidence"_a = to_numpy(std::move(top.confidence)),
                    "predicted"_a = to_numpy(std::move(top.predicted)), "correct"_a = to_numpy(std::move(top.correct)));
  });
  // The functions of a table of probabilities that differ in the result only.
  const auto measure = [&m](const char* bound, const char* name, auto function) {
    m.def(bound, [name, function](const ArrayLike& probabilities, const ArrayLike& classes, std::size_t bins,
                                  const std::string& binning, const OptionalArray& weights) {
      Arguments arguments(name);
      const auto p = arguments.matrix("probabilities", probabilities);
      const auto y = arguments.integers("classes", classes);
      const auto w = arguments.weights(weights);
      const auto options = options_of(name, bins, binning);
      return fields(without_gil([&] { return function(p, y, options, w); }));
    });
  };
  measure("confidence_calibration_error", "confidence_calibration_error", metrics::confidence_calibration_error);
  measure("top_label_calibration_error", "top_label_calibration_error", metrics::top_label_calibration_error);
  measure("class_wise_calibration_error", "class_wise_calibration_error", metrics::class_wise_calibration_error);
  using OfTable = metrics::BrierScore (*)(const metrics::Matrix&, std::span<const std::int64_t>,
                                          const metrics::CalibrationOptions&, metrics::Values);
  measure("class_brier_score", "brier_score", static_cast<OfTable>(metrics::brier_score));
  m.def("class_negative_log_likelihood",
        [](const ArrayLike& probabilities, const ArrayLike& classes, const OptionalArray& weights) {
          Arguments arguments("negative_log_likelihood");
          const auto p = arguments.matrix("probabilities", probabilities);
          const auto y = arguments.integers("classes", classes);
          const auto w = arguments.weights(weights);
          return fields(without_gil([&] { return metrics::negative_log_likelihood(p, y, w); }));
        });
}

}  // namespace

void bind_calibration(py::module_& m) {
  bind_two_classes(m);
  bind_classes(m);
}

}  // namespace oddity::python
