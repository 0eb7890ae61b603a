#include "oddity/metrics/confusion.h"

#include <memory>

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "metrics/sample_weights.h"
#include "oddity/metrics/inspection.h"
#include "oddity/metrics/top_k.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::Confusion;
using metrics::Normalization;
using Ignored = std::optional<std::int64_t>;

py::dict fields(const Confusion::Rate& rate) {
  return py::dict("value"_a = rate.value, "low"_a = rate.low, "high"_a = rate.high, "events"_a = rate.events,
                  "trials"_a = rate.trials, "supported"_a = rate.supported);
}

py::dict fields(const Confusion::Mean& mean) {
  return py::dict("value"_a = mean.value, "classes"_a = mean.classes, "left_out"_a = mean.left_out);
}

std::vector<py::ssize_t> square(const Confusion& confusion) {
  return {py::ssize_t(confusion.classes()), py::ssize_t(confusion.classes())};
}

py::list groups_of(std::vector<metrics::GroupConfusion>&& tables) {
  py::list list;
  for (metrics::GroupConfusion& table : tables) {
    list.append(py::make_tuple(table.group, std::move(table.confusion)));
  }
  return list;
}

std::unique_ptr<Confusion> of_counts(const ArrayLike& counts, std::size_t classes) {
  Arguments arguments("confusion");
  const auto values = arguments.integers("counts", counts);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) {
      throw py::value_error("[metrics.confusion] counts must not be negative; got " + std::to_string(values[i]));
    }
  }
  const std::vector<std::uint64_t> numbers(values.begin(), values.end());
  return std::make_unique<Confusion>(classes, numbers);
}

void bind_table(py::module_& m) {
  py::class_<Confusion>(m, "Confusion")
      .def(py::init<std::size_t>())
      .def_static("of_counts", &of_counts)
      .def("add",
           [](Confusion& confusion, const ArrayLike& truth, const ArrayLike& predicted, const OptionalArray& weights,
              Ignored ignored_label) {
             Arguments arguments("confusion");
             const auto of_truth = arguments.integers("truth", truth);
             const auto of_predicted = arguments.integers("predicted", predicted);
             const metrics::Values of_weights = arguments.weights(weights);
             without_gil([&] { confusion.add(of_truth, of_predicted, of_weights, ignored_label); });
           })
      .def("merge", &Confusion::merge)
      .def("classes", &Confusion::classes)
      .def("samples", &Confusion::samples)
      .def("ignored", &Confusion::ignored)
      .def("weighted", &Confusion::weighted)
      .def("counts",
           [](const Confusion& confusion) {
             return to_numpy(std::vector<std::int64_t>(confusion.counts().begin(), confusion.counts().end()),
                             square(confusion));
           })
      .def("normalized",
           [](const Confusion& confusion, const std::string& by) {
             const auto normalization = choice<Normalization>("confusion", "by", by,
                                                              {{"none", Normalization::none},
                                                               {"truth", Normalization::truth},
                                                               {"predicted", Normalization::predicted},
                                                               {"all", Normalization::all}});
             return to_numpy(confusion.normalized(normalization), square(confusion));
           })
      .def("rates",
           [](const Confusion& confusion, std::size_t of_class, double confidence) {
             const Confusion::ClassRates rates = confusion.rates(of_class, confidence);
             return py::dict("precision"_a = fields(rates.precision), "recall"_a = fields(rates.recall),
                             "f1"_a = fields(rates.f1));
           })
      .def("macro_rates",
           [](const Confusion& confusion) {
             const Confusion::MacroRates rates = without_gil([&] { return confusion.macro_rates(); });
             return py::dict("precision"_a = fields(rates.precision), "recall"_a = fields(rates.recall),
                             "f1"_a = fields(rates.f1));
           })
      .def("accuracy", [](const Confusion& confusion, double confidence) {
        return fields(without_gil([&] { return confusion.accuracy(confidence); }));
      });
}

void bind_tables_of_labels(py::module_& m) {
  m.def("confusion_matrix", [](const ArrayLike& truth, const ArrayLike& predicted, const OptionalArray& weights,
                               std::size_t classes, Ignored ignored_label) {
    Arguments arguments("confusion_matrix");
    const auto of_truth = arguments.integers("truth", truth);
    const auto of_predicted = arguments.integers("predicted", predicted);
    const metrics::ConfusionOptions options{classes, ignored_label, arguments.weights(weights)};
    return without_gil([&] { return metrics::confusion_matrix(of_truth, of_predicted, options); });
  });
  m.def("confusion_matrix_by_group", [](const ArrayLike& truth, const ArrayLike& predicted, const ArrayLike& groups,
                                        const OptionalArray& weights, std::size_t classes, Ignored ignored_label) {
    Arguments arguments("confusion_matrix_by_group");
    const auto of_truth = arguments.integers("truth", truth);
    const auto of_predicted = arguments.integers("predicted", predicted);
    const auto of_groups = arguments.integers("groups", groups);
    const metrics::ConfusionOptions options{classes, ignored_label, arguments.weights(weights)};
    return groups_of(
        without_gil([&] { return metrics::confusion_matrix_by_group(of_truth, of_predicted, of_groups, options); }));
  });
}

void bind_inspection(py::module_& m) {
  m.def("confusion_at_threshold", [](const ArrayLike& scores, const ArrayLike& labels, const OptionalArray& weights,
                                     double threshold) {
    Arguments arguments("confusion_at_threshold");
    const metrics::Values of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const metrics::Values of_weights = arguments.weights(weights);
    return without_gil([&] { return metrics::confusion_at_threshold(of_scores, of_labels, threshold, of_weights); });
  });
  m.def("confusion_at_threshold_by_group", [](const ArrayLike& scores, const ArrayLike& labels, const ArrayLike& groups,
                                              const OptionalArray& weights, double threshold) {
    Arguments arguments("confusion_at_threshold_by_group");
    const metrics::Values of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const auto of_groups = arguments.integers("groups", groups);
    const metrics::Values of_weights = arguments.weights(weights);
    return groups_of(without_gil([&] {
      return metrics::confusion_at_threshold_by_group(of_scores, of_labels, of_groups, threshold, of_weights);
    }));
  });
  m.def("inspection", [](const Confusion& confusion, double confidence) {
    const metrics::Inspection result = metrics::inspection(confusion, confidence);
    return py::dict("true_accept"_a = result.true_accept, "escape"_a = result.escape, "overkill"_a = result.overkill,
                    "true_reject"_a = result.true_reject, "escape_rate"_a = fields(result.escape_rate),
                    "overkill_rate"_a = fields(result.overkill_rate),
                    "defects_among_accepted"_a = fields(result.defects_among_accepted),
                    "defects_among_rejected"_a = fields(result.defects_among_rejected), "f1"_a = fields(result.f1),
                    "accuracy"_a = fields(result.accuracy));
  });
}

}  // namespace

void bind_confusion(py::module_& m) {
  bind_table(m);
  bind_tables_of_labels(m);
  bind_inspection(m);
  m.def("top_k_accuracy", [](const ArrayLike& scores, const ArrayLike& truth, const OptionalArray& weights,
                             std::size_t k, Ignored ignored_label, double confidence) {
    Arguments arguments("top_k_accuracy");
    const metrics::Matrix matrix = arguments.matrix("scores", scores);
    const auto of_truth = arguments.integers("truth", truth);
    const metrics::Values of_weights = arguments.weights(weights);
    const metrics::TopK result = without_gil(
        [&] { return metrics::top_k_accuracy(matrix, of_truth, k, of_weights, ignored_label, confidence); });
    py::list classes;
    for (const Confusion::Rate& rate : result.classes) {
      classes.append(fields(rate));
    }
    return py::dict("accuracy"_a = fields(result.accuracy), "classes"_a = classes, "undecided"_a = result.undecided,
                    "ignored"_a = result.ignored);
  });
}

}  // namespace oddity::python
