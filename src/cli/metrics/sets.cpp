#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "core/log.h"
#include "oddity/metrics/set_evaluation.h"

namespace oddity::cli {
namespace {

struct SetsRequest : Request {
  std::string file, calibration, label = "label", score = "lac", list;
  std::vector<std::string> classes;  ///< of `list`
  double alpha = 0.1;
  std::optional<double> delta, penalty;
  std::optional<std::int64_t> free_ranks;
  std::int64_t seed = 0;
  bool class_conditional = false, not_randomized = false;
};

/// Rows of class probabilities; `truth` is -1 for a row without a label.
struct Probabilities {
  std::vector<double> values;
  std::vector<std::int64_t> truth, ids;
  std::vector<int> lines;
  std::size_t labelled = 0;

  metrics::Matrix matrix(std::size_t classes) const { return {values, ids.size(), classes}; }
};

/// A row with an empty probability is refused: a set cannot leave a class out because it is unknown. Ids are the rows
/// of the file, so that leaving rows out changes no random number.
Probabilities read_probabilities(const SetsRequest& request, const std::string& file, bool calibrates) {
  const CsvFile csv(file);
  std::vector<std::size_t> columns;
  for (const std::string& name : request.classes) {
    columns.push_back(csv.column(name));
  }
  const bool labels = calibrates || csv.has(request.label);
  const std::size_t label = labels ? csv.column(request.label) : 0;
  Probabilities out;
  std::int64_t id = -1;
  for (const CsvRow& row : csv.rows()) {
    ++id;
    std::int64_t truth = -1;
    if (labels && !row.cells[label].empty() && row.cells[label] != "unknown") {
      const auto at = std::find(request.classes.begin(), request.classes.end(), row.cells[label]);
      if (at == request.classes.end()) {
        fail<ContentError>("[cli.metrics] {}:{}: column {} must name a class; got '{}'; expected one of {}", csv.name(),
                           row.line, request.label, row.cells[label], fmt::join(request.classes, ", "));
      }
      truth = at - request.classes.begin();
    }
    if (truth < 0 && calibrates) {
      continue;
    }
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto value = csv.number(row, columns[c]);
      if (!value || *value < 0 || *value > 1) {
        fail<ContentError>("[cli.metrics] {}:{}: column {} must be a probability; got '{}'; expected 0 to 1",
                           csv.name(), row.line, request.classes[c], row.cells[columns[c]]);
      }
      out.values.push_back(*value);
    }
    double sum = 0;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      sum += out.values[out.values.size() - columns.size() + c];
    }
    if (!(std::abs(sum - 1) <= 1e-3)) {
      fail<ContentError>("[cli.metrics] {}:{}: probabilities of the classes must sum to 1; got {}", csv.name(),
                         row.line, sum);
    }
    out.truth.push_back(truth);
    out.labelled += truth >= 0;
    out.ids.push_back(id);
    out.lines.push_back(row.line);
  }
  if (out.ids.size() < csv.rows().size()) {
    log_info("{} rows of {} without a label are left out", csv.rows().size() - out.ids.size(), csv.name());
  }
  if (out.ids.empty()) {
    fail<ContentError>("[cli.metrics] {} has no row{}; got {} rows", csv.name(), calibrates ? " with a label" : "",
                       csv.rows().size());
  }
  return out;
}

metrics::SetScore score_of(const SetsRequest& request) {
  constexpr metrics::SetScoreKind kinds[] = {metrics::SetScoreKind::lac, metrics::SetScoreKind::aps,
                                             metrics::SetScoreKind::raps, metrics::SetScoreKind::margin};
  metrics::SetScore score;
  score.kind = kinds[require_word("--score", request.score, {"lac", "aps", "raps", "margin"})];
  score.randomized = !request.not_randomized;
  score.seed = static_cast<std::uint64_t>(request.seed);
  const bool raps = score.kind == metrics::SetScoreKind::raps;
  if (raps != request.penalty.has_value() || raps != request.free_ranks.has_value()) {
    fail<InvalidArgument>(
        "[cli.metrics] --penalty and --free-ranks belong to raps, which needs both; got --score {} {} --penalty and {} "
        "--free-ranks",
        request.score, request.penalty ? "with" : "without", request.free_ranks ? "with" : "without");
  }
  if (raps) {
    require_range("--penalty", *request.penalty, 1e-12, 1e12);
    require_range("--free-ranks", *request.free_ranks, 0, 1'000'000);
    score.penalty = metrics::RankPenalty{*request.penalty, static_cast<std::size_t>(*request.free_ranks)};
  }
  return score;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> names(1);
  for (const char c : list) {
    if (c == ',') {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  return names;
}

void check(const SetsRequest& request) {
  require_between_0_and_1("--alpha", request.alpha);
  require_between_0_and_1("--delta", request.delta);
  require_range("--seed", request.seed, 0, INT64_MAX);
  if (request.calibration.empty()) {
    fail<InvalidArgument>("[cli.metrics] --calibration is missing; expected a CSV file of labelled parts");
  }
  std::vector<std::string> sorted = request.classes;
  std::sort(sorted.begin(), sorted.end());
  const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  if (sorted.size() < 2 || twice || sorted.front().empty()) {
    fail<InvalidArgument>(
        "[cli.metrics] --classes must name the columns of probabilities; got '{}'; expected two or more different "
        "names",
        request.list);
  }
}

/// Coverage of the rows that have a label: all of them, and by class.
void add_coverage(const SetsRequest& request, const metrics::PredictionSets& sets, const Probabilities& rows,
                  Json& numbers) {
  std::vector<std::uint64_t> n(request.classes.size()), covered(request.classes.size());
  for (std::size_t i = 0; i < rows.truth.size(); ++i) {
    if (rows.truth[i] >= 0) {
      const auto c = static_cast<std::size_t>(rows.truth[i]);
      ++n[c];
      covered[c] += sets.contains(0, i, c);
    }
  }
  const auto add = [&](const std::string& name, std::uint64_t k, std::uint64_t of) {
    if (of > 0) {
      const auto coverage = metrics::coverage_of(k, of, request.confidence);
      numbers[name] = share(coverage.value, coverage.interval.low, coverage.interval.high, k, of);
    }
  };
  add("coverage", std::accumulate(covered.begin(), covered.end(), std::uint64_t(0)), rows.labelled);
  for (std::size_t c = 0; c < n.size(); ++c) {
    add("coverage of " + request.classes[c], covered[c], n[c]);
  }
}

/// Size of the sets with its normal interval.
Json mean_size_of(const metrics::PredictionSets& sets, double confidence) {
  const auto n = double(sets.rows);
  const double mean = std::accumulate(sets.sizes.begin(), sets.sizes.end(), 0.0) / n;
  double squares = 0;
  for (const std::uint32_t size : sets.sizes) {
    squares += (size - mean) * (size - mean);
  }
  // Sets that are all of one size show no spread, which is no certainty.
  const double reach =
      squares > 0 ? metrics::normal_quantile((1 + confidence) / 2) * std::sqrt(squares / (n - 1) / n) : std::nan("");
  Json out = squares > 0 ? estimate(mean, std::max(0.0, mean - reach), std::min(double(sets.classes), mean + reach))
                         : estimate(mean, reach, reach, "no interval: all sets have this size");
  out["n"] = sets.rows;
  return out;
}

Json list_of(const SetsRequest& request, const metrics::PredictionSets& sets, const Probabilities& rows) {
  Json list = Json::array();
  for (std::size_t i = 0; i < sets.rows; ++i) {
    Json members = Json::array();
    for (std::size_t c = 0; c < sets.classes; ++c) {
      if (sets.contains(0, i, c)) {
        members.push_back(request.classes[c]);
      }
    }
    list.push_back({{"line", rows.lines[i]}, {"set", std::move(members)}});
  }
  return list;
}

/// Thresholds with the coverage that they promise: given the calibration, a Beta law.
std::string add_thresholds(const SetsRequest& request, const metrics::SetThresholds& thresholds, Json& numbers) {
  std::string note;
  for (std::size_t g = 0; g < thresholds.quantiles.groups.size(); ++g) {
    const auto& quantile = thresholds.quantiles.at(0, g);
    const std::string of = request.class_conditional ? request.classes[g] + ": " : "";
    numbers[of + "threshold"] = plain(quantile.threshold, "too few calibration rows");
    if (quantile.infinite) {
      note += fmt::format("{}{} calibration rows are too few: sets hold {}; {} are needed.\n", of, quantile.n,
                          of.empty() ? "every class" : "that class always", quantile.n_needed);
      continue;
    }
    const auto interval = quantile.coverage.interval(request.confidence);
    numbers[of + "promised_coverage"] = estimate(quantile.coverage.mean(), interval.low, interval.high);
    numbers[of + "promised_coverage"]["n"] = quantile.n;
  }
  return note;
}

ExitCode sets(const SetsRequest& given) {
  SetsRequest request = given;
  request.classes = split(request.list);
  check(request);
  const metrics::SetScore score = score_of(request);
  const Probabilities calibration = read_probabilities(request, request.calibration, true);
  const Probabilities rows = read_probabilities(request, request.file, false);
  const std::size_t classes = request.classes.size();
  metrics::SetCalibrationOptions options;
  options.alphas = {request.alpha};
  options.class_conditional = request.class_conditional;
  options.delta = request.delta;
  const auto thresholds =
      metrics::calibrate_sets(calibration.matrix(classes), calibration.truth, score, options, {}, calibration.ids);
  const auto result = metrics::prediction_sets(rows.matrix(classes), thresholds, {}, rows.ids);
  Json numbers;
  numbers["calibration"] = calibration.ids.size();
  const std::string few = add_thresholds(request, thresholds, numbers);
  add_coverage(request, result, rows, numbers);
  numbers["mean_size"] = mean_size_of(result, request.confidence);
  const auto empty = std::count(result.sizes.begin(), result.sizes.end(), 0U);
  const auto full = std::count(result.sizes.begin(), result.sizes.end(), static_cast<std::uint32_t>(classes));
  numbers["empty"] = counted(static_cast<std::uint64_t>(empty), result.rows);
  numbers["full"] = counted(static_cast<std::uint64_t>(full), result.rows);
  if (request.json) {
    numbers["sets"] = list_of(request, result, rows);
  }
  std::string note = fmt::format(
      "\nThe set of a new row holds its class with a probability of at least {:g}{},\n{}, for rows exchangeable with "
      "the "
      "calibration, which no model was fitted on.\nPromised coverage: the law of the true one given this calibration, "
      "for scores without ties. Mean size: normal interval.\n",
      1 - request.alpha, request.class_conditional ? " for each true class" : "",
      request.delta ? fmt::format("with a confidence of {:g} in this calibration", 1 - *request.delta)
                    : "on average over calibrations");
  note += rows.labelled > 0 ? "Coverage: of the rows with a label, Clopper-Pearson.\n"
                            : "No row of the file has a label: its coverage is not known.\n";
  show(request, numbers, note + few);
  return ExitCode::done;
}

}  // namespace

void add_sets(CLI::App& metrics, Chosen& chosen) {
  const auto [command, request] = add_subcommand<SetsRequest>(
      metrics, chosen, "sets", "Sets of classes that hold the true one with a stated probability.",
      "  oddity metrics sets test.csv --classes good,scratch,dent --calibration held_out.csv --alpha 0.05\n"
      "  oddity metrics sets test.csv --classes a,b,c --calibration c.csv --score raps --penalty 0.01 --free-ranks 2\n",
      sets);
  command->add_option("FILE", request->file, "CSV file with a column of probabilities for each class")->required();
  command->add_option("--classes", request->list, "The columns, which are also the labels: a,b,c");
  command->add_option("--calibration", request->calibration, "CSV file of the same columns, with labels");
  command->add_option(
      "--label", request->label,
      "Column of the true class (default: label); FILE may lack it, and then its coverage is not known");
  command->add_option("--alpha", request->alpha, "Share of sets that may miss the true class (default 0.1)");
  command->add_option("--delta", request->delta, "Keep --alpha with this calibration, but for this probability");
  command->add_option("--score", request->score, "lac (default, smallest sets), aps, raps or margin");
  command->add_option("--penalty", request->penalty, "Of raps: of each rank beyond --free-ranks");
  command->add_option("--free-ranks", request->free_ranks, "Of raps");
  command->add_flag("--class-conditional", request->class_conditional, "Keep --alpha for each true class");
  command->add_flag("--not-randomized", request->not_randomized, "aps and raps without chance: larger sets");
  command->add_option("--seed", request->seed, "Of aps and raps (default 0)");
}

}  // namespace oddity::cli
