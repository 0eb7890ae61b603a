#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "core/log.h"
#include "oddity/metrics/detectability.h"
#include "oddity/metrics/inspection.h"
#include "oddity/metrics/projection.h"

namespace oddity::cli {
namespace {

struct ProjectRequest : FileRequest {
  std::optional<double> threshold, prevalence, low, high;
  std::optional<std::int64_t> flagged, produced;
};

struct DetectabilityRequest : FileRequest {
  std::string size = "size", hit;
  std::optional<double> threshold;
  std::string fit = "firth", bound = "profile_likelihood";
  double level = 0.9, bound_confidence = 0.95;
};

metrics::PrevalenceEstimate known_prevalence(const ProjectRequest& request) {
  const double p = *request.prevalence;
  require_between_0_and_1("--prevalence", p);
  if (request.low.has_value() != request.high.has_value()) {
    fail<InvalidArgument>(
        "[cli.metrics] an interval has two ends; got one of --prevalence-low and --prevalence-high; expected both");
  }
  if (request.low) {
    require_range("--prevalence-low", *request.low, 0, p);
    require_range("--prevalence-high", *request.high, p, 1);
  }
  return {p, request.low.value_or(p), request.high.value_or(p)};
}

void check(const ProjectRequest& request) {
  if (request.flagged.has_value() != request.produced.has_value()) {
    fail<InvalidArgument>("[cli.metrics] a share has two numbers; got one of --flagged and --produced; expected both");
  }
  if (request.prevalence.has_value() == request.flagged.has_value()) {
    fail<InvalidArgument>(
        "[cli.metrics] the share of defects in production must be known; got {}; expected --prevalence, or --flagged "
        "and --produced",
        request.prevalence ? "--prevalence and --flagged" : "nothing");
  }
  if (!request.prevalence && (request.low || request.high)) {
    fail<InvalidArgument>(
        "[cli.metrics] --prevalence-low and --prevalence-high belong to --prevalence; got none; expected it");
  }
  if (request.flagged) {
    require_range("--produced", *request.produced, 1, std::int64_t(1) << 53);
    require_range("--flagged", *request.flagged, 0, *request.produced);
  }
}

ExitCode project(const ProjectRequest& request) {
  const double threshold = require_given("--threshold", request.threshold, "the threshold of production");
  check(request);
  if (request.prevalence) {
    known_prevalence(request);
  }
  const ScoreTable table = read_score_table(request.file, request.columns);
  const auto counts =
      metrics::inspection(metrics::confusion_at_threshold(table.scores, table.labels, threshold), request.confidence);
  const auto& escape = counts.escape_rate;
  const auto& overkill = counts.overkill_rate;
  const metrics::MeasuredRate escapes{escape.events, escape.trials}, overkills{overkill.events, overkill.trials};
  metrics::PrevalenceEstimate prevalence;
  if (request.prevalence) {
    prevalence = known_prevalence(request);
  } else {
    const metrics::MeasuredRate flagged{static_cast<std::uint64_t>(*request.flagged),
                                        static_cast<std::uint64_t>(*request.produced)};
    prevalence =
        metrics::rogan_gladen(flagged, {escape.trials - escape.events, escape.trials}, overkills, request.confidence);
  }
  const auto ppm = metrics::project_escape_ppm(escapes, overkills, prevalence, request.confidence);
  Json numbers;
  numbers["escape_rate"] = share(escape.value, escape.low, escape.high, escape.events, escape.trials);
  numbers["overkill_rate"] = share(overkill.value, overkill.low, overkill.high, overkill.events, overkill.trials);
  numbers["prevalence"] = estimate(prevalence.value, prevalence.low, prevalence.high);
  numbers["escapes_per_million"] = estimate(1e6 * prevalence.value * escape.value, 1e6 * prevalence.low * escape.low,
                                            1e6 * prevalence.high * escape.high);
  numbers["overkill_per_million"] =
      estimate(1e6 * (1 - prevalence.value) * overkill.value, 1e6 * (1 - prevalence.high) * overkill.low,
               1e6 * (1 - prevalence.low) * overkill.high);
  numbers["escape_ppm"] = estimate(ppm.value, ppm.low, ppm.high, "nothing is accepted");
  std::string note =
      "\nRejected when score > threshold. Per million parts made; escape_ppm: defective parts per million accepted "
      "ones.\n"
      "Rates: Clopper-Pearson, exact for test parts drawn independently from what production makes: defects that the "
      "test lacks are not covered.\n";
  if (!request.prevalence) {
    note +=
        "Prevalence: Rogan and Gladen's, from what production rejects. Each other interval misses with at most twice "
        "the "
        "stated risk.\n";
  } else if (request.low) {
    note += "Intervals that use the prevalence miss with at most the stated risk plus that of its own interval.\n";
  } else {
    note += "The prevalence is taken as known.\n";
  }
  show(request, numbers, note);
  return ExitCode::done;
}

struct Trials {
  std::vector<double> sizes;
  std::vector<std::uint8_t> hits;
};

Trials read_trials(const DetectabilityRequest& request) {
  const CsvFile csv(request.file);
  const std::size_t size = csv.column(request.size);
  const std::size_t result = csv.column(request.threshold ? request.columns.score : request.hit);
  const std::size_t label = request.threshold ? csv.column(request.columns.label) : 0;
  Trials trials;
  std::size_t good = 0, left_out = 0;
  for (const CsvRow& row : csv.rows()) {
    if (request.threshold) {
      const auto defect = is_defect(row.cells[label], request.columns.good);
      if (defect == false) {
        ++good;
        continue;
      }
      if (!defect) {
        ++left_out;
        continue;
      }
    }
    const auto a = csv.number(row, size), value = csv.number(row, result);
    if (!a || !value) {
      ++left_out;
      continue;
    }
    if (*a <= 0) {
      fail<ContentError>("[cli.metrics] {}:{}: column {} must be a size above 0; got {}", csv.name(), row.line,
                         request.size, *a);
    }
    if (!request.threshold && *value != 0 && *value != 1) {
      fail<ContentError>("[cli.metrics] {}:{}: column {} must be 1 (found) or 0 (missed); got {}", csv.name(), row.line,
                         request.hit, *value);
    }
    trials.sizes.push_back(*a);
    trials.hits.push_back(request.threshold ? *value > *request.threshold : *value == 1);
  }
  if (good + left_out > 0) {
    log_info("{} good rows and {} without a size, a label or a result are left out", good, left_out);
  }
  if (trials.sizes.empty()) {
    fail<ContentError>("[cli.metrics] {} has no defect with a size and a result; got {} rows", csv.name(),
                       csv.rows().size());
  }
  return trials;
}

ExitCode detectability(const DetectabilityRequest& request) {
  if (request.threshold.has_value() == !request.hit.empty()) {
    fail<InvalidArgument>("[cli.metrics] what was found must be known; got {}; expected --threshold or --hit",
                          request.threshold ? "--threshold and --hit" : "neither");
  }
  if (request.threshold) {
    require_given("--threshold", request.threshold, "a number");
  }
  require_between_0_and_1("--level", request.level);
  if (!(request.bound_confidence >= 0.5 && request.bound_confidence < 1)) {
    fail<InvalidArgument>("[cli.metrics] --bound-confidence is out of range; got {}; expected at least 0.5 and below 1",
                          request.bound_confidence);
  }
  metrics::DetectabilityOptions options;
  constexpr metrics::LogisticFit fits[] = {metrics::LogisticFit::firth, metrics::LogisticFit::automatic,
                                           metrics::LogisticFit::maximum_likelihood};
  options.fit = fits[require_word("--fit", request.fit, {"firth", "automatic", "maximum_likelihood"})];
  options.bound = require_word("--bound", request.bound, {"profile_likelihood", "wald"}) == 0
                      ? metrics::DetectabilityBound::profile_likelihood
                      : metrics::DetectabilityBound::wald;
  options.level = request.level;
  options.confidence = request.confidence;
  options.bound_confidence = request.bound_confidence;
  const Trials trials = read_trials(request);
  const auto result = metrics::detectability(trials.sizes, trials.hits, options);
  const std::string level = fmt::format("a{:g}", 100 * request.level);
  const char* flat = "larger defects are not found more often";
  const auto size_of = [&](const metrics::DetectableSize& size) {
    return std::isfinite(size.value) ? estimate(size.value, size.low, size.high) : plain(size.value, flat);
  };
  Json numbers;
  numbers["found"] = counted(result.hits, result.n);
  numbers["a50"] = size_of(result.a50);
  numbers[level] = size_of(result.a90);
  numbers[fmt::format("{}_{:g}", level, 100 * request.bound_confidence)] =
      plain(result.a90_95, std::isfinite(result.a90.value) ? "not bounded: more or larger defects are needed" : flat);
  numbers["intercept"] = plain(result.intercept);
  numbers["slope"] = plain(result.slope);
  numbers["no_trend_p_value"] = plain(result.no_trend_p_value);
  std::string note = fmt::format(
      "\nlogit P(found) = intercept + slope log size. {0}: size found with a probability of {1:g}; {0}_{2:g}: its "
      "one-sided upper bound at {3:g}.\nAsymptotic, for defects chosen by size and not by what was found; the handbook "
      "(MIL-HDBK-1823A) asks for at least 60.\n",
      level, request.level, 100 * request.bound_confidence, request.bound_confidence);
  if (result.n < 60) {
    note += fmt::format("There are {} only.\n", result.n);
  }
  if (result.separable) {
    note +=
        "A size separates what was found from what was missed: the slope is that of the penalty, not of the data.\n";
  }
  show(request, numbers, note);
  return ExitCode::done;
}

}  // namespace

void add_production(CLI::App& metrics, Chosen& chosen) {
  {
    const auto [command, request] = add_subcommand<ProjectRequest>(
        metrics, chosen, "project", "Escapes and overkill per million parts of production.",
        "  oddity metrics project scores.csv --threshold 1.67 --prevalence 0.002\n"
        "  oddity metrics project scores.csv --threshold 1.67 --flagged 310 --produced 20000\n",
        project);
    command->add_option("--threshold", request->threshold, "Parts with a larger score are rejected");
    command->add_option("--prevalence", request->prevalence, "Share of defective parts in production");
    command->add_option("--prevalence-low", request->low, "Lower end of its interval (default: taken as known)");
    command->add_option("--prevalence-high", request->high, "Upper end of its interval");
    command->add_option("--flagged", request->flagged,
                        "Parts of production that were rejected, instead of --prevalence");
    command->add_option("--produced", request->produced, "Parts of production that were judged");
  }
  {
    const auto [command, request] = add_subcommand<DetectabilityRequest>(
        metrics, chosen, "detectability", "Which size of defect is found: a90 and a90/95.",
        "  oddity metrics detectability scores.csv --size length_mm --threshold 1.67\n"
        "  oddity metrics detectability trials.csv --size length_mm --hit found\n",
        detectability);
    command->add_option("--size", request->size, "Column of the sizes of defects, above 0 (default: size)");
    command->add_option("--threshold", request->threshold, "A defect with a larger score was found");
    command->add_option("--hit", request->hit, "Column with 1 for found and 0 for missed, instead of --threshold");
    command->add_option("--level", request->level, "Probability of detection asked for (default 0.9)");
    command->add_option("--bound-confidence", request->bound_confidence, "Of the one-sided bound (default 0.95)");
    command->add_option("--fit", request->fit, "firth (default), automatic or maximum_likelihood");
    command->add_option("--bound", request->bound, "profile_likelihood (default) or wald");
  }
}

}  // namespace oddity::cli
