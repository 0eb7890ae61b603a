#include "oddity/metrics/inspection.h"

#include <cmath>

#include "metrics/class_labels.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

/// Accepted (0) or rejected (1) for each part, and the labels as classes.
struct Decided {
  std::vector<std::int64_t> truth, predicted;
};

Decided decide(const char* function, Values scores, std::span<const std::uint8_t> labels, double threshold) {
  detail::require_not_empty(function, "scores", scores.size());
  detail::require_same_length(function, "scores", scores.size(), "labels", labels.size());
  detail::require_finite(function, "scores", scores);
  if (std::isnan(threshold)) {
    refuse(function, "threshold must be a number; got NaN");
  }
  detail::require_binary_labels(function, labels);
  Decided decided{std::vector<std::int64_t>(labels.begin(), labels.end()), std::vector<std::int64_t>(labels.size())};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    decided.predicted[i] = scores[i] > threshold;
  }
  return decided;
}

void require_weights(const char* function, Values weights, std::size_t samples) {
  detail::require_weights(function, weights, samples);
  detail::table_weights(function, weights, samples);
}

}  // namespace

Confusion confusion_at_threshold(Values scores, std::span<const std::uint8_t> labels, double threshold,
                                 Values weights) {
  constexpr const char* function = "confusion_at_threshold";
  const Decided parts = decide(function, scores, labels, threshold);
  require_weights(function, weights, labels.size());
  Confusion confusion(2);
  confusion.add(parts.truth, parts.predicted, weights);
  return confusion;
}

std::vector<GroupConfusion> confusion_at_threshold_by_group(Values scores, std::span<const std::uint8_t> labels,
                                                            std::span<const std::int64_t> groups, double threshold,
                                                            Values weights) {
  constexpr const char* function = "confusion_at_threshold_by_group";
  const Decided parts = decide(function, scores, labels, threshold);
  detail::require_same_length(function, "scores", scores.size(), "groups", groups.size());
  require_weights(function, weights, labels.size());
  return confusion_matrix_by_group(parts.truth, parts.predicted, groups, {2, {}, weights});
}

Inspection inspection(const Confusion& two_classes, double confidence) {
  if (two_classes.classes() != 2) {
    refuse("inspection", "two classes are needed; got ", two_classes.classes());
  }
  const auto sum = [](Confusion::Tally a, const Confusion::Tally& b) { return a += b; };
  const Confusion::Tally true_accept = two_classes.tally(0, 0), overkill = two_classes.tally(0, 1);
  const Confusion::Tally escape = two_classes.tally(1, 0), true_reject = two_classes.tally(1, 1);
  const Confusion::ClassRates defects = two_classes.rates(1, confidence);
  Inspection result;
  result.true_accept = true_accept.n;
  result.escape = escape.n;
  result.overkill = overkill.n;
  result.true_reject = true_reject.n;
  result.escape_rate = Confusion::rate(escape, sum(escape, true_reject), confidence);
  result.overkill_rate = Confusion::rate(overkill, sum(overkill, true_accept), confidence);
  result.defects_among_accepted = Confusion::rate(escape, sum(escape, true_accept), confidence);
  result.defects_among_rejected = defects.precision;
  result.f1 = defects.f1;
  result.accuracy = two_classes.accuracy(confidence);
  return result;
}

}  // namespace oddity::metrics
