#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "oddity/metrics/conformal.h"
#include "oddity/metrics/conformal_quantile.h"
#include "oddity/metrics/inspection.h"
#include "oddity/metrics/intervals.h"

namespace oddity::cli {
namespace {

struct RatesRequest : FileRequest {
  std::optional<double> threshold;
};

struct ThresholdRequest : FileRequest {
  double budget = 0.01;
};

ExitCode rates(const RatesRequest& request) {
  const double threshold =
      require_given("--threshold", request.threshold, "the threshold of `oddity describe PACKAGE`");
  const ScoreTable table = read_score_table(request.file, request.columns);
  Json numbers;
  const auto add = [&](const std::string& prefix, const metrics::Confusion& confusion) {
    const auto counts = metrics::inspection(confusion, request.confidence);
    const auto rate = [](const metrics::Confusion::Rate& of) {
      return share(of.value, of.low, of.high, of.events, of.trials);
    };
    numbers[prefix + "escape_rate"] = rate(counts.escape_rate);
    numbers[prefix + "overkill_rate"] = rate(counts.overkill_rate);
    if (prefix.empty()) {
      numbers["defects_among_accepted"] = rate(counts.defects_among_accepted);
      numbers["defects_among_rejected"] = rate(counts.defects_among_rejected);
      numbers["accuracy"] = rate(counts.accuracy);
    }
  };
  add("", metrics::confusion_at_threshold(table.scores, table.labels, threshold));
  if (!table.groups.empty()) {
    for (const auto& group :
         metrics::confusion_at_threshold_by_group(table.scores, table.labels, table.groups, threshold)) {
      add(table.group_names[static_cast<std::size_t>(group.group)] + ": ", group.confusion);
    }
  }
  show(request, numbers,
       "\nRejected when score > threshold. Intervals: Clopper-Pearson, exact for parts drawn independently.\n");
  return ExitCode::done;
}

ExitCode threshold(const ThresholdRequest& request) {
  require_between_0_and_1("--budget", request.budget);
  const ScoreTable table = read_score_table(request.file, request.columns);
  std::vector<double> good;
  for (std::size_t i = 0; i < table.scores.size(); ++i) {
    if (table.labels.empty() || table.labels[i] == 0) {
      good.push_back(table.scores[i]);
    }
  }
  std::sort(good.begin(), good.end());
  const auto result = metrics::conformal_threshold(good, request.budget);
  const auto certain = metrics::conformal_quantile(good, request.budget, 1 - request.confidence);
  Json numbers;
  numbers["good"] = result.n;
  numbers["threshold"] = plain(result.threshold);
  numbers["overkill_budget"] =
      estimate(result.budget, metrics::beta_quantile((1 - request.confidence) / 2, result.beta_a, result.beta_b),
               metrics::beta_quantile((1 + request.confidence) / 2, result.beta_a, result.beta_b));
  if (certain.infinite) {
    numbers["certain_threshold_needs_good"] = certain.n_needed;
  } else {
    numbers["certain_threshold"] = plain(certain.threshold);
  }
  std::string note = fmt::format(
      "\nConformal: further good parts of the same kind are rejected (score > threshold) at the budget on average "
      "over calibrations; the interval is that of this one's true rate.\nThe certain threshold keeps the budget with "
      "confidence {:g}.\n",
      request.confidence);
  if (result.budget > result.requested_budget) {
    note += fmt::format("A budget of {:g} needs at least {} good parts.\n", result.requested_budget, result.n_needed);
  }
  show(request, numbers, note);
  return ExitCode::done;
}

}  // namespace

void add_rates(CLI::App& metrics, Chosen& chosen) {
  {
    const auto [command, request] = add_subcommand<RatesRequest>(
        metrics, chosen, "rates", "Escape and overkill at a threshold, with exact intervals.",
        "  oddity metrics rates scores.csv --threshold 1.67\n", rates);
    command->add_option("--threshold", request->threshold, "Parts with a larger score are rejected");
    command->add_option("--group", request->columns.group, "Column of groups, such as a camera or lot: rates of each");
  }
  {
    const auto [command, request] = add_subcommand<ThresholdRequest>(
        metrics, chosen, "threshold", "The threshold for an overkill budget, from good parts.",
        "  oddity metrics threshold good.csv --budget 0.01\n", threshold);
    command->add_option("--budget", request->budget, "Share of good parts that may be rejected (default 0.01)");
  }
}

}  // namespace oddity::cli
