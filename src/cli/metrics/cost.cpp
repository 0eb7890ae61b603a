#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "oddity/metrics/decision_thresholds.h"

namespace oddity::cli {
namespace {

struct CostRequest : FileRequest {
  metrics::CostModel model;
  std::optional<double> undetected_escape, overkill, operator_cost, prevalence, escape;
  std::int64_t resamples = 1000, seed = 0;
};

struct CostOption {
  const char* name;
  double metrics::CostModel::*field;
  double most;
  const char* sentence;
};

constexpr double kMostCost = 1e100;
constexpr CostOption kCostOptions[] = {
    {"--cost-recalled-escape", &metrics::CostModel::cost_recalled_escape, kMostCost,
     "Of a defective part that was accepted and the later check finds (default 0)"},
    {"--cost-rework", &metrics::CostModel::cost_rework, kMostCost, "Of a defective part that was rejected (default 0)"},
    {"--cost-inspection", &metrics::CostModel::cost_inspection, kMostCost,
     "Of one part that the later check looks at (default 0)"},
    {"--cost-fixed", &metrics::CostModel::cost_fixed, kMostCost, "Of having the model, per part (default 0)"},
    {"--check-ratio", &metrics::CostModel::check_ratio, 1,
     "Share of accepted parts that the later check looks at (default 0)"},
    {"--check-detection", &metrics::CostModel::check_detection, 1,
     "Probability that it finds a defect that it looks at (default 1)"},
    {"--operator-escape", &metrics::CostModel::operator_escape, 1,
     "Share of defective parts that an operator accepts (default 0)"},
    {"--operator-overkill", &metrics::CostModel::operator_overkill, 1,
     "Share of good parts that an operator rejects (default 0)"},
};

Json cost_of(const metrics::CostEstimate& cost, bool intervals) {
  Json out = intervals ? estimate(cost.corrected, cost.low, cost.high) : plain(cost.value);
  out["in_sample"] = cost.value;
  return out;
}

/// A threshold and the interval of where the cheapest action changes. Scores are the file's; ends beyond them are
/// infinite.
Json threshold_of(double from, const metrics::Interval& interval, bool known, const char* never) {
  if (!std::isfinite(from)) {
    return plain(from, never);
  }
  return known ? estimate(from, interval.low, interval.high) : plain(from);
}

void check(const CostRequest& request) {
  const char* expected = "what that costs, 0 if nothing";
  require_range("--cost-undetected-escape",
                require_given("--cost-undetected-escape", request.undetected_escape, expected), 0, kMostCost);
  require_range("--cost-overkill", require_given("--cost-overkill", request.overkill, expected), 0, kMostCost);
  if (request.operator_cost) {
    require_range("--cost-operator", *request.operator_cost, 0, kMostCost);
  }
  for (const CostOption& option : kCostOptions) {
    require_range(option.name, request.model.*option.field, 0, option.most);
  }
  if (!request.operator_cost && (request.model.operator_escape > 0 || request.model.operator_overkill > 0)) {
    fail<InvalidArgument>(
        "[cli.metrics] an operator with errors needs a cost; got no --cost-operator; expected what one judged part "
        "costs");
  }
  require_between_0_and_1("--prevalence", request.prevalence);
  require_between_0_and_1("--escape", request.escape);
  require_range("--resamples", request.resamples, 0, 10'000'000);
  require_range("--seed", request.seed, 0, INT64_MAX);
  require_range("--confidence", request.confidence, 0.5, 0.999);
  if (request.escape && !request.columns.group.empty()) {
    fail<InvalidArgument>("[cli.metrics] --escape takes rows as independent; got --group too; expected one of them");
  }
}

void add_decisions(const metrics::OptimalThresholds& best, const std::string& prefix, bool asks, bool with_operator,
                   const CostRequest& request, Json& numbers) {
  const bool intervals = request.resamples > 0, located = request.columns.group.empty();
  const auto cut = [&](const char* name) { return prefix + name; };
  if (asks) {
    numbers[cut("ask_threshold")] =
        threshold_of(best.thresholds.lower, best.lower_interval, located, "asking or rejecting never pays");
  }
  numbers[cut("threshold")] = threshold_of(best.thresholds.upper, best.upper_interval, located, "rejecting never pays");
  numbers[cut("cost_per_part")] = cost_of(best.cost, intervals);
  if (with_operator) {
    numbers[cut("benefit_over_operator")] = cost_of(best.benefit_over_operator, intervals);
  }
  numbers[cut("benefit_over_accept_all")] = cost_of(best.benefit_over_accept_all, intervals);
  if (asks) {
    numbers[cut("asked")] = plain(best.line.asked);
  }
  numbers[cut("escape_rate")] = plain(best.line.escape);
  numbers[cut("overkill_rate")] = plain(best.line.overkill);
  numbers[cut("escape_ppm")] = plain(best.line.escape_ppm, "nothing is accepted");
}

ExitCode cost(const CostRequest& request) {
  check(request);
  const ScoreTable table = read_score_table(request.file, request.columns);
  metrics::CostModel model = request.model;
  model.cost_undetected_escape = *request.undetected_escape;
  model.cost_overkill = *request.overkill;
  model.cost_operator = request.operator_cost.value_or(0);
  metrics::DecisionOptions options;
  options.prevalence = request.prevalence;
  options.max_escape = request.escape;
  options.escape_confidence = request.confidence;
  options.resamples = static_cast<std::size_t>(request.resamples);
  options.confidence = request.confidence;
  options.seed = static_cast<std::uint64_t>(request.seed);
  options.actions = metrics::Actions::two_way;
  const auto two = metrics::optimal_thresholds(table.scores, table.labels, model, options, table.groups);
  const bool with_operator = request.operator_cost.has_value();
  Json numbers;
  numbers["good"] = two.n_good;
  numbers["defects"] = two.n_defect;
  if (!table.groups.empty()) {
    numbers["groups"] = two.groups;
  }
  numbers["prevalence"] = plain(two.rates.prevalence);
  numbers["accept_all: cost_per_part"] = plain(two.baselines.accept_all);
  numbers["reject_all: cost_per_part"] = plain(two.baselines.reject_all);
  if (with_operator) {
    numbers["operator_only: cost_per_part"] = plain(two.baselines.operator_only);
  }
  add_decisions(two, "two_way: ", false, with_operator, request, numbers);
  if (with_operator) {
    options.actions = metrics::Actions::three_way;
    const auto three = metrics::optimal_thresholds(table.scores, table.labels, model, options, table.groups);
    add_decisions(three, "three_way: ", true, true, request, numbers);
  }
  std::string note = fmt::format(
      "\nRejected when score > threshold{}. Cheapest on these rows; costs and benefits are corrected for "
      "that\noptimism "
      "(in_sample of --json is not). Benefit: what is saved per part; below 0 is a loss.\nIntervals: of what these "
      "thresholds cost on parts drawn as these{}; simulated, not proven.\n",
      with_operator ? ", an operator is asked when ask_threshold < score <= threshold" : "",
      table.groups.empty() ? ", and of where the cheapest action changes" : " (groups drawn as a whole)");
  note += request.prevalence
              ? "The prevalence is taken as known.\n"
              : "The prevalence is that of the file, which is seldom that of production: give --prevalence.\n";
  if (!with_operator) {
    note += "Without --cost-operator nobody can be asked: two actions only.\n";
  }
  if (request.escape) {
    note += fmt::format(
        "Thresholds keep the model's escape rate at or below {:g} with a confidence of {:g}, for defects drawn "
        "independently; their intervals do not know of it.\n",
        *request.escape, request.confidence);
  }
  show(request, numbers, note);
  return ExitCode::done;
}

}  // namespace

void add_cost(CLI::App& metrics, Chosen& chosen) {
  const auto [command, request] = add_subcommand<CostRequest>(
      metrics, chosen, "cost", "The thresholds that make a line cheapest, with and without an operator.",
      "  oddity metrics cost scores.csv --cost-undetected-escape 100 --cost-overkill 2 --prevalence 0.01\n"
      "  oddity metrics cost scores.csv --cost-undetected-escape 100 --cost-overkill 2 --cost-operator 0.1\n",
      cost);
  command->add_option("--cost-undetected-escape", request->undetected_escape,
                      "Of a defective part that reaches the customer");
  command->add_option("--cost-overkill", request->overkill, "Of a good part that was rejected");
  command->add_option("--cost-operator", request->operator_cost,
                      "Of one part judged by an operator; without it no operator is asked");
  for (const CostOption& option : kCostOptions) {
    command->add_option(option.name, request->model.*option.field, option.sentence);
  }
  command->add_option("--prevalence", request->prevalence,
                      "Share of defective parts in production (default: the file's)");
  command->add_option("--escape,--max-escape", request->escape,
                      "Largest escape rate of the model, kept with --confidence");
  command->add_option("--resamples", request->resamples, "For the intervals (default 1000; 0: none)");
  command->add_option("--seed", request->seed, "Of what is drawn (default 0)");
  command->add_option("--group", request->columns.group,
                      "Column of groups, such as a part or lot, whose rows are not independent");
  request->columns.groups_are_units = true;
}

}  // namespace oddity::cli
