#include "oddity/metrics/cusum.h"

#include <algorithm>
#include <cmath>

#include "metrics/check.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

void require_run_length(double value) {
  if (!(value >= 1) || !std::isfinite(value)) {
    refuse("Cusum", "average_run_length is out of range; got ", value, "; expected a finite value of at least 1");
  }
}

}  // namespace

Cusum::Cusum(double average_run_length) {
  require_run_length(average_run_length);
  state_.average_run_length = average_run_length;
}

Cusum::Cusum(const State& state) : state_(state) {
  require_run_length(state.average_run_length);
  if (!std::isfinite(state.log_capital) || !std::isfinite(state.log_minimum) || !std::isfinite(state.statistic) ||
      state.latest_alarm > state.steps || state.alarms > state.steps ||
      (state.alarms == 0) != (state.latest_alarm == 0)) {
    refuse("Cusum", "state is not possible; got log capital ", state.log_capital, ", minimum ", state.log_minimum,
           ", statistic ", state.statistic, ", ", state.alarms, " alarms, the latest at step ", state.latest_alarm,
           " of ", state.steps);
  }
}

double Cusum::add(double log_capital) {
  detail::require_finite("Cusum.add", "log_capital", log_capital);
  ++state_.steps;
  state_.log_minimum = std::min(state_.log_minimum, state_.log_capital);
  state_.log_capital = log_capital;
  state_.statistic = log_capital - state_.log_minimum;
  if (state_.statistic >= std::log(state_.average_run_length)) {
    ++state_.alarms;
    state_.latest_alarm = state_.steps;
    state_.log_minimum = log_capital;
  }
  return state_.statistic;
}

std::vector<double> Cusum::add(Values log_capital) {
  detail::require_finite("Cusum.add", "log_capital", log_capital);
  std::vector<double> result;
  result.reserve(log_capital.size());
  log_capital.visit([&](auto span) {
    for (const double value : span) {
      result.push_back(add(value));
    }
  });
  return result;
}

}  // namespace oddity::metrics
