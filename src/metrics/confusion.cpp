#include "oddity/metrics/confusion.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "core/threads.h"
#include "metrics/class_labels.h"
#include "oddity/metrics/intervals.h"

namespace oddity::metrics {
namespace {

using detail::refuse;
using Labels = std::span<const std::int64_t>;
using Ignored = std::optional<std::int64_t>;

constexpr std::uint64_t kMostSamples = std::uint64_t(1) << 62;
constexpr std::int64_t kGrain = std::int64_t(1) << 16;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::size_t classes_of(const char* function, Labels truth, Labels predicted, const ConfusionOptions& options) {
  detail::require_same_length(function, "truth", truth.size(), "predicted", predicted.size());
  detail::require_not_empty(function, "truth", truth.size());
  std::int64_t largest = 1;
  std::size_t used = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] != options.ignored_label) {
      largest = std::max({largest, truth[i], predicted[i]});
      ++used;
    }
  }
  if (used == 0) {
    refuse(function, "every sample is ignored; got ", truth.size(), " with label ", *options.ignored_label);
  }
  const std::size_t classes =
      options.classes > 0 ? options.classes : std::size_t(std::min<std::int64_t>(largest, detail::kMostClasses)) + 1;
  detail::require_classes(function, classes);
  return classes;
}

/// The cells that decide the rates of a class.
struct ClassTallies {
  Confusion::Tally hit, of_truth, of_predicted, either;

  ClassTallies(const Confusion& confusion, std::size_t of_class) : hit(confusion.tally(of_class, of_class)) {
    of_truth = of_predicted = either = hit;
    for (std::size_t other = 0; other < confusion.classes(); ++other) {
      if (other != of_class) {
        const Confusion::Tally missed = confusion.tally(of_class, other), wrong = confusion.tally(other, of_class);
        of_truth += missed;
        of_predicted += wrong;
        either += missed;
        either += wrong;
      }
    }
  }
};

double f1_of_share(double share) { return 2 * share / (1 + share); }

double value_of(const Confusion::Tally& events, const Confusion::Tally& trials) {
  if (!trials.weighted) {
    return trials.n > 0 ? double(events.n) / double(trials.n) : kNan;
  }
  return trials.weight > 0 ? events.weight / trials.weight : kNan;
}

}  // namespace

Confusion::Tally& Confusion::Tally::operator+=(const Tally& other) {
  n += other.n;
  weight += other.weight;
  squared_weight += other.squared_weight;
  weighted = weighted || other.weighted;
  return *this;
}

Confusion::Rate Confusion::rate(const Tally& events, const Tally& trials, double confidence) {
  detail::require_open_unit("confusion", "confidence", confidence);
  if (events.n > trials.n || events.weighted != trials.weighted ||
      (trials.weighted && !(events.weight <= trials.weight))) {
    refuse("confusion", "events must be a part of trials; got ", events.n, " of ", trials.n);
  }
  Rate rate{value_of(events, trials), 0, 1, events.n, trials.n, false};
  rate.supported = !std::isnan(rate.value);
  if (rate.supported && !trials.weighted) {
    const Interval interval = clopper_pearson(events.n, trials.n, confidence);
    rate.low = interval.low;
    rate.high = interval.high;
  } else if (rate.supported) {
    const double effective = trials.weight / trials.squared_weight * trials.weight;
    const double half = std::sqrt(std::log(2 / (1 - confidence)) / (2 * effective));
    rate.low = std::max(rate.value - half, 0.0);
    rate.high = std::min(rate.value + half, 1.0);
  }
  return rate;
}

Confusion::Confusion(std::size_t classes) : classes_(classes) {
  detail::require_classes("confusion", classes);
  counts_.assign(classes * classes, 0);
}

Confusion::Confusion(std::size_t classes, std::span<const std::uint64_t> counts) : Confusion(classes) {
  if (counts.size() != counts_.size()) {
    refuse("confusion", "counts must be [classes, classes]; got ", counts.size(), " for ", classes, " classes");
  }
  std::uint64_t total = 0;
  for (const std::uint64_t count : counts) {
    if (count > kMostSamples - total) {
      refuse("confusion", "counts are too large; got ", count, "; expected a sum of at most 2^62");
    }
    total += count;
  }
  counts_.assign(counts.begin(), counts.end());
}

void Confusion::add(Labels truth, Labels predicted, Values weights, Ignored ignored_label) {
  detail::require_same_length("confusion", "truth", truth.size(), "predicted", predicted.size());
  detail::require_labels("confusion", "truth", truth, classes_, truth, ignored_label);
  detail::require_labels("confusion", "predicted", predicted, classes_, truth, ignored_label);
  const Values used = detail::table_weights("confusion", weights, truth.size());
  if (used.empty() && !weighted()) {
    add_numbers(truth, predicted, ignored_label);
  } else {
    add_weights(truth, predicted, used, ignored_label);
  }
}

void Confusion::add_numbers(Labels truth, Labels predicted, Ignored ignored_label) {
  // Integers: the order in which the pieces are added changes nothing.
  std::mutex mutex;
  const auto add_piece = [&](std::int64_t first, std::int64_t last) {
    std::vector<std::uint64_t> counts(counts_.size(), 0);
    std::uint64_t ignored = 0;
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      if (truth[i] == ignored_label) {
        ++ignored;
      } else {
        ++counts[std::size_t(truth[i]) * classes_ + std::size_t(predicted[i])];
      }
    }
    const std::lock_guard lock(mutex);
    for (std::size_t c = 0; c < counts.size(); ++c) {
      counts_[c] += counts[c];
    }
    ignored_ += ignored;
  };
  const auto n = std::int64_t(truth.size());
  constexpr std::size_t small = 4096;  // cells; a larger table is not worth a copy for each piece
  thread_pool().parallel_for(0, n, counts_.size() <= small ? kGrain : std::max<std::int64_t>(n, 1), add_piece);
}

void Confusion::add_weights(Labels truth, Labels predicted, Values weights, Ignored ignored_label) {
  if (weights_.empty()) {
    weights_.assign(counts_.begin(), counts_.end());
    squares_ = weights_;
  }
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] == ignored_label) {
      ++ignored_;
      continue;
    }
    const std::size_t cell = std::size_t(truth[i]) * classes_ + std::size_t(predicted[i]);
    const double weight = weights.empty() ? 1 : weights[i];
    ++counts_[cell];
    weights_[cell] += weight;
    squares_[cell] += weight * weight;
  }
}

void Confusion::merge(const Confusion& other) {
  if (other.classes_ != classes_) {
    refuse("confusion", "classes differ; got ", classes_, " and ", other.classes_);
  }
  if (samples() > kMostSamples - other.samples()) {
    refuse("confusion", "there are too many samples; got ", samples(), " and ", other.samples(),
           "; expected a sum of at most 2^62");
  }
  if (weighted() || other.weighted()) {
    const auto added = [](const Confusion& a, const Confusion& b, std::vector<double> Confusion::*of) {
      std::vector<double> sums(a.counts_.size());
      for (std::size_t c = 0; c < sums.size(); ++c) {
        sums[c] =
            (a.weighted() ? (a.*of)[c] : double(a.counts_[c])) + (b.weighted() ? (b.*of)[c] : double(b.counts_[c]));
      }
      return sums;
    };
    std::vector<double> weights = added(*this, other, &Confusion::weights_);
    squares_ = added(*this, other, &Confusion::squares_);
    weights_ = std::move(weights);
  }
  for (std::size_t c = 0; c < counts_.size(); ++c) {
    counts_[c] += other.counts_[c];
  }
  ignored_ += other.ignored_;
}

std::uint64_t Confusion::samples() const { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t(0)); }

Confusion::Tally Confusion::tally(std::size_t truth, std::size_t predicted) const {
  if (truth >= classes_ || predicted >= classes_) {
    refuse("confusion", "class is out of range; got ", std::max(truth, predicted), "; expected 0 to ", classes_ - 1);
  }
  const std::size_t c = truth * classes_ + predicted;
  const auto number = double(counts_[c]);
  return weighted() ? Tally{counts_[c], weights_[c], squares_[c], true} : Tally{counts_[c], number, number, false};
}

std::vector<double> Confusion::normalized(Normalization by) const {
  std::vector<double> table(counts_.size());
  std::vector<double> rows(classes_, 0), columns(classes_, 0);
  double all = 0;
  for (std::size_t t = 0; t < classes_; ++t) {
    for (std::size_t p = 0; p < classes_; ++p) {
      const double weight = tally(t, p).weight;
      table[t * classes_ + p] = weight;
      rows[t] += weight;
      columns[p] += weight;
      all += weight;
    }
  }
  if (by == Normalization::none) {
    return table;
  }
  for (std::size_t t = 0; t < classes_; ++t) {
    for (std::size_t p = 0; p < classes_; ++p) {
      const double sum = by == Normalization::truth ? rows[t] : by == Normalization::predicted ? columns[p] : all;
      double& value = table[t * classes_ + p];
      value = sum > 0 ? value / sum : kNan;
    }
  }
  return table;
}

Confusion::ClassRates Confusion::rates(std::size_t of_class, double confidence) const {
  const ClassTallies cells(*this, of_class);
  Rate f1 = rate(cells.hit, cells.either, confidence);
  f1.value = f1_of_share(f1.value);
  f1.low = f1_of_share(f1.low);
  f1.high = f1_of_share(f1.high);
  return {rate(cells.hit, cells.of_predicted, confidence), rate(cells.hit, cells.of_truth, confidence), f1};
}

Confusion::MacroRates Confusion::macro_rates() const {
  MacroRates macro;
  const auto add = [](Mean& mean, double value) {
    if (std::isnan(value)) {
      ++mean.left_out;
    } else {
      mean.value += value;
      ++mean.classes;
    }
  };
  for (std::size_t c = 0; c < classes_; ++c) {
    const ClassTallies cells(*this, c);
    add(macro.precision, value_of(cells.hit, cells.of_predicted));
    add(macro.recall, value_of(cells.hit, cells.of_truth));
    add(macro.f1, f1_of_share(value_of(cells.hit, cells.either)));
  }
  for (Mean* mean : {&macro.precision, &macro.recall, &macro.f1}) {
    mean->value = mean->classes > 0 ? mean->value / double(mean->classes) : kNan;
  }
  return macro;
}

Confusion::Rate Confusion::accuracy(double confidence) const {
  Tally right, all;
  for (std::size_t t = 0; t < classes_; ++t) {
    for (std::size_t p = 0; p < classes_; ++p) {
      all += tally(t, p);
    }
    right += tally(t, t);
  }
  return rate(right, all, confidence);
}

Confusion confusion_matrix(Labels truth, Labels predicted, const ConfusionOptions& options) {
  constexpr const char* function = "confusion_matrix";
  Confusion confusion(classes_of(function, truth, predicted, options));
  detail::require_labels(function, "truth", truth, confusion.classes(), truth, options.ignored_label);
  detail::require_labels(function, "predicted", predicted, confusion.classes(), truth, options.ignored_label);
  detail::require_weights(function, options.weights, truth.size());
  confusion.add(truth, predicted, detail::table_weights(function, options.weights, truth.size()),
                options.ignored_label);
  return confusion;
}

std::vector<GroupConfusion> confusion_matrix_by_group(Labels truth, Labels predicted, Labels groups,
                                                      const ConfusionOptions& options) {
  constexpr const char* function = "confusion_matrix_by_group";
  const std::size_t classes = classes_of(function, truth, predicted, options);
  detail::require_same_length(function, "truth", truth.size(), "groups", groups.size());
  detail::require_labels(function, "truth", truth, classes, truth, options.ignored_label);
  detail::require_labels(function, "predicted", predicted, classes, truth, options.ignored_label);
  detail::require_weights(function, options.weights, truth.size());
  const Values weights = detail::table_weights(function, options.weights, truth.size());
  std::vector<std::size_t> order(truth.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return groups[a] < groups[b]; });
  std::vector<GroupConfusion> tables;
  for (std::size_t first = 0; first < order.size();) {
    const std::int64_t group = groups[order[first]];
    std::vector<std::int64_t> of_truth, of_predicted;
    std::vector<double> of_weights;
    for (; first < order.size() && groups[order[first]] == group; ++first) {
      const std::size_t i = order[first];
      of_truth.push_back(truth[i]);
      of_predicted.push_back(predicted[i]);
      if (!weights.empty()) {
        of_weights.push_back(weights[i]);
      }
    }
    tables.push_back({group, Confusion(classes)});
    tables.back().confusion.add(of_truth, of_predicted, of_weights, options.ignored_label);
  }
  return tables;
}

}  // namespace oddity::metrics
