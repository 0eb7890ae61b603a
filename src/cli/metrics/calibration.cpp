#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/metrics/request.h"
#include "cli/metrics/subcommands.h"
#include "cli/support.h"
#include "oddity/metrics/calibration.h"
#include "oddity/metrics/calibration_tests.h"
#include "oddity/metrics/intervals.h"
#include "oddity/metrics/proper_scores.h"

namespace oddity::cli {
namespace {

struct CalibrationRequest : FileRequest {
  std::int64_t bins = 15;
  std::string binning = "equal_width";
};

/// A mean with its normal interval, cut to [0, most].
Json mean_of(double value, double standard_error, std::size_t n, double confidence, double most, const char* why) {
  const double reach = metrics::normal_quantile((1 + confidence) / 2) * standard_error;
  const bool known = std::isfinite(reach);
  Json out = known ? estimate(value, std::max(0.0, value - reach), std::min(most, value + reach))
                   : estimate(value, std::nan(""), std::nan(""), why);
  out["n"] = n;
  return out;
}

std::string table_of(const std::vector<metrics::ReliabilityRow>& rows) {
  std::vector<std::vector<std::string>> cells = {{"probability", "mean", "defects", "interval", "n"}};
  for (const auto& row : rows) {
    if (row.n > 0) {
      cells.push_back({fmt::format("{:.4g} to {:.4g}", row.low, row.high), fmt::format("{:.4g}", row.mean_probability),
                       fmt::format("{:.4g}", row.rate),
                       fmt::format("[{:.4g}, {:.4g}]", row.interval.low, row.interval.high),
                       fmt::format("{} of {}", row.events, row.n)});
    }
  }
  return text_table(cells, {false, true, true, false, false});
}

Json list_of(const std::vector<metrics::ReliabilityRow>& rows) {
  Json list = Json::array();
  for (const auto& row : rows) {
    list.push_back({{"low", row.low},
                    {"high", row.high},
                    {"mean_probability", row.mean_probability},
                    {"rate", row.rate},
                    {"rate_low", row.interval.low},
                    {"rate_high", row.interval.high},
                    {"events", row.events},
                    {"n", row.n}});
  }
  return list;
}

ExitCode calibration(const CalibrationRequest& request) {
  require_range("--bins", request.bins, 1, 65536);
  const bool mass = require_word("--binning", request.binning, {"equal_width", "equal_mass"}) == 1;
  const ScoreTable table = read_score_table(request.file, request.columns);
  const auto& p = table.scores;
  const auto& y = table.labels;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] < 0 || p[i] > 1) {
      fail<ContentError>("[cli.metrics] {}:{}: column {} must be a probability; got {}; expected 0 to 1", request.file,
                         table.lines[i], request.columns.score, p[i]);
    }
  }
  metrics::CalibrationOptions width, equal_mass, chosen;
  width.bins = equal_mass.bins = chosen.bins = static_cast<std::size_t>(request.bins);
  equal_mass.binning = metrics::Binning::equal_mass;
  chosen.binning = mass ? metrics::Binning::equal_mass : metrics::Binning::equal_width;
  const auto by_width = metrics::calibration_error(p, y, width), by_mass = metrics::calibration_error(p, y, equal_mass);
  const auto brier = metrics::brier_score(p, y, chosen);
  const auto loss = metrics::negative_log_likelihood(p, y);
  const auto spiegelhalter = metrics::spiegelhalter_test(p, y);
  const auto cumulative = metrics::kolmogorov_smirnov_calibration_test(p, y);
  metrics::ReliabilityOptions reliability;
  reliability.bins = chosen.bins;
  reliability.binning = chosen.binning;
  reliability.confidence = request.confidence;
  const auto rows = metrics::reliability_table(p, y, reliability);

  const char* alone = "every row is alone in its bin: take fewer bins";
  Json numbers;
  const auto defects = static_cast<std::size_t>(std::count(y.begin(), y.end(), std::uint8_t(1)));
  numbers["good"] = y.size() - defects;
  numbers["defects"] = defects;
  numbers["ece_equal_width"] = plain(by_width.ece);
  numbers["ece_equal_mass"] = plain(by_mass.ece);
  numbers["squared_error_debiased_equal_width"] = plain(by_width.squared_debiased, alone);
  numbers["squared_error_debiased_equal_mass"] = plain(by_mass.squared_debiased, alone);
  numbers["root_debiased_equal_width"] = plain(by_width.root_debiased, alone);
  numbers["root_debiased_equal_mass"] = plain(by_mass.root_debiased, alone);
  numbers["mce_equal_width"] = plain(by_width.mce);
  numbers["mce_equal_mass"] = plain(by_mass.mce);
  numbers["brier"] = mean_of(brier.value, brier.standard_error, brier.n, request.confidence, 1, "a single row");
  numbers["brier_reliability"] = plain(brier.reliability);
  numbers["brier_resolution"] = plain(brier.resolution);
  numbers["brier_uncertainty"] = plain(brier.uncertainty);
  numbers["brier_within_bins"] = plain(brier.within_bin_variance - brier.within_bin_covariance);
  numbers["negative_log_likelihood"] =
      mean_of(loss.value, loss.standard_error, loss.n, request.confidence, HUGE_VAL,
              loss.impossible > 0 ? "rows happened that were given probability 0" : "a single row");
  numbers["impossible"] = loss.impossible;
  numbers["spiegelhalter_p_value"] = plain(spiegelhalter.p_value);
  numbers["kolmogorov_smirnov_error"] = plain(cumulative.error);
  numbers["kolmogorov_smirnov_p_value"] = plain(cumulative.p_value);
  numbers["reliability"] = list_of(rows);
  show(request, numbers,
       fmt::format(
           "\n{}\nBrier = reliability - resolution + uncertainty + within bins, {} bins of {}. Intervals of Brier "
           "and likelihood: normal, for many independent rows; of bins: Clopper-Pearson.\n"
           "ECE and MCE are above 0 also for a calibrated model and have no valid interval; the debiased squared "
           "error is 0 on average for one, and may be negative.\n",
           table_of(rows), request.bins, mass ? "equal mass" : "equal width"));
  return ExitCode::done;
}

}  // namespace

void add_calibration(CLI::App& metrics, Chosen& chosen) {
  const auto [command, request] = add_subcommand<CalibrationRequest>(
      metrics, chosen, "calibration", "Whether probabilities of a defect mean what they say.",
      "  oddity metrics calibration judged.csv --score probability\n"
      "  oddity metrics calibration judged.csv --score probability --bins 10 --binning equal_mass\n",
      calibration);
  command->add_option("--bins", request->bins, "Number of bins (default 15)");
  command->add_option("--binning", request->binning,
                      "Of the Brier decomposition and the table: equal_width (default) or equal_mass");
}

}  // namespace oddity::cli
