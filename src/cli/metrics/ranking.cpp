#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "oddity/metrics/ranking.h"

namespace oddity::cli {
namespace {

struct RankingRequest : FileRequest {
  std::optional<double> prevalence;
};

ExitCode ranking(const RankingRequest& request) {
  require_between_0_and_1("--prevalence", request.prevalence);
  const ScoreTable table = read_score_table(request.file, request.columns);
  const metrics::Ranking ranks(table.scores, table.labels);
  const auto auroc = metrics::auroc_delong(table.scores, table.labels, request.confidence);
  const auto best = ranks.best_f1();
  Json numbers;
  numbers["good"] = ranks.negatives();
  numbers["defects"] = ranks.positives();
  numbers["auroc"] = estimate(auroc.value, auroc.low, auroc.high);
  numbers["average_precision"] = plain(ranks.average_precision(request.prevalence));
  numbers["partial_auroc_at_0.1"] = plain(ranks.partial_auroc(0.1).standardized);
  numbers["good_flagged_at_95_defects_flagged"] = plain(ranks.good_flagged_at_defects_flagged(0.95));
  numbers["defects_passed_at_95_good_passed"] = plain(ranks.defects_passed_at_good_passed(0.95));
  numbers["best_f1"] = plain(best.f1);
  numbers["best_f1_threshold"] = plain(best.threshold);
  show(request, numbers,
       "\nAUROC: DeLong. Average precision: step form. Partial AUROC: McClish, false positive rate up to 0.1.\n"
       "The best F1 is chosen on these rows and optimistic for others.\n");
  return ExitCode::done;
}

}  // namespace

void add_ranking(CLI::App& metrics, Chosen& chosen) {
  const auto [command, request] =
      add_subcommand<RankingRequest>(metrics, chosen, "ranking", "How well scores rank defects above good parts.",
                                     "  oddity metrics ranking scores.csv\n", ranking);
  command->add_option("--prevalence", request->prevalence,
                      "Share of defects for the average precision (default: the file's)");
}

}  // namespace oddity::cli
