#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "oddity/metrics/selective.h"

namespace oddity::cli {
namespace {

struct SelectiveRequest : FileRequest {
  std::optional<double> threshold;
  std::string loss;
  double largest_loss = 1;
};

Json area_of(const metrics::SelectiveEstimate& area, std::size_t units) {
  Json out = estimate(area.value, area.low, area.high);
  out["n"] = units;
  return out;
}

ExitCode risk_coverage(const SelectiveRequest& request) {
  if (request.threshold.has_value() == !request.loss.empty()) {
    fail<InvalidArgument>(
        "[cli.metrics] what is lost must be known; got {} --threshold {} --loss; expected one of them",
        request.threshold ? "both" : "neither", request.threshold ? "and" : "nor");
  }
  if (request.threshold) {
    require_range("--threshold", *request.threshold, -1e300, 1e300);
    if (request.largest_loss != 1) {
      fail<InvalidArgument>("[cli.metrics] --largest-loss belongs to --loss; got {} without it; expected 1",
                            request.largest_loss);
    }
  }
  require_range("--largest-loss", request.largest_loss, 1e-100, 1e100);
  ScoreColumns columns = request.columns;
  columns.other = request.loss;
  columns.label = request.threshold ? columns.label : "";
  const ScoreTable table = read_score_table(request.file, columns);
  std::vector<double> certainty = table.scores, losses = table.others;
  if (request.threshold) {
    for (std::size_t i = 0; i < certainty.size(); ++i) {
      certainty[i] = std::abs(table.scores[i] - *request.threshold);
      losses.push_back((table.scores[i] > *request.threshold) != (table.labels[i] != 0));
    }
  }
  metrics::SelectiveOptions options;
  options.largest_loss = request.largest_loss;
  options.confidence = request.confidence;
  const auto risk = metrics::selective_risk(certainty, losses, options, table.groups);
  Json numbers;
  numbers["parts"] = risk.n;
  numbers["risk"] = plain(risk.risk);
  numbers["aurc"] = area_of(risk.aurc, risk.units);
  numbers["excess_aurc"] = area_of(risk.excess_aurc, risk.units);
  numbers["augrc"] = area_of(risk.augrc, risk.units);
  Json curve = Json::array();
  for (const auto& point : metrics::risk_coverage(certainty, losses, request.largest_loss, 200)) {
    curve.push_back({{"certainty", point.certainty},
                     {"coverage", point.coverage},
                     {"selective_risk", point.selective_risk},
                     {"generalized_risk", point.generalized_risk}});
  }
  numbers["curve"] = curve;
  show(request, numbers,
       std::string("\n") +
           (request.threshold ? "Certainty: distance of the score from the threshold; a wrong verdict loses 1.\n"
                              : "Certainty: the score, larger is surer; losses are the file's.\n") +
           "Risk: mean loss when all parts are kept. AURC: mean loss of the k surest parts over all k; excess: above "
           "the "
           "best order.\nAUGRC: the same with losses over all parts. Small is good. Intervals: asymptotic, for "
           "independent " +
           (request.columns.group.empty() ? "rows" : "groups") + ".\n");
  return ExitCode::done;
}

}  // namespace

void add_selective(CLI::App& metrics, Chosen& chosen) {
  const auto [command, request] = add_subcommand<SelectiveRequest>(
      metrics, chosen, "risk-coverage",
      "What is lost on the parts that a model keeps when it hands over the unsure ones.",
      "  oddity metrics risk-coverage scores.csv --threshold 1.67\n"
      "  oddity metrics risk-coverage judged.csv --score certainty --loss cost --largest-loss 40\n",
      risk_coverage);
  command->add_option("--threshold", request->threshold,
                      "Parts with a larger score are rejected; the nearer the score, the less sure");
  command->add_option("--loss", request->loss, "Column of losses; --score is then the certainty, larger is surer");
  command->add_option("--largest-loss", request->largest_loss, "That a part can have (default 1)");
  command->add_option("--group", request->columns.group,
                      "Column of groups, such as a part or lot, whose rows are not independent");
  request->columns.groups_are_units = true;
}

}  // namespace oddity::cli
