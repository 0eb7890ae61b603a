#include "oddity/metrics/bootstrap.h"

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "metrics/bootstrap_options.h"
#include "metrics/statistic.h"
#include "oddity/metrics/ranking_bootstrap.h"

namespace oddity::python {
namespace {

using namespace py::literals;

/// A Python statistic runs with the GIL, one call at a time.
metrics::ResamplingOptions serial_options(Arguments& arguments, const char* function, const std::string& method,
                                          std::size_t resamples, double confidence, std::uint64_t seed,
                                          const OptionalArray& groups, const OptionalArray& strata) {
  return {method_of(function, method),
          resamples,
          confidence,
          seed,
          arguments.optional_integers("groups", groups),
          arguments.optional_integers("strata", strata),
          false};
}

template <class T>
py::array_t<T> copied(std::span<const T> values) {
  return py::array_t<T>(py::ssize_t(values.size()), values.data());
}

metrics::RankingBootstrapOptions ranking_options(Arguments& arguments, const char* function,
                                                 const std::string& statistic, double at, const std::string& method,
                                                 std::size_t resamples, double confidence, std::uint64_t seed,
                                                 const OptionalArray& groups, bool stratified) {
  using Statistic = metrics::RankingStatistic;
  return {choice<Statistic>(function, "statistic", statistic,
                            {{"auroc", Statistic::auroc},
                             {"average_precision", Statistic::average_precision},
                             {"best_f1", Statistic::best_f1},
                             {"true_positive_rate_at", Statistic::true_positive_rate_at},
                             {"false_positive_rate_at", Statistic::false_positive_rate_at}}),
          at,
          method_of(function, method),
          resamples,
          confidence,
          seed,
          arguments.optional_integers("groups", groups),
          stratified};
}

metrics::BootstrapOptions pixel_options(Arguments& arguments, const char* function, const std::string& method,
                                        std::size_t resamples, double confidence, std::uint64_t seed,
                                        const OptionalArray& groups, bool stratified) {
  return {resamples,
          confidence,
          seed,
          stratified,
          method_of(function, method),
          arguments.optional_integers("groups", groups)};
}

py::dict fields(const metrics::Estimate& estimate) {
  return py::dict("value"_a = estimate.value, "low"_a = estimate.low, "high"_a = estimate.high,
                  "n_good"_a = estimate.n_good, "n_defect"_a = estimate.n_defect);
}

py::dict fields(const metrics::PixelEstimates& estimates) {
  py::list aupro;
  for (const metrics::Estimate& estimate : estimates.aupro) {
    aupro.append(fields(estimate));
  }
  return py::dict("auroc"_a = fields(estimates.auroc), "average_precision"_a = fields(estimates.average_precision),
                  "best_f1"_a = fields(estimates.best_f1), "aupro"_a = aupro);
}

}  // namespace

void bind_bootstrap(py::module_& m) {
  m.def("bootstrap", [](std::size_t n, const py::object& statistic, const std::string& method, std::size_t resamples,
                        double confidence, std::uint64_t seed, const OptionalArray& groups,
                        const OptionalArray& strata) {
    Arguments arguments("bootstrap");
    const auto options = serial_options(arguments, "bootstrap", method, resamples, confidence, seed, groups, strata);
    return fields(metrics::bootstrap(
        n, [&](std::span<const std::int64_t> drawn) { return real_of("bootstrap", statistic(copied(drawn))); },
        options));
  });
  m.def("bootstrap_weighted", [](std::size_t n, const py::object& statistic, const std::string& method,
                                 std::size_t resamples, double confidence, std::uint64_t seed,
                                 const OptionalArray& groups, const OptionalArray& strata) {
    constexpr const char* function = "bootstrap_weighted";
    Arguments arguments(function);
    const auto options = serial_options(arguments, function, method, resamples, confidence, seed, groups, strata);
    return fields(metrics::bootstrap_weighted(
        n, [&](std::span<const double> weights) { return real_of(function, statistic(copied(weights))); }, options));
  });
  m.def("bootstrap_ranking", [](const ArrayLike& scores, const ArrayLike& labels, const std::string& statistic,
                                double at, const std::string& method, std::size_t resamples, double confidence,
                                std::uint64_t seed, const OptionalArray& groups, bool stratified) {
    constexpr const char* function = "bootstrap_ranking";
    Arguments arguments(function);
    const metrics::Values of_scores = arguments.values("scores", scores);
    const auto of_labels = arguments.labels("labels", labels);
    const auto options =
        ranking_options(arguments, function, statistic, at, method, resamples, confidence, seed, groups, stratified);
    return fields(without_gil([&] { return metrics::bootstrap_ranking(of_scores, of_labels, options); }));
  });
  m.def("bootstrap_ranking_difference", [](const ArrayLike& a, const ArrayLike& b, const ArrayLike& labels,
                                           const std::string& statistic, double at, const std::string& method,
                                           std::size_t resamples, double confidence, std::uint64_t seed,
                                           const OptionalArray& groups, bool stratified) {
    constexpr const char* function = "bootstrap_ranking_difference";
    Arguments arguments(function);
    const metrics::Values of_a = arguments.values("a", a), of_b = arguments.values("b", b);
    const auto of_labels = arguments.labels("labels", labels);
    const auto options =
        ranking_options(arguments, function, statistic, at, method, resamples, confidence, seed, groups, stratified);
    return fields(without_gil([&] { return metrics::bootstrap_ranking_difference(of_a, of_b, of_labels, options); }));
  });
  m.def("bootstrap_pixel_metrics", [](const ArrayLike& maps, const ArrayLike& masks, const ArrayLike& limits,
                                      const std::string& method, std::size_t resamples, double confidence,
                                      std::uint64_t seed, const OptionalArray& groups, bool stratified) {
    constexpr const char* function = "bootstrap_pixel_metrics";
    Arguments arguments(function);
    const auto items = arguments.maps("maps", maps, "masks", masks);
    const auto of_limits = arguments.doubles("aupro_limits", limits);
    const auto options = pixel_options(arguments, function, method, resamples, confidence, seed, groups, stratified);
    return fields(without_gil([&] { return metrics::bootstrap_pixel_metrics(items, of_limits, options); }));
  });
  m.def("bootstrap_pixel_difference", [](const ArrayLike& maps_a, const ArrayLike& masks_a, const ArrayLike& maps_b,
                                         const ArrayLike& masks_b, const ArrayLike& limits, const std::string& method,
                                         std::size_t resamples, double confidence, std::uint64_t seed,
                                         const OptionalArray& groups, bool stratified) {
    constexpr const char* function = "bootstrap_pixel_difference";
    Arguments arguments(function);
    const auto a = arguments.maps("maps_a", maps_a, "masks_a", masks_a);
    const auto b = arguments.maps("maps_b", maps_b, "masks_b", masks_b);
    const auto of_limits = arguments.doubles("aupro_limits", limits);
    const auto options = pixel_options(arguments, function, method, resamples, confidence, seed, groups, stratified);
    return fields(without_gil([&] { return metrics::bootstrap_pixel_difference(a, b, of_limits, options); }));
  });
}

}  // namespace oddity::python
