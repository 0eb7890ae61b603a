#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/score_table.h"
#include "cli/support.h"
#include "oddity/metrics/conformal.h"
#include "oddity/metrics/conformal_quantile.h"
#include "oddity/metrics/inspection.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/ranking.h"

namespace oddity::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Request {
  std::string file;
  ScoreColumns columns;
  double confidence = 0.95, budget = 0.01;
  std::optional<double> threshold, prevalence;
  bool json = false;
};

/// metrics throw std::invalid_argument; on the command line that is wrong content of the file or a wrong option.
template <class Work>
ExitCode guarded(Work work) {
  try {
    return work();
  } catch (const std::invalid_argument& error) {
    fail<InvalidArgument>("{}", error.what());
  }
}

Json plain(double value) { return {{"value", value}}; }
Json estimate(double value, double low, double high) { return {{"value", value}, {"low", low}, {"high", high}}; }

void show(const Request& request, const Json& numbers, const std::string& note) {
  if (request.json) {
    print(numbers.dump(2) + "\n");
    return;
  }
  std::vector<std::vector<std::string>> rows = {
      {"metric", "value", fmt::format("{:g} % interval", 100 * request.confidence), "n"}};
  for (const auto& [key, entry] : numbers.items()) {
    const auto number = [&](const char* name) {
      return entry.contains(name) && entry[name].is_number() ? fmt::format("{:.6g}", entry[name].get<double>())
                                                             : std::string("-");
    };
    if (entry.is_object()) {
      rows.push_back({key, number("value"),
                      entry.contains("low") ? fmt::format("[{}, {}]", number("low"), number("high")) : "",
                      entry.contains("n")
                          ? fmt::format("{} of {}", entry["k"].get<std::uint64_t>(), entry["n"].get<std::uint64_t>())
                          : ""});
    } else {
      rows.push_back(
          {key, entry.is_number_float() ? fmt::format("{:.6g}", entry.get<double>()) : entry.dump(), "", ""});
    }
  }
  print(text_table(rows, {false, true, false, false}) + note);
}

ExitCode ranking(const Request& request) {
  const ScoreTable table = read_score_table(request.file, request.columns);
  return guarded([&] {
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
  });
}

ExitCode rates(const Request& request) {
  if (!request.threshold) {
    fail<InvalidArgument>("[cli.metrics] --threshold is missing; expected the threshold of `oddity describe PACKAGE`");
  }
  const ScoreTable table = read_score_table(request.file, request.columns);
  return guarded([&] {
    Json numbers;
    const auto add = [&](const std::string& prefix, const metrics::Confusion& confusion) {
      const auto counts = metrics::inspection(confusion, request.confidence);
      const auto rate = [](const metrics::Confusion::Rate& of) {
        Json out = estimate(of.value, of.low, of.high);
        out["k"] = of.events;
        out["n"] = of.trials;
        return out;
      };
      numbers[prefix + "escape_rate"] = rate(counts.escape_rate);
      numbers[prefix + "overkill_rate"] = rate(counts.overkill_rate);
      if (prefix.empty()) {
        numbers["defects_among_accepted"] = rate(counts.defects_among_accepted);
        numbers["defects_among_rejected"] = rate(counts.defects_among_rejected);
        numbers["accuracy"] = rate(counts.accuracy);
      }
    };
    add("", metrics::confusion_at_threshold(table.scores, table.labels, *request.threshold));
    if (!table.groups.empty()) {
      for (const auto& group :
           metrics::confusion_at_threshold_by_group(table.scores, table.labels, table.groups, *request.threshold)) {
        add(table.group_names[static_cast<std::size_t>(group.group)] + ": ", group.confusion);
      }
    }
    show(request, numbers,
         "\nRejected when score > threshold. Intervals: Clopper-Pearson, exact for parts drawn independently.\n");
    return ExitCode::done;
  });
}

ExitCode threshold(const Request& request) {
  const ScoreTable table = read_score_table(request.file, request.columns);
  return guarded([&] {
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
  });
}

}  // namespace

void add_metrics(CLI::App& app, Chosen& chosen) {
  CLI::App* metrics = add_command(app, "metrics", "Numbers with intervals from a CSV file of scores and labels.",
                                  "  oddity metrics ranking runs/first/test/scores.csv\n"
                                  "  oddity metrics rates scores.csv --threshold 1.67 --group camera\n"
                                  "  oddity metrics threshold good.csv --budget 0.01\n"
                                  "Python has all of them: import oddity.metrics.\n");
  metrics->require_subcommand(1);
  const auto add = [&](const char* name, const char* sentence, const std::string& example,
                       ExitCode (*work)(const Request&)) {
    auto request = std::make_shared<Request>();
    CLI::App* command = add_command(*metrics, name, sentence, example);
    command->add_option("FILE", request->file, "CSV file with a header, such as scores.csv of an evaluation")
        ->required();
    command->add_option("--score", request->columns.score,
                        "Column of scores (default: score); larger is more anomalous");
    command->add_option("--label", request->columns.label, "Column of labels (default: label)");
    command->add_option("--good", request->columns.good, "Label of a good part (default: good; 0 is good too)");
    command->add_option("--confidence", request->confidence, "Of the intervals (default 0.95)");
    command->add_flag("--json", request->json, "Print JSON");
    command->callback([request, &chosen, work] { chosen = [request, work] { return work(*request); }; });
    return std::pair(command, request);
  };
  {
    const auto [command, request] = add("ranking", "How well scores rank defects above good parts.",
                                        "  oddity metrics ranking scores.csv\n", ranking);
    command->add_option("--prevalence", request->prevalence,
                        "Share of defects for the average precision (default: the file's)");
  }
  {
    const auto [command, request] = add("rates", "Escape and overkill at a threshold, with exact intervals.",
                                        "  oddity metrics rates scores.csv --threshold 1.67\n", rates);
    command->add_option("--threshold", request->threshold, "Parts with a larger score are rejected");
    command->add_option("--group", request->columns.group, "Column of groups, such as a camera or lot: rates of each");
  }
  {
    const auto [command, request] = add("threshold", "The threshold for an overkill budget, from good parts.",
                                        "  oddity metrics threshold good.csv --budget 0.01\n", threshold);
    command->add_option("--budget", request->budget, "Share of good parts that may be rejected (default 0.01)");
  }
}

}  // namespace oddity::cli
