#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "oddity/metrics/certified_threshold.h"
#include "oddity/metrics/sample_size.h"

namespace oddity::cli {
namespace {

struct CertifyRequest : FileRequest {
  std::optional<double> escape, overkill;
};

struct PlanRequest : Request {
  std::optional<double> escape, overkill, rate, width, share;
  double power = 0.9;
  std::int64_t errors = 0;
};

constexpr std::int64_t kMostErrors = 1'000'000'000;

std::string percent(double share) { return fmt::format("{:.6g} %", 100 * share); }

Json rate_of(const metrics::Estimate& rate, std::size_t n) {
  return share(rate.value, rate.low, rate.high, static_cast<std::uint64_t>(std::llround(rate.value * double(n))), n);
}

std::string verdict_of(const CertifyRequest& request, const metrics::CertifiedThreshold& result) {
  const bool grouped = !request.columns.group.empty();
  const char* parts = grouped ? "groups" : "parts";
  if (!result.escape_certified) {
    return fmt::format(
        "\nNot certified: an escape rate of at most {} at a confidence of {:g} takes at least {} defective {}; the "
        "file "
        "has {}.\nNo threshold is known to keep it, but rejecting every part.\n",
        percent(*request.escape), request.confidence, result.defects_needed, parts, result.escape.n_defect);
  }
  std::string note = "\nRejected when score > threshold.\n";
  if (request.overkill && !result.certified) {
    note += fmt::format(
        "Not certified: the escape rate is, an overkill rate of at most {} is not. {} of {} good {} are rejected; with "
        "none, {} would be needed.\n",
        percent(*request.overkill), std::llround(result.overkill.value * double(result.overkill.n_good)),
        result.overkill.n_good, parts, result.good_needed);
  }
  const bool both = request.overkill && result.certified;
  const double each = request.overkill ? (1 + request.confidence) / 2 : request.confidence;
  note += fmt::format(
      "With a probability of {:g} over files such as this one, at most {} of the defective {} to come escape",
      both ? request.confidence : each, percent(*request.escape), parts);
  note += both ? fmt::format("\nand at most {} of the good ones are rejected (each by itself: {:g}).\n",
                             percent(*request.overkill), each)
               : ".\n";
  note += fmt::format(
      "It holds for {} drawn independently from what the line will see: other kinds of defects are not covered.\n",
      parts);
  if (grouped) {
    note +=
        "A defective group escapes when any of its defective rows is accepted, a good one is rejected when any is.\n";
  }
  return note;
}

ExitCode certify(const CertifyRequest& request) {
  const double escape = require_given("--escape", request.escape, "the largest escape rate, such as 0.01");
  require_range("--escape", escape, 1e-9, 1 - 1e-9);
  require_between_0_and_1("--overkill", request.overkill);
  const ScoreTable table = read_score_table(request.file, request.columns);
  metrics::CertifiedThresholdOptions options;
  options.confidence = request.confidence;
  options.max_overkill = request.overkill;
  options.groups = table.groups;
  const auto result = metrics::certified_threshold(table.scores, table.labels, escape, options);
  Json numbers;
  numbers["certified"] = result.certified;
  numbers["good"] = result.overkill.n_good;
  numbers["defects"] = result.escape.n_defect;
  numbers["defects_needed"] = result.defects_needed;
  if (request.overkill) {
    numbers["good_needed"] = result.good_needed;
  }
  if (result.escape_certified) {
    numbers["threshold"] = plain(result.threshold);
    numbers["escape_rate"] = rate_of(result.escape, result.escape.n_defect);
    numbers["escape_bound"] = plain(result.escape_bound);
    numbers["overkill_rate"] = rate_of(result.overkill, result.overkill.n_good);
    numbers["overkill_bound"] = plain(result.overkill_bound);
    numbers["allowed_escapes"] = result.allowed_escapes;
  }
  show(request, numbers, verdict_of(request, result));
  return ExitCode::done;
}

ExitCode plan(const PlanRequest& request) {
  require_between_0_and_1("--escape", request.escape);
  require_between_0_and_1("--overkill", request.overkill);
  require_between_0_and_1("--rate", request.rate);
  require_between_0_and_1("--width", request.width);
  require_between_0_and_1("--power", request.power);
  require_range("--errors", request.errors, 0, kMostErrors);
  if (request.share) {
    require_range("--share", *request.share, 1e-12, 0.5);
  }
  if (!request.escape && !request.overkill && !request.width) {
    fail<InvalidArgument>(
        "[cli.metrics] nothing to plan; got neither --escape, --overkill nor --width; expected one of them, such as "
        "--escape 0.01");
  }
  if (request.share && !request.width) {
    fail<InvalidArgument>("[cli.metrics] --share belongs to --width; got no --width; expected both");
  }
  if (request.rate && !request.escape && !request.overkill) {
    fail<InvalidArgument>("[cli.metrics] --rate belongs to a bound; got no bound; expected --escape or --overkill too");
  }
  Json numbers;
  std::string note = "\n";
  const auto plan_bound = [&](const char* option, double bound, const std::string& unit, const char* error) {
    const std::uint64_t parts =
        metrics::parts_for_bound(bound, request.confidence, static_cast<std::uint64_t>(request.errors));
    numbers[unit + "_parts"] = parts;
    note += fmt::format("{} {} parts with {} show an {} rate of at most {} at a confidence of {:g}.\n", parts, unit,
                        request.errors == 0 ? fmt::format("no {}", error)
                                            : fmt::format("an {} count of at most {}", error, request.errors),
                        error, percent(bound), request.confidence);
    if (request.rate) {
      if (!(*request.rate < bound)) {
        fail<InvalidArgument>("[cli.metrics] --rate is out of range; got {}; expected less than {} {}", *request.rate,
                              option, bound);
      }
      const auto test = metrics::acceptance_plan(bound, *request.rate, request.confidence, request.power);
      numbers[unit + "_parts_with_power"] = test.parts;
      numbers[unit + "_errors_allowed_with_power"] = test.errors_allowed;
      numbers[unit + "_power"] = plain(test.power);
      note += fmt::format(
          "A model whose true rate is {} passes with a probability of {:.3g} when {} are taken and {} may be wrong.\n",
          percent(*request.rate), test.power, test.parts, test.errors_allowed);
    }
  };
  if (request.escape) {
    plan_bound("--escape", *request.escape, "defective", "escape");
  }
  if (request.overkill) {
    plan_bound("--overkill", *request.overkill, "good", "overkill");
  }
  if (request.width) {
    const double share = request.share.value_or(0.5);
    const std::uint64_t parts = metrics::parts_for_width(share, *request.width, request.confidence);
    numbers["parts_for_width"] = parts;
    note += fmt::format(
        "{} parts give an interval at most {} wide from end to end, as long as at most {} of them are errors.\n", parts,
        percent(*request.width), percent(share));
  }
  note += "Exact (Clopper-Pearson), for parts drawn independently from what is to be judged.\n";
  show(request, numbers, note);
  return ExitCode::done;
}

}  // namespace

void add_certify(CLI::App& metrics, Chosen& chosen) {
  {
    const auto [command, request] = add_subcommand<CertifyRequest>(
        metrics, chosen, "certify", "The threshold with least overkill whose escape rate is certified.",
        "  oddity metrics certify scores.csv --escape 0.01\n"
        "  oddity metrics certify views.csv --escape 0.05 --overkill 0.1 --group part --confidence 0.9\n",
        certify);
    command->add_option("--escape,--max-escape", request->escape, "Largest share of defective parts that is accepted");
    command->add_option("--overkill,--max-overkill", request->overkill,
                        "Certify too that at most this share of good parts is rejected");
    command->add_option("--group", request->columns.group,
                        "Column of groups, such as a part or lot, whose rows are not independent: they count as one");
    request->columns.groups_are_units = true;
  }
  {
    const auto [command, request] = add_subcommand<PlanRequest>(
        metrics, chosen, "plan", "How many parts a claim about errors takes; reads no file.",
        "  oddity metrics plan --escape 0.01\n"
        "  oddity metrics plan --escape 0.01 --rate 0.002 --power 0.9\n"
        "  oddity metrics plan --width 0.02 --share 0.05\n",
        plan);
    command->add_option("--escape", request->escape, "Bound of the escape rate to be shown, in defective parts");
    command->add_option("--overkill", request->overkill, "Bound of the overkill rate to be shown, in good parts");
    command->add_option("--errors", request->errors, "Errors that may occur among them (default 0)");
    command->add_option("--rate", request->rate, "True error rate with which the test must be passed");
    command->add_option("--power", request->power, "Probability of passing at --rate (default 0.9)");
    command->add_option("--width", request->width, "Width of a two-sided interval, from end to end");
    command->add_option("--share", request->share, "Largest share of errors for --width (default 0.5: any)");
  }
}

}  // namespace oddity::cli
