#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "oddity/metrics/cusum.h"
#include "oddity/metrics/martingales.h"
#include "oddity/metrics/online_p_values.h"

namespace oddity::cli {
namespace {

struct DriftRequest : Request {
  static constexpr bool kHasConfidence = false;
  std::string file, reference_file, score = "score", martingale = "jumper";
  std::int64_t reference = 0, seed = 0;
  double alpha = 0.01, average_run_length = 1000, epsilon = 0.5, jump = 0.01;
};

std::unique_ptr<metrics::Martingale> martingale_of(const DriftRequest& request) {
  switch (require_word("--martingale", request.martingale, {"jumper", "power", "mixture"})) {
    case 0:
      return std::make_unique<metrics::JumperMartingale>(request.jump);
    case 1:
      return std::make_unique<metrics::PowerMartingale>(request.epsilon);
    default:
      return std::make_unique<metrics::MixtureMartingale>();
  }
}

std::vector<double> logarithms_to_base_10(const std::vector<double>& natural) {
  std::vector<double> out(natural.size());
  std::transform(natural.begin(), natural.end(), out.begin(), [](double x) { return x / std::numbers::ln10; });
  return out;
}

/// The first place where `values` reach `limit`, as a row of the file.
void add_alarm(const std::string& name, const std::vector<double>& values, double limit, const std::vector<int>& lines,
               Json& numbers) {
  const auto at = std::find_if(values.begin(), values.end(), [&](double value) { return value >= limit; });
  if (at == values.end()) {
    numbers[name + "_row"] = nullptr;
    numbers[name + "_line"] = nullptr;
    return;
  }
  numbers[name + "_row"] = at - values.begin() + 1;
  numbers[name + "_line"] = lines[static_cast<std::size_t>(at - values.begin())];
}

void check(const DriftRequest& request) {
  if (request.reference != 0 && !request.reference_file.empty()) {
    fail<InvalidArgument>("[cli.metrics] one reference is enough; got --reference and --reference-file; expected one");
  }
  require_range("--reference", request.reference, 0, INT64_MAX);
  require_between_0_and_1("--alpha", request.alpha);
  require_range("--average-run-length", request.average_run_length, 1, 1e15);
  require_between_0_and_1("--epsilon", request.epsilon);
  require_range("--jump", request.jump, 1e-12, 1);
  require_range("--seed", request.seed, 0, INT64_MAX);
}

ExitCode drift(const DriftRequest& request) {
  check(request);
  const auto martingale = martingale_of(request);
  ScoreColumns columns;
  columns.score = request.score;
  columns.label.clear();
  const ScoreTable table = read_score_table(request.file, columns);
  std::vector<double> reference, stream = table.scores;
  std::vector<int> lines = table.lines;
  if (!request.reference_file.empty()) {
    reference = read_score_table(request.reference_file, columns).scores;
  } else {
    if (request.reference >= static_cast<std::int64_t>(stream.size())) {
      fail<InvalidArgument>("[cli.metrics] --reference leaves no row to judge; got {}; expected less than the {} rows",
                            request.reference, stream.size());
    }
    reference.assign(stream.begin(), stream.begin() + request.reference);
    stream.erase(stream.begin(), stream.begin() + request.reference);
    lines.erase(lines.begin(), lines.begin() + request.reference);
  }
  metrics::OnlinePValues online(static_cast<std::uint64_t>(request.seed));
  online.prime(reference);
  const std::vector<double> p_values = online.add(stream);
  const std::vector<double> capital = martingale->bet(metrics::Values(p_values));
  metrics::Cusum cusum(request.average_run_length);
  const std::vector<double> statistic = cusum.add(metrics::Values(capital));

  const double most = martingale->capital().log_maximum;
  Json numbers;
  numbers["reference"] = reference.size();
  numbers["rows"] = stream.size();
  add_alarm("first_alarm", capital, -std::log(request.alpha), lines, numbers);
  numbers["log10_capital_maximum"] = plain(most / std::numbers::ln10);
  numbers["log10_capital"] = plain(martingale->capital().log_value / std::numbers::ln10);
  numbers["drift_p_value"] = plain(std::min(1.0, std::exp(-most)));
  add_alarm("cusum_first_alarm", statistic, std::log(request.average_run_length), lines, numbers);
  numbers["cusum_alarms"] = cusum.state().alarms;
  numbers["smallest_p_value"] = plain(*std::min_element(p_values.begin(), p_values.end()));
  numbers["p_values"] = p_values;
  numbers["log10_capitals"] = logarithms_to_base_10(capital);
  numbers["cusum"] = logarithms_to_base_10(statistic);
  numbers["lines"] = lines;
  show(request, numbers,
       fmt::format(
           "\nNo alarm: -. As long as the rows, the reference among them, come in random order from one process, the "
           "first "
           "alarm is false with a\nprobability of at most {:g} over all rows to come (Ville); drift_p_value is the "
           "smallest such probability at which it would have come.\nThe CUSUM, for late changes, does give false "
           "alarms: at "
           "least {:g} rows apart on average. {}\n",
           request.alpha, request.average_run_length,
           request.martingale == "jumper" ? "Bets on scores that grow and on scores that shrink."
                                          : "Bets on scores that grow only."));
  return ExitCode::done;
}

}  // namespace

void add_drift(CLI::App& metrics, Chosen& chosen) {
  const auto [command, request] = add_subcommand<DriftRequest>(
      metrics, chosen, "drift", "Whether scores of a line change with time: rows in their order.",
      "  oddity metrics drift line.csv --reference 500\n"
      "  oddity metrics drift line.csv --reference-file calibration.csv --alpha 0.001\n",
      drift);
  command->add_option("FILE", request->file, "CSV file with a header; rows by time")->required();
  command->add_option("--score", request->score, "Column of scores (default: score)");
  command->add_option("--reference", request->reference,
                      "So many first rows are taken as they are and not tested (default 0)");
  command->add_option("--reference-file", request->reference_file,
                      "CSV file of parts from before instead, such as those of the calibration");
  command->add_option("--alpha", request->alpha, "Probability of any false alarm (default 0.01)");
  command->add_option("--average-run-length", request->average_run_length,
                      "Rows between false alarms of the CUSUM, at least (default 1000)");
  command->add_option("--martingale", request->martingale, "jumper (default), power or mixture");
  command->add_option("--jump", request->jump, "Of jumper: share of the capital that is spread anew (default 0.01)");
  command->add_option("--epsilon", request->epsilon, "Of power: the smaller, the harder it bets (default 0.5)");
  command->add_option("--seed", request->seed, "Of the order of equal scores (default 0)");
}

}  // namespace oddity::cli
