#include "report/charts.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "report/html.h"

namespace oddity {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBins = 56;

double quantile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

std::string text(double x, double y, const char* css, const std::string& content, const char* anchor = "middle") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\" text-anchor=\"{}\">{}</text>", x, y, css, anchor,
                     escape(content));
}

struct Histogram {
  double low = 0, high = 1;
  bool beyond = false;  ///< the last bin also holds everything above `high`
  std::vector<std::size_t> count(const std::vector<double>& values) const {
    std::vector<std::size_t> bins(kBins, 0);
    for (const double value : values) {
      const double place = (value - low) / (high - low) * kBins;
      ++bins[static_cast<std::size_t>(std::clamp(place, 0.0, kBins - 1.0))];
    }
    return bins;
  }
};

Histogram plan(const std::vector<double>& good, const std::vector<double>& defect, double threshold) {
  std::vector<double> all = good;
  all.insert(all.end(), defect.begin(), defect.end());
  all.push_back(threshold);
  Histogram plan;
  plan.low = *std::min_element(all.begin(), all.end());
  const double most = *std::max_element(all.begin(), all.end());
  plan.high = most;
  // A few extreme defects must not squeeze the place where the decision falls into two bars.
  const double wanted = std::max(quantile(all, 0.98), threshold + 0.5 * (threshold - plan.low));
  if (most - plan.low > 1.4 * (wanted - plan.low)) {
    plan.high = wanted;
    plan.beyond = true;
  }
  if (!(plan.high > plan.low)) {
    const double pad = std::max(1e-9, std::abs(plan.low) * 0.01);
    plan.low -= pad;
    plan.high += pad;
  }
  return plan;
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, int count) {
  std::vector<double> ticks;
  if (!(high > low) || count < 1) {
    return ticks;
  }
  const double raw = (high - low) / count;
  const double decade = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * decade;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * decade >= raw * 0.999) {
      step = factor * decade;
      break;
    }
  }
  for (double index = std::ceil(low / step - 1e-9); index * step <= high + 1e-9 * step; ++index) {
    ticks.push_back(index * step + 0.0);  // + 0.0: never "-0"
  }
  return ticks;
}

std::string score_histogram(const std::vector<double>& good, const std::vector<double>& defect, double threshold) {
  if (good.empty() && defect.empty()) {
    return "<p class=\"muted\">No labelled image has a score.</p>";
  }
  if (!std::isfinite(threshold)) {
    return "<p class=\"muted\">The package has no finite threshold.</p>";
  }
  const Histogram histogram = plan(good, defect, threshold);
  constexpr double left = 46, right = 704, top = 26, middle = 178, bottom = 318;
  const double width = (right - left) / kBins;
  const auto x_of = [&](double value) {
    return left + (std::clamp(value, histogram.low, histogram.high) - histogram.low) /
                      (histogram.high - histogram.low) * (right - left);
  };
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 720 366\" role=\"img\" aria-label=\"Histogram of scores: {} good parts above the axis, {} "
      "defective parts below, threshold {}\">",
      good.size(), defect.size(), score_text(threshold));
  const auto draw = [&](const std::vector<double>& values, bool up, const char* css, const char* word) {
    const auto bins = histogram.count(values);
    const double most = static_cast<double>(std::max<std::size_t>(1, *std::max_element(bins.begin(), bins.end())));
    const double room = up ? middle - top : bottom - middle;
    for (int i = 0; i < kBins; ++i) {
      const auto n = bins[static_cast<std::size_t>(i)];
      if (n == 0) {
        continue;
      }
      const double height = std::max(1.5, room * static_cast<double>(n) / most);
      const double from = histogram.low + (histogram.high - histogram.low) * i / kBins;
      const double to = histogram.low + (histogram.high - histogram.low) * (i + 1) / kBins;
      out += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" class=\"{}\"><title>{} {} with "
          "score {} {}</title></rect>",
          left + i * width + 0.5, up ? middle - height : middle, width - 1, height, css, n, word, score_text(from),
          histogram.beyond && i == kBins - 1 ? "and above" : "to " + score_text(to));
    }
    // The scale of each half: its tallest bar.
    out += text(left - 6, up ? top + 9 : bottom, "tick", fmt::format("{:.0f}", most), "end");
  };
  out += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"grid\"/>", left, top, left, bottom);
  draw(good, true, "good", good.size() == 1 ? "good part" : "good parts");
  draw(defect, false, "defect", defect.size() == 1 ? "defective part" : "defective parts");
  out += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"axis\"/>", left, middle, right, middle);
  for (const double tick : axis_ticks(histogram.low, histogram.high, 8)) {
    if (histogram.beyond && x_of(tick) > right - 60) {
      continue;  // the last bar is labelled apart
    }
    out += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" class=\"axis\"/>", x_of(tick),
                       bottom + 4, bottom + 9);
    out += text(x_of(tick), bottom + 22, "tick", fmt::format("{:g}", tick));
  }
  if (histogram.beyond) {
    out += text(right + 8, bottom + 22, "tick", "> " + score_text(histogram.high), "end");
  }
  const double at = x_of(threshold);
  out += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" class=\"threshold\"/>", at, top - 8,
                     bottom + 4);
  const bool on_left = at > 0.62 * right;
  out += text(at + (on_left ? -6 : 6), top, "label", "threshold " + score_text(threshold), on_left ? "end" : "start");
  out += text(at - 6, top + 16, "tick", on_left ? "accepted ←" : "", "end");
  out += text(at + 6, top + 16, "tick", "→ rejected", "start");
  out += text((left + right) / 2, bottom + 41, "tick",
              histogram.beyond ? "score (larger = more suspicious; the last bar also holds everything beyond)"
                               : "score (larger = more suspicious)");
  return out + "</svg>";
}

std::string roc_chart(const std::vector<metrics::Ranking::RocPoint>& curve, const Json& confusion) {
  constexpr double left = 70, top = 14, side = 300;
  const auto x_of = [](double share) { return left + share * side; };
  const auto y_of = [](double share) { return top + (1 - share) * side; };
  std::string out =
      "<svg viewBox=\"0 0 400 372\" role=\"img\" aria-label=\"ROC curve: share of defective parts rejected against "
      "share of good parts rejected\">";
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    out += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\" class=\"grid\"/><line x1=\"{3}\" y1=\"{4:.1f}\" "
        "x2=\"{5}\" y2=\"{4:.1f}\" class=\"grid\"/>",
        x_of(tick), top, top + side, left, y_of(tick), left + side);
    out += text(x_of(tick), top + side + 17, "tick", fmt::format("{:g} %", 100 * tick));
    out += text(left - 6, y_of(tick) + 4, "tick", fmt::format("{:g} %", 100 * tick), "end");
  }
  out += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"chance\"/>", x_of(0), y_of(0), x_of(1),
                     y_of(1));
  std::string points;
  for (const auto& point : curve) {
    points += fmt::format("{:.1f},{:.1f} ", x_of(point.false_positive_rate), y_of(point.true_positive_rate));
  }
  out += fmt::format("<polyline points=\"{}\" class=\"curve\"/>", points);
  const Json& overkill = confusion.at("overkill");
  const Json& found = confusion.at("true_reject");
  if (overkill.at("rate").is_number() && found.at("rate").is_number()) {
    const double x = overkill.at("rate").get<double>();
    const double y = found.at("rate").get<double>();
    out += fmt::format(
        "<g class=\"point\"><title>At the threshold: {} of good parts rejected (95 % interval {}), {} of defective "
        "parts rejected ({})</title><line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/><line x1=\"{:.1f}\" "
        "y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/><circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/></g>",
        percent_text(x), share_interval_text(overkill), percent_text(y), share_interval_text(found),
        x_of(overkill.at("low").get<double>()), y_of(y), x_of(overkill.at("high").get<double>()), y_of(y), x_of(x),
        y_of(found.at("low").get<double>()), x_of(x), y_of(found.at("high").get<double>()), x_of(x), y_of(y));
  }
  out += text(left + side / 2, top + side + 38, "tick", "good parts rejected (overkill)");
  out += fmt::format(
      "<text x=\"{0}\" y=\"{1}\" class=\"tick\" text-anchor=\"middle\" transform=\"rotate(-90 {0} {1})\">defective "
      "parts rejected</text>",
      11, top + side / 2);
  return out + "</svg>";
}

std::string rate_bar(const Json& rate, const std::string& css, double full) {
  if (!rate.is_object() || !rate.contains("rate") || !rate.at("rate").is_number() || !(full > 0)) {
    return "";
  }
  const auto x_of = [full](double share) { return 2 + 196 * std::clamp(share / full, 0.0, 1.0); };
  const double value = rate.at("rate").get<double>();
  const double low = x_of(rate.at("low").get<double>());
  const double high = x_of(rate.at("high").get<double>());
  return fmt::format(
      "<svg viewBox=\"0 0 200 18\" class=\"bar\" role=\"img\" aria-label=\"{0}\"><title>{0}, 95 % interval "
      "{1}</title><rect x=\"2\" y=\"3\" width=\"196\" height=\"12\" class=\"rail\"/><rect x=\"2\" y=\"3\" "
      "width=\"{2:.1f}\" height=\"12\" class=\"{3}\"/><path d=\"M{4:.1f} 9H{5:.1f}M{4:.1f} 5v8M{5:.1f} 5v8\" "
      "class=\"whisker\"/></svg>",
      percent_text(value), share_interval_text(rate), x_of(value) - 2, css, low, high);
}

}  // namespace oddity
