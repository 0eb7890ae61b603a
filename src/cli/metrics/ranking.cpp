#include <algorithm>
#include <bit>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "oddity/metrics/delong.h"
#include "oddity/metrics/paired_tests.h"
#include "oddity/metrics/ranking.h"
#include "oddity/metrics/ranking_bootstrap.h"

namespace oddity::cli {
namespace {

struct Resampling {
  std::int64_t resamples = 0, seed = 0;
  std::string method = "percentile";
};

struct RankingRequest : FileRequest {
  std::optional<double> prevalence;
  Resampling bootstrap;
};

struct CompareRequest : FileRequest {
  std::optional<double> threshold, other_threshold;
  std::int64_t permutations = 0;
  Resampling bootstrap;
};

constexpr const char* kNoSpread = "no interval: all resamples have this value, or lie on one side of it";

void add_bootstrap_options(CLI::App& command, FileRequest& request, Resampling& bootstrap, const char* of) {
  command.add_option("--bootstrap", bootstrap.resamples,
                     fmt::format("Resamples for an interval of {} (default 0: none)", of));
  command.add_option("--method", bootstrap.method, "Of the bootstrap: percentile (default) or bca");
  command.add_option("--seed", bootstrap.seed, "Of what is drawn (default 0)");
  command.add_option("--group", request.columns.group,
                     "Column of groups, such as a part or lot: the bootstrap draws whole groups");
}

metrics::RankingBootstrapOptions options_of(const FileRequest& request, const Resampling& bootstrap,
                                            const ScoreTable& table) {
  metrics::RankingBootstrapOptions options;
  options.method = bootstrap.method == "bca" ? metrics::BootstrapMethod::bca : metrics::BootstrapMethod::percentile;
  options.resamples = static_cast<std::size_t>(bootstrap.resamples);
  options.confidence = request.confidence;
  options.seed = static_cast<std::uint64_t>(bootstrap.seed);
  options.groups = table.groups;
  return options;
}

void check(const Resampling& bootstrap) {
  require_range("--bootstrap", bootstrap.resamples, 0, 10'000'000);
  require_range("--seed", bootstrap.seed, 0, INT64_MAX);
  require_word("--method", bootstrap.method, {"percentile", "bca"});
}

Json estimate_of(const metrics::BootstrapResult& result) {
  Json out = estimate(result.value, result.low, result.high, kNoSpread);
  out["n"] = result.units;
  return out;
}

ExitCode ranking(const RankingRequest& request) {
  check(request.bootstrap);
  require_between_0_and_1("--prevalence", request.prevalence);
  if (!request.columns.group.empty() && request.bootstrap.resamples == 0) {
    fail<InvalidArgument>("[cli.metrics] --group needs the bootstrap; got no --bootstrap; expected --bootstrap 1000");
  }
  if (request.prevalence && request.bootstrap.resamples > 0) {
    fail<InvalidArgument>(
        "[cli.metrics] the bootstrap knows the average precision at the file's share of defects only; got --prevalence "
        "and --bootstrap; expected one of them");
  }
  const ScoreTable table = read_score_table(request.file, request.columns);
  const metrics::Ranking ranks(table.scores, table.labels);
  const auto auroc = metrics::delong_auroc(table.scores, table.labels, request.confidence);
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
  std::string note =
      "\nAUROC: DeLong. Average precision: step form. Partial AUROC: McClish, false positive rate up to 0.1.\n"
      "The best F1 is chosen on these rows and optimistic for others.\n";
  if (request.bootstrap.resamples > 0) {
    auto options = options_of(request, request.bootstrap, table);
    numbers["auroc_bootstrap"] = estimate_of(metrics::bootstrap_ranking(table.scores, table.labels, options));
    options.statistic = metrics::RankingStatistic::average_precision;
    numbers["average_precision_bootstrap"] =
        estimate_of(metrics::bootstrap_ranking(table.scores, table.labels, options));
    note += fmt::format("Bootstrap: {} of {} {}; about the stated confidence for many of them, not guaranteed.\n",
                        request.bootstrap.method, request.bootstrap.resamples,
                        table.groups.empty() ? "resamples of rows" : "resamples of whole groups");
    if (!table.groups.empty()) {
      note += "DeLong's interval takes rows as independent; with groups the bootstrap's is the honest one.\n";
    }
  }
  show(request, numbers, note);
  return ExitCode::done;
}

/// Positions in rank order, equal scores with their mean: what two models on different scales can exchange.
std::vector<double> mid_ranks(const std::vector<double>& scores) {
  std::vector<std::size_t> order(scores.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  std::vector<double> ranks(scores.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && scores[order[last + 1]] == scores[order[first]]) {
      ++last;
    }
    for (std::size_t i = first; i <= last; ++i) {
      ranks[order[i]] = double(first + last) / 2;
    }
    first = last + 1;
  }
  return ranks;
}

metrics::PermutationTest permuted(const CompareRequest& request, const ScoreTable& table) {
  const std::vector<double> a = mid_ranks(table.scores), b = mid_ranks(table.others);
  metrics::PermutationOptions options;
  options.permutations = static_cast<std::size_t>(request.permutations);
  // All of them where these are no more than what would be drawn.
  options.exact_up_to = std::min<std::size_t>(20, std::bit_width(options.permutations) - 1);
  options.seed = static_cast<std::uint64_t>(request.bootstrap.seed);
  const auto difference = [&](std::span<const std::uint8_t> swapped) {
    std::vector<double> first = a, second = b;
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (swapped[i] != 0) {
        std::swap(first[i], second[i]);
      }
    }
    return metrics::Ranking(first, table.labels).auroc() - metrics::Ranking(second, table.labels).auroc();
  };
  return metrics::permutation_test(table.scores.size(), difference, table.groups, options);
}

/// Errors of both models on the parts of one class, at their thresholds.
void compare_errors(const CompareRequest& request, const ScoreTable& table, bool defects, Json& numbers) {
  std::vector<std::uint8_t> a, b;
  for (std::size_t i = 0; i < table.scores.size(); ++i) {
    if ((table.labels[i] != 0) == defects) {
      a.push_back((table.scores[i] > *request.threshold) != defects);
      b.push_back((table.others[i] > *request.other_threshold) != defects);
    }
  }
  const auto counts = metrics::paired_counts(a, b);
  const auto test = metrics::mcnemar(counts);
  const auto difference = metrics::newcombe_difference(counts, request.confidence);
  const std::string name = defects ? "escape_rate" : "overkill_rate";
  numbers[name] = counted(counts.both + counts.only_a, counts.n());
  numbers[name + "_other"] = counted(counts.both + counts.only_b, counts.n());
  numbers[name + "_difference"] = estimate(difference.difference, difference.low, difference.high);
  numbers[name + "_difference"]["n"] = counts.n();
  numbers[name + "_only_in_score"] = counts.only_a;
  numbers[name + "_only_in_other"] = counts.only_b;
  numbers[name + "_mcnemar_mid_p"] = plain(test.mid_p);
  numbers[name + "_mcnemar_exact_p"] = plain(test.exact);
}

ExitCode compare(const CompareRequest& request) {
  check(request.bootstrap);
  require_range("--permutations", request.permutations, 0, 10'000'000);
  if (request.columns.other.empty()) {
    fail<InvalidArgument>("[cli.metrics] --other is missing; expected the column of the other model's scores");
  }
  if (request.threshold || request.other_threshold) {
    require_given("--threshold", request.threshold, "a threshold for each of the two models");
    require_given("--other-threshold", request.other_threshold, "a threshold for each of the two models");
  }
  if (!request.columns.group.empty() && request.bootstrap.resamples == 0 && request.permutations == 0) {
    fail<InvalidArgument>(
        "[cli.metrics] --group needs draws of groups; got neither --bootstrap nor --permutations; expected one of "
        "them");
  }
  const ScoreTable table = read_score_table(request.file, request.columns);
  const auto test = metrics::delong_test(table.scores, table.others, table.labels, request.confidence);
  Json numbers;
  numbers["good"] = test.n_good;
  numbers["defects"] = test.n_defect;
  numbers["auroc"] = plain(test.auroc_a);
  numbers["auroc_other"] = plain(test.auroc_b);
  numbers["auroc_difference"] = estimate(test.difference, test.low, test.high);
  numbers["auroc_difference_p_value"] = plain(test.p_value);
  std::string note = fmt::format(
      "\nDifferences are {} less {}, on the same parts. AUROC: DeLong's paired test, for many parts drawn "
      "independently.\n",
      request.columns.score, request.columns.other);
  if (request.permutations > 0) {
    const auto result = permuted(request, table);
    numbers["auroc_difference_permutation_p_value"] = plain(result.p_value);
    numbers["permutations"] = result.permutations;
    note +=
        "The permutation test exchanges the ranks that a part has in the two models; its level holds for any number "
        "of parts,\nthe null hypothesis being that they could have come in either order.\n";
  } else if (std::min(test.n_good, test.n_defect) < 30) {
    note += "Fewer than 30 parts in a class: DeLong's p-value is rough; --permutations 9999 gives one that holds.\n";
  }
  if (request.bootstrap.resamples > 0) {
    numbers["auroc_difference_bootstrap"] = estimate_of(metrics::bootstrap_ranking_difference(
        table.scores, table.others, table.labels, options_of(request, request.bootstrap, table)));
  }
  if (request.threshold) {
    compare_errors(request, table, true, numbers);
    compare_errors(request, table, false, numbers);
    note +=
        "Rejected when score > threshold. Rates: Newcombe's paired interval (about the stated confidence) and "
        "McNemar's test, of rows taken as independent.\n";
  }
  show(request, numbers, note);
  return ExitCode::done;
}

}  // namespace

void add_ranking(CLI::App& metrics, Chosen& chosen) {
  {
    const auto [command, request] =
        add_subcommand<RankingRequest>(metrics, chosen, "ranking", "How well scores rank defects above good parts.",
                                       "  oddity metrics ranking scores.csv\n"
                                       "  oddity metrics ranking views.csv --bootstrap 1000 --group part\n",
                                       ranking);
    command->add_option("--prevalence", request->prevalence,
                        "Share of defects for the average precision (default: the file's)");
    add_bootstrap_options(*command, *request, request->bootstrap, "AUROC and average precision");
    request->columns.groups_are_units = true;
  }
  {
    const auto [command, request] = add_subcommand<CompareRequest>(
        metrics, chosen, "compare", "Two models on the same parts: AUROC, and errors at a threshold of each.",
        "  oddity metrics compare both.csv --score old --other new\n"
        "  oddity metrics compare both.csv --score old --other new --threshold 1.2 --other-threshold 0.8\n",
        compare);
    command->add_option("--other", request->columns.other, "Column of the other model's scores");
    command->add_option("--threshold", request->threshold, "Parts whose --score is larger are rejected");
    command->add_option("--other-threshold", request->other_threshold, "The same for the --other score");
    command->add_option(
        "--permutations", request->permutations,
        "Draws of a permutation test of the AUROCs, for few parts; exact where so many are all (default 0: none)");
    add_bootstrap_options(*command, *request, request->bootstrap, "the difference of the AUROCs");
    request->columns.groups_are_units = true;
  }
}

}  // namespace oddity::cli
