#include "oddity/metrics/online_p_values.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"
#include "metrics/check.h"
#include "metrics/ordered_counts.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

detail::OrderedCounts counts_of(const OnlinePValues::State& state) {
  constexpr const char* function = "OnlinePValues";
  detail::require_finite(function, "scores of the state", std::span<const double>(state.scores));
  detail::require_same_length(function, "scores of the state", state.scores.size(), "counts", state.counts.size());
  for (std::size_t i = 0; i < state.scores.size(); ++i) {
    if (i > 0 && !(state.scores[i - 1] < state.scores[i])) {
      refuse(function, "scores of the state must ascend strictly; got ", state.scores[i - 1], " before ",
             state.scores[i], " at index ", i);
    }
    if (state.counts[i] == 0) {
      refuse(function, "counts of the state must be above 0; got 0 at index ", i);
    }
  }
  return {state.scores, state.counts};
}

}  // namespace

struct OnlinePValues::Reference {
  std::uint64_t seed = 0;
  detail::OrderedCounts scores;

  double add(double score) {
    const std::uint64_t before = scores.size();
    const auto place = scores.insert(score);
    // In (0, 1]: a p-value of 0 would make the bet of a power martingale infinite.
    const double u = 1 - RandomStream(seed, "online p-values", before).uniform();
    const double greater = double(before - place.less - place.equal);
    return (greater + u * (1 + double(place.equal))) / (double(before) + 1);
  }
};

OnlinePValues::OnlinePValues(std::uint64_t seed)
    : reference_(std::make_unique<Reference>(Reference{seed, detail::OrderedCounts()})) {}

OnlinePValues::OnlinePValues(const State& state)
    : reference_(std::make_unique<Reference>(Reference{state.seed, counts_of(state)})) {}

OnlinePValues::OnlinePValues(OnlinePValues&&) noexcept = default;
OnlinePValues& OnlinePValues::operator=(OnlinePValues&&) noexcept = default;
OnlinePValues::~OnlinePValues() = default;

void OnlinePValues::prime(Values scores) {
  detail::require_finite("OnlinePValues.prime", "scores", scores);
  scores.visit([&](auto span) {
    for (const double score : span) {
      reference_->scores.insert(score);
    }
  });
}

double OnlinePValues::add(double score) {
  detail::require_finite("OnlinePValues.add", "score", score);
  return reference_->add(score);
}

std::vector<double> OnlinePValues::add(Values scores) {
  detail::require_finite("OnlinePValues.add", "scores", scores);
  std::vector<double> result;
  result.reserve(scores.size());
  scores.visit([&](auto span) {
    for (const double score : span) {
      result.push_back(reference_->add(score));
    }
  });
  return result;
}

std::uint64_t OnlinePValues::size() const noexcept { return reference_->scores.size(); }

OnlinePValues::State OnlinePValues::state() const {
  State state;
  state.seed = reference_->seed;
  reference_->scores.list(state.scores, state.counts);
  return state;
}

}  // namespace oddity::metrics
