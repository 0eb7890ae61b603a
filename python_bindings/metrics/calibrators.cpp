#include "oddity/metrics/calibrators.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"

namespace oddity::python {
namespace {

using namespace py::literals;

/// A list of knots: finite, with one value for each, both ascending, values in [0, 1].
void require_knots(const char* function, const std::string& name, std::span<const double> scores,
                   std::span<const double> values) {
  const std::string start = std::string("[metrics.") + function + "] " + name;
  if (scores.size() != values.size()) {
    throw py::value_error(start + " scores and values differ in length; got " + std::to_string(scores.size()) +
                          " and " + std::to_string(values.size()));
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!(scores[i] - scores[i] == 0) || !(values[i] >= 0 && values[i] <= 1)) {
      throw py::value_error(start + " are out of range at index " + std::to_string(i) +
                            "; expected finite scores and values in [0, 1]");
    }
    if (i > 0 && !(scores[i] > scores[i - 1] && values[i] >= values[i - 1])) {
      throw py::value_error(start + " do not ascend at index " + std::to_string(i));
    }
  }
}

std::vector<double> copy(std::span<const double> values) { return {values.begin(), values.end()}; }

/// `predict` of a calibrator of single scores.
template <class Calibrator>
void bind_predict(py::class_<Calibrator>& calibrator, const char* function, const char* name) {
  calibrator.def("predict", [function, name](const Calibrator& self, const ArrayLike& scores) {
    Arguments arguments(function);
    const auto values = arguments.values(name, scores);
    return to_numpy(without_gil([&] { return self.predict(values); }));
  });
}

void bind_fits(py::module_& m) {
  m.def("fit_temperature", [](const ArrayLike& logits, const ArrayLike& classes, const OptionalArray& weights) {
    Arguments arguments("fit_temperature");
    const auto z = arguments.matrix("logits", logits);
    const auto y = arguments.integers("classes", classes);
    const auto w = arguments.weights(weights);
    const auto fitted = without_gil([&] { return metrics::fit_temperature(z, y, w); });
    return py::dict("temperature"_a = fitted.temperature, "standard_error"_a = fitted.standard_error,
                    "log_loss_before"_a = fitted.log_loss_before, "log_loss_after"_a = fitted.log_loss_after,
                    "n"_a = fitted.n);
  });
  m.def("fit_platt", [](const ArrayLike& scores, const ArrayLike& labels, const OptionalArray& weights) {
    Arguments arguments("fit_platt");
    const auto s = arguments.values("scores", scores);
    const auto y = arguments.labels("labels", labels);
    const auto w = arguments.weights(weights);
    const auto fitted = without_gil([&] { return metrics::fit_platt(s, y, w); });
    return py::dict("slope"_a = fitted.slope, "intercept"_a = fitted.intercept, "n_good"_a = fitted.n_good,
                    "n_defect"_a = fitted.n_defect);
  });
  m.def("fit_beta", [](const ArrayLike& probabilities, const ArrayLike& labels, const OptionalArray& weights) {
    Arguments arguments("fit_beta");
    const auto p = arguments.values("probabilities", probabilities);
    const auto y = arguments.labels("labels", labels);
    const auto w = arguments.weights(weights);
    const auto fitted = without_gil([&] { return metrics::fit_beta(p, y, w); });
    return py::dict("a"_a = fitted.a, "b"_a = fitted.b, "c"_a = fitted.c, "n_good"_a = fitted.n_good,
                    "n_defect"_a = fitted.n_defect);
  });
  m.def("fit_isotonic", [](const ArrayLike& scores, const ArrayLike& labels, const OptionalArray& weights) {
    Arguments arguments("fit_isotonic");
    const auto s = arguments.values("scores", scores);
    const auto y = arguments.labels("labels", labels);
    const auto w = arguments.weights(weights);
    auto fitted = without_gil([&] { return metrics::fit_isotonic(s, y, w); });
    return py::dict("scores"_a = to_numpy(std::move(fitted.scores)),
                    "probabilities"_a = to_numpy(std::move(fitted.probabilities)), "n_good"_a = fitted.n_good,
                    "n_defect"_a = fitted.n_defect);
  });
  m.def("fit_venn_abers", [](const ArrayLike& scores, const ArrayLike& labels) {
    Arguments arguments("fit_venn_abers");
    const auto s = arguments.values("scores", scores);
    const auto y = arguments.labels("labels", labels);
    auto fitted = without_gil([&] { return metrics::fit_venn_abers(s, y); });
    return py::dict("low_scores"_a = to_numpy(std::move(fitted.low_scores)),
                    "low_values"_a = to_numpy(std::move(fitted.low_values)),
                    "high_scores"_a = to_numpy(std::move(fitted.high_scores)),
                    "high_values"_a = to_numpy(std::move(fitted.high_values)), "n_good"_a = fitted.n_good,
                    "n_defect"_a = fitted.n_defect);
  });
}

void bind_classes(py::module_& m) {
  py::class_<metrics::TemperatureCalibrator>(m, "TemperatureCalibrator")
      .def(py::init([](double temperature) {
        metrics::TemperatureCalibrator calibrator;
        calibrator.temperature = temperature;
        return calibrator;
      }))
      .def("predict", [](const metrics::TemperatureCalibrator& self, const ArrayLike& logits) {
        Arguments arguments("TemperatureCalibrator.predict");
        const auto z = arguments.matrix("logits", logits);
        return to_numpy(without_gil([&] { return self.predict(z); }), {py::ssize_t(z.rows), py::ssize_t(z.columns)});
      });
  py::class_<metrics::PlattCalibrator> platt(m, "PlattCalibrator");
  platt.def(py::init([](double slope, double intercept) { return metrics::PlattCalibrator{slope, intercept, 0, 0}; }));
  bind_predict(platt, "PlattCalibrator.predict", "scores");
  py::class_<metrics::BetaCalibrator> beta(m, "BetaCalibrator");
  beta.def(py::init([](double a, double b, double c) { return metrics::BetaCalibrator{a, b, c, 0, 0}; }));
  bind_predict(beta, "BetaCalibrator.predict", "probabilities");
  py::class_<metrics::IsotonicCalibrator> isotonic(m, "IsotonicCalibrator");
  isotonic.def(py::init([](const ArrayLike& scores, const ArrayLike& probabilities) {
    Arguments arguments("IsotonicCalibrator");
    const auto x = arguments.doubles("scores", scores), p = arguments.doubles("probabilities", probabilities);
    require_knots("IsotonicCalibrator", "knots", x, p);
    return metrics::IsotonicCalibrator{copy(x), copy(p), 0, 0};
  }));
  bind_predict(isotonic, "IsotonicCalibrator.predict", "scores");
  py::class_<metrics::VennAbersCalibrator>(m, "VennAbersCalibrator")
      .def(py::init([](const ArrayLike& low_scores, const ArrayLike& low_values, const ArrayLike& high_scores,
                       const ArrayLike& high_values) {
        Arguments arguments("VennAbersCalibrator");
        const auto x0 = arguments.doubles("low_scores", low_scores), p0 = arguments.doubles("low_values", low_values);
        const auto x1 = arguments.doubles("high_scores", high_scores),
                   p1 = arguments.doubles("high_values", high_values);
        require_knots("VennAbersCalibrator", "low steps", x0, p0);
        require_knots("VennAbersCalibrator", "high steps", x1, p1);
        return metrics::VennAbersCalibrator{copy(x0), copy(p0), copy(x1), copy(p1), 0, 0};
      }))
      .def("predict", [](const metrics::VennAbersCalibrator& self, const ArrayLike& scores) {
        Arguments arguments("VennAbersCalibrator.predict");
        const auto s = arguments.values("scores", scores);
        auto result = without_gil([&] { return self.predict(s); });
        return py::make_tuple(to_numpy(std::move(result.low)), to_numpy(std::move(result.high)),
                              to_numpy(std::move(result.probability)));
      });
}

}  // namespace

void bind_calibrators(py::module_& m) {
  bind_fits(m);
  bind_classes(m);
}

}  // namespace oddity::python
