#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "oddity/metrics/ranking.h"

/// Charts as inline SVG: no script, colours by CSS class so that light, dark and print follow the page, and a <title>
/// on every mark as tooltip and for screen readers.
namespace oddity {

/// Scores of good parts (up) and defective parts (down) over one axis with the threshold as a line. Values beyond the
/// 99th percentile of both are collected in the last bin, which is then labelled so.
std::string score_histogram(const std::vector<double>& good, const std::vector<double>& defect, double threshold);

/// ROC curve with the operating point and its Clopper-Pearson intervals. `confusion` is metrics.json's section.
std::string roc_chart(const std::vector<metrics::Ranking::RocPoint>& curve, const nlohmann::ordered_json& confusion);

/// A bar for a rate in [0, 1] with its interval as a whisker; `css` is the class of the bar: "good", "defect".
std::string rate_bar(const nlohmann::ordered_json& rate, const std::string& css, double full = 1.0);

/// Round numbers that divide [low, high] into about `count` steps.
std::vector<double> axis_ticks(double low, double high, int count);

}  // namespace oddity
