#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "cli/support.h"
#include "oddity/metrics/false_discovery.h"
#include "oddity/metrics/false_discovery_bounds.h"
#include "oddity/metrics/outliers.h"

namespace oddity::cli {
namespace {

struct OutliersRequest : Request {
  std::string file, calibration, kind = "marginal", method = "benjamini_hochberg";
  ScoreColumns columns;
  double fdr = 0.1, delta = 0.1;
};

constexpr std::size_t kMostShown = 50;

/// Scores of the good parts of the calibration file; all parts when it is said to have no labels.
std::vector<double> calibration_scores(const OutliersRequest& request) {
  const ScoreTable table = read_score_table(request.calibration, request.columns);
  std::vector<double> good;
  for (std::size_t i = 0; i < table.scores.size(); ++i) {
    if (table.labels.empty() || table.labels[i] == 0) {
      good.push_back(table.scores[i]);
    }
  }
  if (good.empty()) {
    fail<ContentError>("[cli.metrics] {} has no good part to calibrate with; got {} defects", request.calibration,
                       table.scores.size());
  }
  return good;
}

/// Flagged rows, the least likely first.
std::vector<std::size_t> flagged_rows(const metrics::Discoveries& found, const std::vector<double>& p_values,
                                      const std::vector<double>& scores) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < p_values.size(); ++i) {
    if (found.rejected[i] != 0) {
      rows.push_back(i);
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return p_values[a] < p_values[b] || (p_values[a] == p_values[b] && scores[a] > scores[b]);
  });
  return rows;
}

std::string table_of(const Json& flagged) {
  std::vector<std::vector<std::string>> cells = {{"line", "score", "p_value", "adjusted", "file"}};
  for (std::size_t i = 0; i < std::min(flagged.size(), kMostShown); ++i) {
    const Json& row = flagged[i];
    cells.push_back({row["line"].dump(), fmt::format("{}", row["score"].get<double>()),
                     fmt::format("{:.4g}", row["p_value"].get<double>()),
                     fmt::format("{:.4g}", row["adjusted"].get<double>()), row.value("file", "")});
  }
  std::string out = "\n" + text_table(cells, {true, true, true, true, false});
  if (flagged.size() > kMostShown) {
    out += fmt::format("... and {} more: --json has all\n", flagged.size() - kMostShown);
  }
  return out;
}

ExitCode outliers(const OutliersRequest& request) {
  require_between_0_and_1("--fdr", request.fdr);
  require_between_0_and_1("--delta", request.delta);
  constexpr metrics::PValueKind kinds[] = {metrics::PValueKind::marginal, metrics::PValueKind::simes,
                                           metrics::PValueKind::dkwm};
  metrics::OutlierOptions options;
  options.kind = kinds[require_word("--kind", request.kind, {"marginal", "simes", "dkwm"})];
  options.delta = request.delta;
  const bool dependent = require_word("--method", request.method, {"benjamini_hochberg", "benjamini_yekutieli"}) == 1;
  if (request.calibration.empty()) {
    fail<InvalidArgument>("[cli.metrics] --calibration is missing; expected a CSV file with scores of good parts");
  }
  const std::vector<double> calibration = calibration_scores(request);
  ScoreColumns columns = request.columns;
  columns.label.clear();
  const ScoreTable table = read_score_table(request.file, columns);
  const auto p = metrics::outlier_p_values(calibration, table.scores, options);
  const auto found = dependent ? metrics::benjamini_yekutieli(p.values, request.fdr)
                               : metrics::benjamini_hochberg(p.values, request.fdr);
  Json flagged = Json::array();
  for (const std::size_t i : flagged_rows(found, p.values, table.scores)) {
    Json row = {{"line", table.lines[i]},
                {"score", table.scores[i]},
                {"p_value", p.values[i]},
                {"adjusted", found.adjusted[i]}};
    if (!table.files.empty()) {
      row["file"] = table.files[i];
    }
    flagged.push_back(std::move(row));
  }
  Json numbers;
  numbers["calibration"] = calibration.size();
  numbers["flagged"] = counted(found.count, found.n);
  numbers["largest_flagged_p_value"] = plain(found.count > 0 ? found.threshold : std::nan(""), "no row is flagged");
  numbers["smallest_p_value"] = plain(*std::min_element(p.values.begin(), p.values.end()));
  std::string note = found.count > 0 ? table_of(flagged) : "";
  const bool marginal = options.kind == metrics::PValueKind::marginal;
  note += fmt::format(
      "\nOf the flagged rows a share of at most {:g} are good, on average over {} (false discovery rate), for good "
      "parts\ndrawn as "
      "those of the calibration, with which no model was fitted{}.\n",
      request.fdr,
      marginal ? "calibrations and rows"
               : fmt::format("rows, with a probability of {:g} over calibrations", 1 - request.delta),
      dependent ? "; rows may depend on each other in any way" : ", independently of each other");
  if (marginal) {
    const auto bound = metrics::false_discovery_bound(p.values, found.rejected, 1 - request.confidence);
    numbers["good_among_flagged_at_most"] = bound.false_discoveries;
    note += fmt::format("good_among_flagged_at_most holds with a confidence of {:g} (Simes, closed testing).\n",
                        request.confidence);
  }
  if (!dependent) {
    const std::uint64_t needed = metrics::calibration_size_needed(found.n, 1, request.fdr, options.kind, request.delta);
    numbers["calibration_needed_for_one"] = needed;
    if (found.count == 0 && needed > calibration.size()) {
      note += fmt::format(
          "No single row could be flagged, however bad: that takes {} good calibration parts; there are {}.\n", needed,
          calibration.size());
    }
  }
  numbers["rows"] = flagged;
  if (request.json) {
    numbers["p_values"] = p.values;
    numbers["lines"] = table.lines;
  }
  show(request, numbers, note);
  return ExitCode::done;
}

}  // namespace

void add_outliers(CLI::App& metrics, Chosen& chosen) {
  const auto [command, request] = add_subcommand<OutliersRequest>(
      metrics, chosen, "outliers", "Which rows are outliers, with a bound on the share of good ones among them.",
      "  oddity metrics outliers new.csv --calibration good.csv --fdr 0.1\n"
      "  oddity metrics outliers new.csv --calibration good.csv --label \"\"\n",
      outliers);
  command->add_option("FILE", request->file, "CSV file with a header; labels are not read")->required();
  command->add_option("--calibration", request->calibration, "CSV file of parts; its good ones calibrate");
  command->add_option("--fdr,--level", request->fdr, "Largest share of good parts among the flagged (default 0.1)");
  command->add_option("--score", request->columns.score, "Column of scores (default: score)");
  command->add_option("--label", request->columns.label,
                      "Column of labels of the calibration (default: label; \"\": it has good parts only)");
  command->add_option("--good", request->columns.good, "Label of a good part (default: good; 0 is good too)");
  command->add_option("--kind", request->kind, "Of the p-values: marginal (default), simes or dkwm");
  command->add_option("--delta", request->delta,
                      "Of simes and dkwm: probability that this calibration breaks the promise (default 0.1)");
  command->add_option("--method", request->method, "benjamini_hochberg (default) or benjamini_yekutieli");
}

}  // namespace oddity::cli
