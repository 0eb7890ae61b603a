#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "metrics/shared.h"
#include "oddity/metrics/cusum.h"
#include "oddity/metrics/martingales.h"
#include "oddity/metrics/online_p_values.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::Capital;
using metrics::Cusum;
using metrics::JumperMartingale;
using metrics::MixtureMartingale;
using metrics::OnlinePValues;
using metrics::PowerMartingale;

/// Calls `method` of the object with the values of one array and gives back what it returns as an array.
template <class T, class Method>
py::object over_array(Shared<T>& self, const char* function, const char* name, const ArrayLike& array,
                      Method&& method) {
  Arguments arguments(function);
  const metrics::Values values = arguments.values(name, array);
  return to_numpy(self.use([&](T& object) { return method(object, values); }));
}

py::tuple fields(const Capital& capital) {
  return py::make_tuple(capital.log_value, capital.log_maximum, capital.steps);
}

Capital capital_of(const std::tuple<double, double, std::uint64_t>& fields) {
  return {std::get<0>(fields), std::get<1>(fields), std::get<2>(fields)};
}

/// What all martingales have.
template <class T>
py::class_<Shared<T>> martingale(py::module_& m, const char* name) {
  return py::class_<Shared<T>>(m, name)
      .def("bet",
           [](Shared<T>& self, const ArrayLike& p_values) {
             return over_array(self, "Martingale.bet", "p_values", p_values,
                               [](T& object, metrics::Values values) { return object.bet(values); });
           })
      .def("bet_one", [](Shared<T>& self, double p) { return self.use([&](T& object) { return object.bet(p); }); })
      .def("restart", [](Shared<T>& self) { self.use([](T& object) { object.restart(); }); })
      .def("capital", [](Shared<T>& self) { return fields(self.use([](T& object) { return object.capital(); })); })
      .def("has_alarm", [](Shared<T>& self, double alpha) {
        return self.use([&](T& object) { return metrics::has_alarm(object.capital(), alpha); });
      });
}

using CapitalFields = std::tuple<double, double, std::uint64_t>;

std::unique_ptr<Shared<OnlinePValues>> online_from(std::uint64_t seed, const ArrayLike& scores,
                                                   const ArrayLike& counts) {
  Arguments arguments("OnlinePValues");
  const std::span<const double> of_scores = arguments.doubles("scores", scores);
  const std::span<const std::int64_t> of_counts = arguments.integers("counts", counts);
  OnlinePValues::State state{seed, {of_scores.begin(), of_scores.end()}, {}};
  for (const std::int64_t count : of_counts) {
    state.counts.push_back(count > 0 ? std::uint64_t(count) : 0);  // 0 is refused
  }
  return shared<OnlinePValues>(state);
}

void bind_online_p_values(py::module_& m) {
  using Self = Shared<OnlinePValues>;
  py::class_<Self>(m, "OnlinePValues")
      .def(py::init([](std::uint64_t seed) { return shared<OnlinePValues>(seed); }))
      .def(py::init(&online_from))
      .def("prime",
           [](Self& self, const ArrayLike& scores) {
             Arguments arguments("OnlinePValues.prime");
             const metrics::Values values = arguments.values("scores", scores);
             self.use([&](OnlinePValues& object) { object.prime(values); });
           })
      .def("add",
           [](Self& self, const ArrayLike& scores) {
             return over_array(self, "OnlinePValues.add", "scores", scores,
                               [](OnlinePValues& object, metrics::Values values) { return object.add(values); });
           })
      .def("add_one",
           [](Self& self, double score) { return self.use([&](OnlinePValues& object) { return object.add(score); }); })
      .def("size", [](Self& self) { return self.use([](OnlinePValues& object) { return object.size(); }); })
      .def("state", [](Self& self) {
        OnlinePValues::State state = self.use([](OnlinePValues& object) { return object.state(); });
        std::vector<std::int64_t> counts(state.counts.begin(), state.counts.end());
        return py::make_tuple(state.seed, to_numpy(std::move(state.scores)), to_numpy(std::move(counts)));
      });
}

void bind_martingales(py::module_& m) {
  martingale<PowerMartingale>(m, "PowerMartingale")
      .def(py::init([](double epsilon) { return shared<PowerMartingale>(epsilon); }))
      .def(py::init([](double epsilon, const CapitalFields& capital) {
        return shared<PowerMartingale>(PowerMartingale::State{epsilon, capital_of(capital)});
      }))
      .def("state", [](Shared<PowerMartingale>& self) {
        const auto state = self.use([](PowerMartingale& object) { return object.state(); });
        return py::make_tuple(state.epsilon, fields(state.capital));
      });
  martingale<MixtureMartingale>(m, "MixtureMartingale")
      .def(py::init([] { return shared<MixtureMartingale>(); }))
      .def(py::init([](double log_sum, double log_sum_rest, const CapitalFields& capital) {
        return shared<MixtureMartingale>(MixtureMartingale::State{log_sum, log_sum_rest, capital_of(capital)});
      }))
      .def("state", [](Shared<MixtureMartingale>& self) {
        const auto state = self.use([](MixtureMartingale& object) { return object.state(); });
        return py::make_tuple(state.log_sum, state.log_sum_rest, fields(state.capital));
      });
  martingale<JumperMartingale>(m, "JumperMartingale")
      .def(py::init([](double jump) { return shared<JumperMartingale>(jump); }))
      .def(py::init([](double jump, const std::array<double, 3>& shares, const CapitalFields& capital) {
        return shared<JumperMartingale>(JumperMartingale::State{jump, shares, capital_of(capital)});
      }))
      .def("state", [](Shared<JumperMartingale>& self) {
        const auto state = self.use([](JumperMartingale& object) { return object.state(); });
        return py::make_tuple(state.jump, state.shares, fields(state.capital));
      });
}

void bind_cusum(py::module_& m) {
  using Self = Shared<Cusum>;
  py::class_<Self>(m, "Cusum")
      .def(py::init([](double average_run_length) { return shared<Cusum>(average_run_length); }))
      .def(py::init([](double average_run_length, double log_capital, double log_minimum, double statistic,
                       std::uint64_t steps, std::uint64_t alarms, std::uint64_t latest_alarm) {
        return shared<Cusum>(
            Cusum::State{average_run_length, log_capital, log_minimum, statistic, steps, alarms, latest_alarm});
      }))
      .def("add",
           [](Self& self, const ArrayLike& log_capital) {
             return over_array(self, "Cusum.add", "log_capital", log_capital,
                               [](Cusum& object, metrics::Values values) { return object.add(values); });
           })
      .def("add_one",
           [](Self& self, double value) { return self.use([&](Cusum& object) { return object.add(value); }); })
      .def("state", [](Self& self) {
        const Cusum::State state = self.use([](Cusum& object) { return object.state(); });
        return py::make_tuple(state.average_run_length, state.log_capital, state.log_minimum, state.statistic,
                              state.steps, state.alarms, state.latest_alarm);
      });
}

}  // namespace

void bind_drift(py::module_& m) {
  bind_online_p_values(m);
  bind_martingales(m);
  bind_cusum(m);
}

}  // namespace oddity::python
