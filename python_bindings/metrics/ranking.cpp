#include "oddity/metrics/ranking.h"

#include <memory>

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "metrics/sample_weights.h"
#include "oddity/metrics/streaming_ranking.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::Ranking;
using metrics::StreamingRanking;
using Prevalence = std::optional<double>;

py::tuple columns(const std::vector<Ranking::RocPoint>& points) {
  std::vector<double> thresholds, false_positive_rates, true_positive_rates;
  for (const Ranking::RocPoint& point : points) {
    thresholds.push_back(point.threshold);
    false_positive_rates.push_back(point.false_positive_rate);
    true_positive_rates.push_back(point.true_positive_rate);
  }
  return py::make_tuple(to_numpy(std::move(thresholds)), to_numpy(std::move(false_positive_rates)),
                        to_numpy(std::move(true_positive_rates)));
}

py::tuple columns(const std::vector<Ranking::PrPoint>& points) {
  std::vector<double> thresholds, recalls, precisions;
  for (const Ranking::PrPoint& point : points) {
    thresholds.push_back(point.threshold);
    recalls.push_back(point.recall);
    precisions.push_back(point.precision);
  }
  return py::make_tuple(to_numpy(std::move(thresholds)), to_numpy(std::move(recalls)), to_numpy(std::move(precisions)));
}

py::tuple values(const StreamingRanking::Bounded& bounded) {
  return py::make_tuple(bounded.value, bounded.low, bounded.high);
}

/// A method of a bounded value, called without the GIL.
template <class... Arguments>
auto bounded(StreamingRanking::Bounded (StreamingRanking::*method)(Arguments...) const) {
  return [method](const StreamingRanking& ranking, Arguments... arguments) {
    return values(without_gil([&] { return (ranking.*method)(arguments...); }));
  };
}

std::vector<std::uint64_t> multiplicities(std::span<const std::int64_t> counts, std::size_t samples) {
  const std::string start = "[metrics.streaming_ranking] ";
  if (counts.size() != samples) {
    throw py::value_error(start + "scores and counts differ in length; got " + std::to_string(samples) + " and " +
                          std::to_string(counts.size()));
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 0) {
      throw py::value_error(start + "counts must not be negative; got " + std::to_string(counts[i]) + " at index " +
                            std::to_string(i));
    }
  }
  return {counts.begin(), counts.end()};
}

void bind_exact(py::module_& m) {
  using Release = py::call_guard<py::gil_scoped_release>;
  py::class_<Ranking>(m, "Ranking")
      .def(py::init([](const ArrayLike& scores, const ArrayLike& labels, const OptionalArray& weights) {
        Arguments arguments("ranking");
        const metrics::Values of_scores = arguments.values("scores", scores);
        const auto of_labels = arguments.labels("labels", labels);
        const metrics::Values of_weights = arguments.weights(weights);
        return without_gil([&] { return std::make_unique<Ranking>(of_scores, of_labels, of_weights); });
      }))
      .def_static("of_maps",
                  [](const ArrayLike& maps, const ArrayLike& masks) {
                    Arguments arguments("ranking");
                    const auto items = arguments.maps("maps", maps, "masks", masks);
                    return without_gil([&] { return std::make_unique<Ranking>(items); });
                  })
      .def("auroc", &Ranking::auroc, Release())
      .def("partial_auroc",
           [](const Ranking& ranking, double high, double low) {
             const Ranking::PartialArea part = without_gil([&] { return ranking.partial_auroc(high, low); });
             return py::dict("area"_a = part.area, "mean"_a = part.mean, "standardized"_a = part.standardized);
           })
      .def("average_precision", &Ranking::average_precision, Release())
      .def("trapezoid_precision_recall_area", &Ranking::trapezoid_precision_recall_area, Release())
      .def("true_positive_rate_at", &Ranking::true_positive_rate_at)
      .def("good_flagged_at_defects_flagged", &Ranking::good_flagged_at_defects_flagged)
      .def("defects_passed_at_good_passed", &Ranking::defects_passed_at_good_passed)
      .def("best_f1",
           [](const Ranking& ranking) {
             const Ranking::Best best = without_gil([&] { return ranking.best_f1(); });
             return py::make_tuple(best.f1, best.threshold);
           })
      .def("roc", [](const Ranking& ranking,
                     std::size_t at_most) { return columns(without_gil([&] { return ranking.roc(at_most); })); })
      .def("precision_recall",
           [](const Ranking& ranking, std::size_t at_most, Prevalence prevalence) {
             return columns(without_gil([&] { return ranking.precision_recall(at_most, prevalence); }));
           })
      .def("positives", &Ranking::positives)
      .def("negatives", &Ranking::negatives);
}

void bind_streaming(py::module_& m) {
  py::class_<StreamingRanking>(m, "StreamingRanking")
      .def(py::init<int>())
      .def(
          "add",
          [](StreamingRanking& ranking, const ArrayLike& scores, const ArrayLike& labels, const OptionalArray& counts) {
            Arguments arguments("streaming_ranking");
            const metrics::Values of_scores = arguments.values("scores", scores);
            const auto of_labels = arguments.labels("labels", labels);
            std::vector<std::uint64_t> of_counts;
            if (counts) {
              of_counts = multiplicities(arguments.optional_integers("counts", counts), of_scores.size());
            }
            without_gil([&] { ranking.add(of_scores, of_labels, of_counts); });
          })
      .def("add_maps",
           [](StreamingRanking& ranking, const ArrayLike& maps, const ArrayLike& masks) {
             Arguments arguments("streaming_ranking");
             const auto items = arguments.maps("maps", maps, "masks", masks);
             without_gil([&] { ranking.add(items); });
           })
      .def("merge", &StreamingRanking::merge, py::call_guard<py::gil_scoped_release>())
      .def("auroc", bounded(&StreamingRanking::auroc))
      .def("partial_auroc", bounded(&StreamingRanking::partial_auroc))
      .def("average_precision", bounded(&StreamingRanking::average_precision))
      .def("true_positive_rate_at", bounded(&StreamingRanking::true_positive_rate_at))
      .def("good_flagged_at_defects_flagged", bounded(&StreamingRanking::good_flagged_at_defects_flagged))
      .def("defects_passed_at_good_passed", bounded(&StreamingRanking::defects_passed_at_good_passed))
      .def("best_f1",
           [](const StreamingRanking& ranking) {
             const StreamingRanking::Best best = without_gil([&] { return ranking.best_f1(); });
             return py::make_tuple(values(best.f1), best.threshold);
           })
      .def("roc", [](const StreamingRanking& ranking,
                     std::size_t at_most) { return columns(without_gil([&] { return ranking.roc(at_most); })); })
      .def("precision_recall",
           [](const StreamingRanking& ranking, std::size_t at_most, Prevalence prevalence) {
             return columns(without_gil([&] { return ranking.precision_recall(at_most, prevalence); }));
           })
      .def("positives", &StreamingRanking::positives)
      .def("negatives", &StreamingRanking::negatives)
      .def("mantissa_bits", &StreamingRanking::mantissa_bits)
      .def("bytes", &StreamingRanking::bytes);
}

}  // namespace

void bind_ranking(py::module_& m) {
  bind_exact(m);
  bind_streaming(m);
  m.def("precision_at_prevalence", &metrics::precision_at_prevalence);
}

}  // namespace oddity::python
