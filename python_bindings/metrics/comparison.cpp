#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "metrics/bootstrap_options.h"
#include "metrics/statistic.h"
#include "oddity/metrics/agreement.h"
#include "oddity/metrics/delong.h"
#include "oddity/metrics/paired_tests.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::Alternative;
using metrics::KappaWeights;

py::dict fields(const metrics::PermutationTest& test) {
  return py::dict("statistic"_a = test.statistic, "p_value"_a = test.p_value, "n"_a = test.n, "units"_a = test.units,
                  "permutations"_a = test.permutations, "exact"_a = test.exact);
}

py::dict fields(const metrics::Kappa& kappa) {
  return py::dict("kappa"_a = kappa.kappa, "standard_error"_a = kappa.standard_error,
                  "null_standard_error"_a = kappa.null_standard_error, "low"_a = kappa.low, "high"_a = kappa.high,
                  "p_value"_a = kappa.p_value, "observed"_a = kappa.observed, "expected"_a = kappa.expected,
                  "n"_a = kappa.n, "raters"_a = kappa.raters, "classes"_a = kappa.classes);
}

metrics::PermutationOptions permutation_options(const char* function, const std::string& alternative,
                                                std::size_t permutations, std::size_t exact_up_to, std::uint64_t seed) {
  return {choice<Alternative>(
              function, "alternative", alternative,
              {{"two_sided", Alternative::two_sided}, {"greater", Alternative::greater}, {"less", Alternative::less}}),
          permutations, exact_up_to, seed};
}

metrics::PairedCounts counts_of(std::uint64_t both, std::uint64_t only_a, std::uint64_t only_b, std::uint64_t neither) {
  return {both, only_a, only_b, neither};
}

}  // namespace

void bind_comparison(py::module_& m) {
  m.def("paired_counts", [](const ArrayLike& a, const ArrayLike& b) {
    Arguments arguments("paired_counts");
    const auto of_a = arguments.labels("a", a), of_b = arguments.labels("b", b);
    const metrics::PairedCounts counts = without_gil([&] { return metrics::paired_counts(of_a, of_b); });
    return py::dict("both"_a = counts.both, "only_a"_a = counts.only_a, "only_b"_a = counts.only_b,
                    "neither"_a = counts.neither);
  });
  m.def("mcnemar", [](std::uint64_t both, std::uint64_t only_a, std::uint64_t only_b, std::uint64_t neither) {
    const metrics::McNemar test = metrics::mcnemar(counts_of(both, only_a, only_b, neither));
    return py::dict("only_a"_a = test.only_a, "only_b"_a = test.only_b, "exact"_a = test.exact, "mid_p"_a = test.mid_p);
  });
  m.def("newcombe_difference",
        [](std::uint64_t both, std::uint64_t only_a, std::uint64_t only_b, std::uint64_t neither, double confidence) {
          const auto result = metrics::newcombe_difference(counts_of(both, only_a, only_b, neither), confidence);
          return py::dict("rate_a"_a = result.rate_a, "rate_b"_a = result.rate_b, "difference"_a = result.difference,
                          "low"_a = result.low, "high"_a = result.high, "n"_a = result.n);
        });
  m.def("delong_test", [](const ArrayLike& a, const ArrayLike& b, const ArrayLike& labels, double confidence) {
    Arguments arguments("delong_test");
    const metrics::Values of_a = arguments.values("a", a), of_b = arguments.values("b", b);
    const auto of_labels = arguments.labels("labels", labels);
    const auto test = without_gil([&] { return metrics::delong_test(of_a, of_b, of_labels, confidence); });
    return py::dict("auroc_a"_a = test.auroc_a, "auroc_b"_a = test.auroc_b, "difference"_a = test.difference,
                    "standard_error"_a = test.standard_error, "statistic"_a = test.statistic,
                    "p_value"_a = test.p_value, "low"_a = test.low, "high"_a = test.high, "n_good"_a = test.n_good,
                    "n_defect"_a = test.n_defect);
  });
  m.def("paired_permutation_test",
        [](const ArrayLike& a, const ArrayLike& b, const OptionalArray& groups, const std::string& alternative,
           std::size_t permutations, std::size_t exact_up_to, std::uint64_t seed) {
          constexpr const char* function = "paired_permutation_test";
          Arguments arguments(function);
          const metrics::Values of_a = arguments.values("a", a), of_b = arguments.values("b", b);
          const auto of_groups = arguments.optional_integers("groups", groups);
          const auto options = permutation_options(function, alternative, permutations, exact_up_to, seed);
          return fields(without_gil([&] { return metrics::paired_permutation_test(of_a, of_b, of_groups, options); }));
        });
  m.def("permutation_test", [](std::size_t n, const py::object& statistic, const OptionalArray& groups,
                               const std::string& alternative, std::size_t permutations, std::size_t exact_up_to,
                               std::uint64_t seed) {
    constexpr const char* function = "permutation_test";
    Arguments arguments(function);
    const auto of_groups = arguments.optional_integers("groups", groups);
    const auto options = permutation_options(function, alternative, permutations, exact_up_to, seed);
    // The statistic is Python: one call at a time, with the GIL.
    const auto call = [&](std::span<const std::uint8_t> swapped) {
      const std::vector<std::uint8_t> copy(swapped.begin(), swapped.end());
      return real_of(
          function, statistic(py::array_t<bool>(py::ssize_t(copy.size()), reinterpret_cast<const bool*>(copy.data()))));
    };
    return fields(metrics::permutation_test(n, call, of_groups, options, false));
  });
  m.def("cohen_kappa", [](const ArrayLike& a, const ArrayLike& b, const std::string& weights, double confidence,
                          std::size_t classes) {
    Arguments arguments("cohen_kappa");
    const auto of_a = arguments.integers("a", a), of_b = arguments.integers("b", b);
    const metrics::KappaOptions options{
        choice<KappaWeights>(
            "cohen_kappa", "weights", weights,
            {{"none", KappaWeights::none}, {"linear", KappaWeights::linear}, {"quadratic", KappaWeights::quadratic}}),
        confidence, classes};
    return fields(without_gil([&] { return metrics::cohen_kappa(of_a, of_b, options); }));
  });
  m.def("fleiss_kappa", [](const ArrayLike& ratings, double confidence, std::size_t classes) {
    Arguments arguments("fleiss_kappa");
    std::size_t raters = 0;
    const auto of_ratings = arguments.integer_matrix("ratings", ratings, raters);
    const metrics::KappaOptions options{KappaWeights::none, confidence, classes};
    return fields(without_gil([&] { return metrics::fleiss_kappa(of_ratings, raters, options); }));
  });
}

}  // namespace oddity::python
