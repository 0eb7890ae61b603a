#include "report/report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <map>
#include <set>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/version.h"
#include "evaluation/pixel_numbers.h"
#include "oddity/metrics/ranking.h"
#include "report/charts.h"
#include "report/gallery.h"
#include "report/html.h"
#include "report/report_style.h"

namespace oddity {
namespace {

using Json = nlohmann::ordered_json;

/// The whole file stays under 5 MB; text and charts need well under one.
constexpr std::size_t kGalleryBudget = 3'900'000;
constexpr std::size_t kMostRocPoints = 400;
constexpr std::size_t kMostListed = 40;
constexpr std::size_t kMostConditions = 12;

std::string count_text(std::size_t n, const char* one, const char* many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

std::string tile(const char* css, const char* name, const std::string& value, const std::string& note) {
  return fmt::format(
      "<div class=\"card tile {}\"><div class=\"name\">{}</div><div class=\"value\">{}</div><div "
      "class=\"note\">{}</div></div>",
      css, name, value, note);
}

std::string rate_tile(const char* css, const char* name, const Json& rate, const char* kind) {
  const auto n = rate.at("n").get<std::size_t>();
  if (n == 0) {
    return tile(css, name, "-", fmt::format("no {} part among these images", kind));
  }
  return tile(css, name, fmt::format("{} <small>of {}</small>", rate.at("k").get<std::size_t>(), n),
              fmt::format("{} of {} parts, 95 % interval {}", percent_text(rate.at("rate").get<double>()), kind,
                          share_interval_text(rate)));
}

std::string metric_tile(const char* name, const Json& metric, const char* meaning) {
  const std::string interval = metric_interval_text(metric);
  return tile("plain", name, metric_text(metric),
              interval.empty() ? std::string(meaning) : fmt::format("95 % interval {}. {}", interval, meaning));
}

std::string headline(const Json& numbers) {
  const Json& confusion = numbers.at("confusion");
  const Json& counts = numbers.at("counts");
  std::string out = "<div class=\"tiles\">";
  out += rate_tile("escape", "Escapes: defective, accepted", confusion.at("escape"), "defective");
  out += rate_tile("overkill", "Overkills: good, rejected", confusion.at("overkill"), "good");
  out += metric_tile("Image AUROC", numbers.at("image").at("auroc"),
                     "Chance that a defective part scores above a good one.");
  out += metric_tile("Pixel average precision", numbers.at("pixel").at("average_precision"),
                     "How well the map marks the defective pixels.");
  out += "</div>";
  const auto mention = [&](const char* key, const char* one, const char* many, const char* what) {
    const auto n = counts.at(key).get<std::size_t>();
    return n == 0 ? std::string() : fmt::format("<p class=\"muted\">{} {}</p>", count_text(n, one, many), what);
  };
  out += mention("unknown", "image has", "images have", "no label (unknown): judged, counted nowhere.");
  out += mention("defects_without_mask", "defective image has", "defective images have",
                 "no mask: counted as parts, left out of every pixel number.");
  const auto asked = confusion.at("good_asked").get<std::size_t>() + confusion.at("defect_asked").get<std::size_t>();
  if (asked > 0) {
    out += fmt::format("<p class=\"muted\">{} handed to a person (decision ask).</p>",
                       count_text(asked, "image was", "images were"));
  }
  return out;
}

/// The finding as one sentence, without a judgement that only the reader can make.
std::string plain_words(const Judgement& judgement, const Json& numbers) {
  const Json& escape_rate = numbers.at("confusion").at("escape");
  const Json& overkill = numbers.at("confusion").at("overkill");
  std::string out = fmt::format("{} judged.", count_text(judgement.images.size(), "image", "images"));
  if (const auto n = escape_rate.at("n").get<std::size_t>(); n > 0) {
    out += fmt::format(" Of {} it let <b>{}</b> through.", count_text(n, "defective part", "defective parts"),
                       escape_rate.at("k").get<std::size_t>());
  }
  if (const auto n = overkill.at("n").get<std::size_t>(); n > 0) {
    out += fmt::format(" Of {} it rejected <b>{}</b>.", count_text(n, "good part", "good parts"),
                       overkill.at("k").get<std::size_t>());
  }
  return out;
}

std::string errors(const Judgement& judgement) {
  std::string rows;
  std::size_t found = 0;
  for (const JudgedImage& image : judgement.images) {
    if (image.verdict.decision == Decision::error || !std::isfinite(image.verdict.score)) {
      if (found++ < kMostListed) {
        std::string reasons;
        for (const std::string& reason : image.verdict.reasons) {
          reasons += " ";
          reasons += escape(reason);
        }
        rows += fmt::format("<li><code>{}</code>{}</li>", escape(image.sample.file), reasons);
      }
    }
  }
  return found == 0 ? std::string()
                    : fmt::format(
                          "<div class=\"note-box warn\" role=\"note\"><p><b>{} not be judged</b> (no finite score). "
                          "They are neither accepted nor rejected and enter no ranking.</p><ul>{}</ul></div>",
                          count_text(found, "image could", "images could"), rows);
}

std::string promise(const Json& threshold) {
  std::string out;
  const bool compared = threshold.contains("expected_overkill");
  bool held = true;
  std::string finding;
  if (compared) {
    const Json& expected = threshold.at("expected_overkill");
    const auto measured = expected.at("measured").get<std::int64_t>();
    const auto low = expected.at("low").get<std::int64_t>();
    const auto high = expected.at("high").get<std::int64_t>();
    held = measured >= low && measured <= high;
    finding = fmt::format(
        "Among the {} good parts of this evaluation, {} to {} overkills were to be expected from that (95 %); {} "
        "occurred. ",
        expected.at("n").get<std::size_t>(), low, high, measured);
    finding += held ? "This agrees with the promise."
               : measured > high
                   ? "This is more than the promise allows: these parts, or the way they were photographed, "
                     "differ from the calibration parts. Recalibrate with good parts of these conditions."
                   : "This is fewer than expected: these good parts are easier than the calibration parts.";
  }
  out +=
      fmt::format("<div class=\"note-box {}\" role=\"note\"><p><b>The promise on good parts.</b> {}</p>",
                  compared && held ? "ok" : "warn", keep_percent(escape(threshold.at("guarantee").get<std::string>())));
  if (threshold.contains("note")) {
    out += fmt::format("<p>{}</p>", keep_percent(escape(threshold.at("note").get<std::string>())));
  }
  if (!finding.empty()) {
    out += fmt::format("<p><b>What was seen.</b> {}</p>", escape(finding));
  }
  return out +
         "<p><b>What it does not cover.</b> Escapes: no threshold can promise a share of detected defects, because "
         "defects to come need not resemble those shown here. Parts, lots, stations or lighting that the calibration "
         "parts did not represent. Changes of camera or process after calibration.</p></div>";
}

std::string distributions(const Judgement& judgement, const Json& numbers, double threshold) {
  std::vector<double> good;
  std::vector<double> defect;
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  for (const JudgedImage& image : judgement.images) {
    if (counts_in_rankings(image)) {
      (image.sample.good() ? good : defect).push_back(image.verdict.score);
      scores.push_back(image.verdict.score);
      labels.push_back(image.sample.good() ? 0 : 1);
    }
  }
  std::string out =
      "<div class=\"two\"><figure class=\"card\">" + score_histogram(good, defect, threshold) +
      fmt::format(
          "<figcaption><span class=\"dot good\"></span>{} (upwards) &nbsp; <span class=\"dot defect\"></span>{} "
          "(downwards). Each half has its own scale; its tallest bar is written beside it.</figcaption></figure>",
          count_text(good.size(), "good part", "good parts"),
          count_text(defect.size(), "defective part", "defective parts"));
  out += "<figure class=\"card\">";
  if (good.empty() || defect.empty()) {
    out += "<p class=\"muted\">A ROC curve needs good and defective parts.</p>";
  } else {
    const metrics::Ranking ranking(std::span<const double>(scores), labels);
    out += roc_chart(ranking.roc(kMostRocPoints), numbers.at("confusion"));
    const Json& auroc = numbers.at("image").at("auroc");
    out += fmt::format(
        "<figcaption>AUROC {} (95 % interval {}). The mark is the shipped threshold with the intervals of both "
        "rates.</figcaption>",
        metric_text(auroc), metric_interval_text(auroc));
  }
  return out + "</figure></div>";
}

std::string per_type(const Json& numbers) {
  const Json& types = numbers.at("per_type");
  if (types.empty()) {
    return "";
  }
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& [type, row] : types.items()) {
    rows.emplace_back(type, row);
  }
  // The weakest type is what a reader must see first.
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.second.at("detected").at("rate").template get<double>() <
           b.second.at("detected").at("rate").template get<double>();
  });
  std::string out =
      "<h2>Defect types</h2><div class=\"card table\"><table><thead><tr><th>type</th><th class=\"n\">images</th>"
      "<th>rejected at the threshold</th><th class=\"n\">rejected</th><th class=\"n\">AUROC</th><th class=\"n\">pixel "
      "AP</th></tr></thead><tbody>";
  for (const auto& [type, row] : rows) {
    const Json& detected = row.at("detected");
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"wide\">{}</td><td class=\"n\">{} of "
        "{}<small>{}</small></td><td class=\"n\">{}<small>{}</small></td><td class=\"n\">{}<small>{}</small></td></tr>",
        escape(type), row.at("n").get<std::size_t>(), rate_bar(detected, "defect"), detected.at("k").get<std::size_t>(),
        detected.at("n").get<std::size_t>(), share_interval_text(detected), metric_text(row.at("auroc")),
        metric_interval_text(row.at("auroc")), metric_text(row.at("pixel_average_precision")),
        metric_interval_text(row.at("pixel_average_precision")));
  }
  return out + "</tbody></table></div>";
}

std::string conditions(const Json& numbers) {
  std::string out;
  const auto table = [&](const std::string& what, const Json& values) {
    double full = 0;
    for (const auto& [value, row] : values.items()) {
      full = std::max(full, row.at("overkill").at("high").template get<double>());
    }
    std::vector<std::pair<std::string, Json>> rows;
    for (const auto& [value, row] : values.items()) {
      rows.emplace_back(value, row.at("overkill"));
    }
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      return a.second.at("rate").template get<double>() > b.second.at("rate").template get<double>();
    });
    out += fmt::format(
        "<h3>By {}</h3><div class=\"card table\"><table><thead><tr><th>{}</th><th>overkill</th><th "
        "class=\"n\">rejected</th></tr></thead><tbody>",
        escape(what), escape(what));
    for (std::size_t i = 0; i < rows.size() && i < kMostConditions; ++i) {
      const auto& [value, overkill] = rows[i];
      out += fmt::format(
          "<tr><th scope=\"row\">{}</th><td class=\"wide\">{}</td><td class=\"n\">{} of {}<small>{}</small></td></tr>",
          escape(value), rate_bar(overkill, "good", full), overkill.at("k").get<std::size_t>(),
          overkill.at("n").get<std::size_t>(), share_interval_text(overkill));
    }
    out += "</tbody></table></div>";
    if (rows.size() > kMostConditions) {
      out += fmt::format("<p class=\"muted\">The {} with the highest rates of {}; all are in metrics.json.</p>",
                         kMostConditions, rows.size());
    }
  };
  if (numbers.at("groups").size() > 1) {
    table("group", numbers.at("groups"));
  }
  for (const auto& [column, values] : numbers.at("contexts").items()) {
    table(column.substr(column.find('.') + 1), values);
  }
  return out.empty() ? out
                     : "<h2>Overkill by condition</h2><p class=\"muted\">A condition whose interval lies above the "
                       "others needs its own calibration parts.</p>" +
                           out;
}

std::string all_metrics(const Json& numbers) {
  std::string out =
      "<h2>All numbers</h2><div class=\"card table\"><table><thead><tr><th>metric</th><th class=\"n\">value</th><th "
      "class=\"n\">95 % interval</th><th class=\"n\">good / defective images</th></tr></thead><tbody>";
  const auto row = [&](const char* name, const Json& metric) {
    const bool counted = metric.contains("n_good");
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>", name,
        metric_text(metric), metric_interval_text(metric).empty() ? "-" : metric_interval_text(metric),
        counted
            ? fmt::format("{} / {}", metric.at("n_good").get<std::size_t>(), metric.at("n_defect").get<std::size_t>())
            : "-");
  };
  row("image AUROC", numbers.at("image").at("auroc"));
  row("image average precision", numbers.at("image").at("average_precision"));
  row("image F1, best threshold on these images", numbers.at("image").at("f1_max"));
  row("pixel AUROC", numbers.at("pixel").at("auroc"));
  row("pixel average precision", numbers.at("pixel").at("average_precision"));
  row("AUPRO up to 30 % false positive pixels", numbers.at("pixel").at("aupro_030"));
  row("AUPRO up to 5 % false positive pixels", numbers.at("pixel").at("aupro_005"));
  row("pixel F1, best threshold on these images", numbers.at("pixel").at("f1_max"));
  out += "</tbody></table></div>";
  const Json& timing = numbers.at("timing");
  if (timing.at("mean").is_number()) {
    out += fmt::format(
        "<p class=\"muted\">Time per image, from decoded image to verdict, on this machine: median {:.1f} ms, 99th "
        "percentile {:.1f} ms, first image {:.1f} ms.</p>",
        timing.at("p50").get<double>(), timing.at("p99").get<double>(), timing.at("first").get<double>());
  }
  return out;
}

std::string data_facts(const Dataset& dataset, const Judgement& judgement) {
  std::map<std::string, std::map<std::string, std::size_t>> by_label;
  std::set<std::string> splits;
  for (const Sample& sample : dataset.samples()) {
    ++by_label[sample.label][name_of(sample.split)];
    splits.insert(name_of(sample.split));
  }
  std::map<std::string, std::size_t> judged;
  for (const JudgedImage& image : judgement.images) {
    ++judged[image.sample.label];
  }
  std::string out = fmt::format(
      "<h2>The images</h2><p>Source: <code>{}</code>, {}.</p><div class=\"card table\"><table><thead><tr>"
      "<th>label</th>",
      escape(dataset.name()), count_text(dataset.samples().size(), "image", "images"));
  for (const std::string& split : splits) {
    out += fmt::format("<th class=\"n\">{}</th>", escape(split));
  }
  out += "<th class=\"n\">judged here</th></tr></thead><tbody>";
  for (const auto& [label, counts] : by_label) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", escape(label));
    for (const std::string& split : splits) {
      const auto found = counts.find(split);
      out += fmt::format("<td class=\"n\">{}</td>", found == counts.end() ? 0 : found->second);
    }
    out += fmt::format("<td class=\"n\">{}</td></tr>", judged[label]);
  }
  return out + "</tbody></table></div>";
}

/// Nested JSON as rows "a.b.c: value"; lists of plain values stay on one line.
void flatten(const Json& value, const std::string& path, std::string& rows, std::size_t& count) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      flatten(inner, path.empty() ? key : path + "." + key, rows, count);
    }
    return;
  }
  if (count++ >= 400) {
    return;
  }
  std::string text =
      value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 600) {
    text = text.substr(0, 600) + " ...";
  }
  rows += fmt::format("<dt>{}</dt><dd><code>{}</code></dd>", escape(path), text.empty() ? "&nbsp;" : escape(text));
}

std::string json_details(const char* title, const std::string& json) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded() || parsed.empty()) {
    return "";
  }
  std::string rows;
  std::size_t count = 0;
  flatten(parsed, "", rows, count);
  return fmt::format("<details class=\"card\"><summary>{}</summary><dl>{}</dl></details>", title, rows);
}

std::string run_facts(const Package& package, const Json& numbers) {
  const InputContract& input = package.input;
  const DecisionRule& rule = package.decision;
  const std::string size = input.height > 0 ? fmt::format("{} x {} (height x width)", input.height, input.width)
                                            : std::string("the size of the image");
  std::string out = "<h2>The model</h2><div class=\"card\"><dl>";
  const auto row = [&out](const char* name, const std::string& value) {
    out += fmt::format("<dt>{}</dt><dd>{}</dd>", name, value);
  };
  row("model", escape(package.model));
  row("package", fmt::format("<code>{}</code>", escape(package.digest.empty() ? "not written yet" : package.digest)));
  row("input", fmt::format("{}, {}, fit: {}; {} becomes white",
                           count_text(static_cast<std::size_t>(input.channels), "channel", "channels"), size,
                           escape(input.fit), input.full_scale));
  row("threshold", fmt::format("{}, from {} at a budget of {}", score_text(rule.threshold),
                               count_text(rule.calibration_scores.size(), "calibration part", "calibration parts"),
                               percent_text(rule.budget)));
  row("regions", fmt::format("pixels above {}, areas from {} px²", score_text(rule.pixel_threshold),
                             score_text(rule.minimum_area_px)));
  if (rule.millimetres_per_pixel_x > 0) {
    row("scale",
        fmt::format("{:.6g} x {:.6g} mm per pixel (x, y)", rule.millimetres_per_pixel_x, rule.millimetres_per_pixel_y));
  }
  row("evaluated with", fmt::format("oddity {}", version));
  out += "</dl></div>";
  out += json_details("How it was trained (run manifest)", package.manifest_json);
  out += json_details("Every option of the training", package.options_json);
  out += fmt::format("<details class=\"card\"><summary>Evaluation counts</summary><dl>");
  for (const auto& [key, value] : numbers.at("counts").items()) {
    out += fmt::format("<dt>{}</dt><dd>{}</dd>", escape(key), value.dump());
  }
  return out + "</dl></details>";
}

constexpr const char* kWords =
    "<h2>Words</h2><div class=\"card\"><dl>"
    "<dt>escape</dt><dd>A defective part that was accepted. It reaches the customer.</dd>"
    "<dt>overkill</dt><dd>A good part that was rejected. It is checked again or scrapped.</dd>"
    "<dt>score</dt><dd>One number per image, larger is more suspicious. It has no unit and is compared with the "
    "threshold only.</dd>"
    "<dt>threshold</dt><dd>Chosen on good calibration parts that were used neither for training nor here.</dd>"
    "<dt>p-value</dt><dd>Share of calibration parts (with this one added) that look at least as suspicious. A good "
    "part has a p-value of 1 % or less in at most 1 % of cases.</dd>"
    "<dt>95 % interval</dt><dd>The values that agree with these images: few images, wide interval. Rates: "
    "Clopper-Pearson; image AUROC: DeLong; others: bootstrap over images.</dd>"
    "<dt>AUROC</dt><dd>0.5 is guessing, 1 is perfect separation of good and defective by score, whatever the "
    "threshold.</dd>"
    "<dt>average precision</dt><dd>Area under the precision-recall curve. Guessing gives the share of defective pixels "
    "(or images), 1 is perfect.</dd>"
    "<dt>AUPRO</dt><dd>Mean share of each marked defect that the map covers, over strict to loose pixel thresholds; "
    "small defects count as much as large ones.</dd>"
    "</dl></div>";

std::string today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min);
}

}  // namespace

std::string evaluation_report(const Engine& engine, const Dataset& dataset, const Judgement& judgement,
                              const std::string& metrics_json) {
  const Json numbers = Json::parse(metrics_json, nullptr, false);
  if (numbers.is_discarded() || !numbers.contains("confusion")) {
    fail<InvalidArgument>(
        "[report.evaluation_report] metrics are not readable; got {} bytes; expected what "
        "metrics_json() gives for the same judgement",
        metrics_json.size());
  }
  const Package& package = engine.package();
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" href=\"data:,\"><title>Evaluation of ";
  out += escape(package.model) + "</title><style>" + report_style + "</style></head><body><main><header>";
  out += fmt::format(
      "<h1>Can this model inspect these parts?</h1><p class=\"lead\">{}</p><p class=\"muted small\">Model <b>{}</b> · "
      "package <code>{}</code> · <code>{}</code> · {}</p></header>",
      plain_words(judgement, numbers), escape(package.model), escape(package.digest.substr(0, 12)),
      escape(dataset.name()), today());
  out += headline(numbers);
  out += errors(judgement);
  out += promise(numbers.at("threshold"));
  out += "<h2>Scores and threshold</h2>" + distributions(judgement, numbers, package.decision.threshold);
  out += per_type(numbers);
  out += "<h2>Images to look at</h2><p>All maps share one colour scale.</p>" +
         gallery(engine, dataset, judgement, kGalleryBudget);
  out += conditions(numbers);
  out += all_metrics(numbers);
  out += data_facts(dataset, judgement);
  out += run_facts(package, numbers);
  out += kWords;
  return out + "</main></body></html>\n";
}

}  // namespace oddity
