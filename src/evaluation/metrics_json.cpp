#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "evaluation/evaluate.h"
#include "evaluation/pixel_numbers.h"
#include "oddity/metrics/bootstrap.h"
#include "oddity/metrics/conformal.h"
#include "oddity/metrics/delong.h"
#include "oddity/metrics/intervals.h"

namespace oddity {
namespace {

using Json = nlohmann::ordered_json;

/// Context columns with more values than this are measurements, not conditions to compare.
constexpr std::size_t kMostContextValues = 20;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json nothing(const std::string& why) { return {{"value", nullptr}, {"low", nullptr}, {"high", nullptr}, {"why", why}}; }

Json to_json(const metrics::Estimate& estimate) {
  return {{"value", number(estimate.value)},
          {"low", number(estimate.low)},
          {"high", number(estimate.high)},
          {"n_good", estimate.n_good},
          {"n_defect", estimate.n_defect}};
}

Json to_json(const Measured& measured) {
  return measured.estimate ? to_json(*measured.estimate) : nothing(measured.why);
}

Json rate(std::size_t k, std::size_t n) {
  Json out = {{"k", k}, {"n", n}, {"rate", nullptr}, {"low", nullptr}, {"high", nullptr}};
  if (n == 0) {
    out["why"] = "no such image";
    return out;
  }
  const auto interval = metrics::clopper_pearson(k, n, kConfidence);
  out["rate"] = static_cast<double>(k) / static_cast<double>(n);
  out["low"] = interval.low;
  out["high"] = interval.high;
  return out;
}

/// Scores with labels of the images that rankings count.
struct Scored {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  std::size_t good = 0, defect = 0;
  void add(const JudgedImage& image) {
    scores.push_back(image.verdict.score);
    labels.push_back(image.sample.good() ? 0 : 1);
    ++(image.sample.good() ? good : defect);
  }
  std::string why_not() const {
    return good == 0     ? "no good image was scored: ranking needs both classes"
           : defect == 0 ? "no defective image was scored: ranking needs both classes"
                         : "";
  }
};

Json image_numbers(const Scored& scored) {
  if (const std::string why = scored.why_not(); !why.empty()) {
    return {{"auroc", nothing(why)}, {"average_precision", nothing(why)}, {"f1_max", nothing(why)}};
  }
  const metrics::Ranking ranking(std::span<const double>(scored.scores), scored.labels);
  const auto best = ranking.best_f1();
  // Ranks keep order and ties exactly where a narrowing to float might not.
  std::vector<double> distinct = scored.scores;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<float> ranks(scored.scores.size());
  std::vector<metrics::MapAndMask> items;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const auto at = std::lower_bound(distinct.begin(), distinct.end(), scored.scores[i]);
    ranks[i] = static_cast<float>(at - distinct.begin());
    items.push_back({std::span(&ranks[i], 1), std::span(&scored.labels[i], 1), 1, 1});
  }
  const auto draws = metrics::bootstrap_pixel_metrics(
      items, {}, {.resamples = kBootstrapDraws, .confidence = kConfidence, .seed = kBootstrapSeed});
  const auto with = [&](double value, const metrics::Estimate& interval) {
    metrics::Estimate out{value, NAN, NAN, scored.good, scored.defect};
    if (scored.good > 1 && scored.defect > 1) {
      out.low = interval.low;
      out.high = interval.high;
    }
    return to_json(out);
  };
  Json f1 = with(best.f1, draws.best_f1);
  f1["threshold"] = number(best.threshold);
  f1["note"] = "threshold chosen on these test images: for comparison with other tools only, never for the line";
  return {{"auroc", to_json(metrics::delong_auroc(scored.scores, scored.labels, kConfidence))},
          {"average_precision", with(ranking.average_precision(), draws.average_precision)},
          {"f1_max", f1}};
}

/// How the images of one kind were decided.
struct Decided {
  std::size_t n = 0, accept = 0, reject = 0, ask = 0, error = 0;
  void add(Decision decision) {
    ++n;
    switch (decision) {
      case Decision::accept:
        ++accept;
        break;
      case Decision::reject:
        ++reject;
        break;
      case Decision::ask:
        ++ask;
        break;
      case Decision::error:
        ++error;
        break;
    }
  }
};

Json type_numbers(const std::string& type, const Judgement& judgement, const PixelNumbers& pixels) {
  Scored scored;
  Decided decided;
  std::size_t without_mask = 0;
  for (const JudgedImage& image : judgement.images) {
    const bool of_type = image.sample.label == type;
    if ((of_type || image.sample.good()) && counts_in_rankings(image)) {
      scored.add(image);
    }
    if (of_type) {
      decided.add(decision_of(image));
      without_mask += image.mask.empty() ? 1 : 0;
    }
  }
  Json out = {{"n", decided.n}};
  const std::string why = scored.why_not();
  out["auroc"] = why.empty() ? to_json(metrics::delong_auroc(scored.scores, scored.labels, kConfidence)) : nothing(why);
  out["detected"] = rate(decided.reject, decided.n);
  const auto found = pixels.average_precision_per_type.find(type);
  out["pixel_average_precision"] = found != pixels.average_precision_per_type.end()
                                       ? to_json(found->second)
                                       : nothing("no image of this type has a mask and a map");
  out["without_mask"] = without_mask;
  return out;
}

/// Overkill by the values of one way to name a condition (group or a context column); empty values are left out.
template <class Name>
Json overkill_by(const Judgement& judgement, Name&& name) {
  std::map<std::string, Decided> by_value;
  for (const JudgedImage& image : judgement.images) {
    const std::string value = name(image.sample);
    if (image.sample.good() && !value.empty()) {
      by_value[value].add(decision_of(image));
    }
  }
  Json out = Json::object();
  for (const auto& [value, decided] : by_value) {
    out[value] = {{"overkill", rate(decided.reject, decided.n)}};
  }
  return out;
}

/// "0.7200" is a measurement, "station1" and "3" name a condition.
bool is_measurement(const std::string& value) {
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  return end == value.c_str() + value.size() && number != std::floor(number);
}

Json contexts(const Judgement& judgement) {
  std::map<std::string, std::set<std::string>> columns;
  for (const JudgedImage& image : judgement.images) {
    for (const auto& [column, value] : image.sample.columns) {
      if (column.starts_with("context.")) {
        columns[column].insert(value);
      }
    }
  }
  Json out = Json::object();
  for (const auto& [column, values] : columns) {
    if (values.size() > kMostContextValues || std::any_of(values.begin(), values.end(), is_measurement)) {
      continue;
    }
    const Json rates = overkill_by(judgement, [&name = column](const Sample& sample) {
      const auto found = sample.columns.find(name);
      return found == sample.columns.end() ? std::string() : found->second;
    });
    if (rates.size() > 1) {
      out[column] = rates;
    }
  }
  return out;
}

/// Two-sided central range of a beta-binomial count.
std::pair<std::int64_t, std::int64_t> central_count(std::int64_t n, double a, double b, double confidence) {
  const auto quantile = [&](double p) {
    std::int64_t low = 0;
    std::int64_t high = n;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (metrics::beta_binomial_cdf(middle, n, a, b) >= p) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  };
  const double tail = (1 - confidence) / 2;
  return {quantile(tail), quantile(1 - tail)};
}

std::string percent(double share) { return fmt::format("{:.3g} %", 100 * share); }

Json threshold_numbers(const DecisionRule& rule, std::size_t good_images, std::size_t overkills) {
  Json out = {{"value", number(rule.threshold)},
              {"requested_budget", rule.requested_budget},
              {"budget", rule.budget},
              {"n_calibration", rule.calibration_scores.size()},
              {"calibration_unit", rule.calibration_unit},
              {"pixel_threshold", number(rule.pixel_threshold)},
              {"minimum_area_px", rule.minimum_area_px},
              {"beta", nullptr}};
  if (rule.calibration_scores.empty()) {
    out["guarantee"] =
        "None: the package holds no calibration scores, so the overkill rate below is measured on these images only.";
    return out;
  }
  const auto conformal = metrics::conformal_threshold(rule.calibration_scores, rule.requested_budget);
  const double low = metrics::beta_quantile(0.025, conformal.beta_a, conformal.beta_b);
  const double high = metrics::beta_quantile(0.975, conformal.beta_a, conformal.beta_b);
  out["n_needed"] = conformal.n_needed;
  out["rank"] = conformal.rank;
  out["beta"] = {{"a", conformal.beta_a},
                 {"b", conformal.beta_b},
                 {"mean", conformal.beta_a / (conformal.beta_a + conformal.beta_b)},
                 {"low", low},
                 {"high", high}};
  const std::size_t n = rule.calibration_scores.size();
  if (rule.calibration_unit == "group") {
    out["guarantee"] = fmt::format(
        "Measured, not guaranteed for new groups: the threshold is the {}th smallest of the scores of {} good parts "
        "from held-out groups. Parts of one group resemble each other, so {} parts count for less than {} independent "
        "ones.",
        conformal.rank, n, n, n);
  } else {
    out["guarantee"] = fmt::format(
        "For further good parts of the same groups, made and photographed under the same conditions as the {} "
        "calibration parts, at most {} are rejected on average over calibrations. Given this one calibration, the true "
        "rate lies between {} and {} with 95 % probability: it follows Beta({:g}, {:g}).",
        n, percent(rule.budget), percent(low), percent(high), conformal.beta_a, conformal.beta_b);
  }
  if (n < conformal.n_needed) {
    out["note"] =
        fmt::format("A budget of {} needs at least {} calibration parts; {} parts allow {}, and that is what is used.",
                    percent(rule.requested_budget), conformal.n_needed, n, percent(rule.budget));
  }
  // Parts of one group are no independent draws: no law says how many of them will be rejected.
  if (good_images > 0 && rule.calibration_unit != "group") {
    const auto [least, most] =
        central_count(static_cast<std::int64_t>(good_images), conformal.beta_a, conformal.beta_b, kConfidence);
    out["expected_overkill"] = {
        {"n", good_images}, {"low", least}, {"high", most}, {"measured", overkills}, {"confidence", kConfidence}};
  }
  return out;
}

Json timing_numbers(const Judgement& judgement) {
  std::vector<double> sorted = judgement.milliseconds;
  if (sorted.empty()) {
    return {{"unit", "ms"}, {"mean", nullptr}, {"p50", nullptr}, {"p99", nullptr}, {"first", nullptr}, {"n", 0}};
  }
  std::sort(sorted.begin(), sorted.end());
  // Nearest rank: the smallest time that at least the share p of images needed.
  const auto at = [&sorted](double p) {
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
  };
  const double sum = std::accumulate(sorted.begin(), sorted.end(), 0.0);
  return {{"unit", "ms"},
          {"mean", number(sum / static_cast<double>(sorted.size()))},
          {"p50", number(at(0.50))},
          {"p99", number(at(0.99))},
          {"first", number(judgement.milliseconds.front())},
          {"n", sorted.size()}};
}

}  // namespace

std::string metrics_json(const Judgement& judgement, const Package& package) {
  Scored scored;
  Decided good;
  Decided defect;
  std::size_t unknown = 0;
  std::size_t errors = 0;
  std::size_t without_mask = 0;
  std::set<std::string> types;
  for (const JudgedImage& image : judgement.images) {
    const Decision decision = decision_of(image);
    errors += decision == Decision::error ? 1 : 0;
    if (!image.sample.labelled()) {
      ++unknown;
      continue;
    }
    (image.sample.good() ? good : defect).add(decision);
    if (!image.sample.good()) {
      types.insert(image.sample.label);
      without_mask += image.mask.empty() ? 1 : 0;
    }
    if (counts_in_rankings(image)) {
      scored.add(image);
    }
  }
  const PixelNumbers pixels = pixel_numbers(judgement);

  Json out = {{"format", 1}, {"package", {{"model", package.model}, {"digest", package.digest}}}};
  out["counts"] = {{"images", judgement.images.size()},
                   {"good", good.n},
                   {"defect", defect.n},
                   {"unknown", unknown},
                   {"errors", errors},
                   {"defects_without_mask", without_mask},
                   {"pixel_good_images", pixels.good_images},
                   {"pixel_defect_images", pixels.defect_images},
                   {"good_pixels", pixels.good_pixels},
                   {"defect_pixels", pixels.defect_pixels}};
  out["image"] = image_numbers(scored);
  out["pixel"] = {{"auroc", to_json(pixels.auroc)},
                  {"average_precision", to_json(pixels.average_precision)},
                  {"aupro_030", to_json(pixels.aupro_030)},
                  {"aupro_005", to_json(pixels.aupro_005)},
                  {"f1_max", to_json(pixels.f1_max)}};
  out["per_type"] = Json::object();
  for (const std::string& type : types) {
    out["per_type"][type] = type_numbers(type, judgement, pixels);
  }
  out["confusion"] = {{"true_accept", rate(good.accept, good.n)},
                      {"overkill", rate(good.reject, good.n)},
                      {"escape", rate(defect.accept, defect.n)},
                      {"true_reject", rate(defect.reject, defect.n)},
                      {"good_asked", good.ask},
                      {"defect_asked", defect.ask},
                      {"good_error", good.error},
                      {"defect_error", defect.error}};
  out["groups"] = overkill_by(judgement, [](const Sample& sample) { return sample.group; });
  out["contexts"] = contexts(judgement);
  out["threshold"] = threshold_numbers(package.decision, good.n, good.reject);
  out["timing"] = timing_numbers(judgement);
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace oddity
