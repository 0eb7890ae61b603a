#include "metrics/score_groups.h"

#include "metrics/sort.h"

namespace oddity::metrics::detail {
namespace {

template <class T>
ScoreGroups count(std::span<const T> scores, std::span<const std::uint8_t> labels) {
  // Classes are sorted apart: keys then need no payload.
  using Key = KeyOf<T>;
  std::vector<Key> keys[2];
  std::size_t events = 0;
  for (const std::uint8_t label : labels) {
    events += label;
  }
  keys[0].resize(scores.size() - events + 1);
  keys[1].resize(events + 1);
  Key* next[2] = {keys[0].data(), keys[1].data()};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    *next[labels[i]]++ = Key(~descending_key(scores[i]));
  }
  for (auto& list : keys) {
    list.pop_back();
    radix_sort(list);
  }
  ScoreGroups groups;
  groups.score.reserve(scores.size());
  groups.weight.reserve(scores.size());
  groups.events.reserve(scores.size());
  const Key *good = keys[0].data(), *good_end = good + keys[0].size();
  const Key *defect = keys[1].data(), *defect_end = defect + keys[1].size();
  while (good != good_end || defect != defect_end) {
    const Key key = defect == defect_end || (good != good_end && *good < *defect) ? *good : *defect;
    const Key *const first_good = good, *const first_defect = defect;
    while (good != good_end && *good == key) {
      ++good;
    }
    while (defect != defect_end && *defect == key) {
      ++defect;
    }
    groups.score.push_back(double(score_of_key<T>(Key(~key))));
    groups.weight.push_back(double((good - first_good) + (defect - first_defect)));
    groups.events.push_back(double(defect - first_defect));
  }
  return groups;
}

template <class T>
ScoreGroups weigh(std::span<const T> scores, std::span<const std::uint8_t> labels, Values weights) {
  struct Record {
    KeyOf<T> key;
    double weight, events;
  };
  std::vector<Record> records;
  records.reserve(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (const double weight = weights[i]; weight > 0) {
      records.push_back({KeyOf<T>(~descending_key(scores[i])), weight, labels[i] != 0 ? weight : 0.0});
    }
  }
  // Stable: equal scores stay in order of the samples, and so do their sums.
  radix_sort(records, 0, [](const Record& record) { return record.key; });
  ScoreGroups groups;
  for (std::size_t k = 0; k < records.size();) {
    const auto key = records[k].key;
    double weight = 0, events = 0;
    for (; k < records.size() && records[k].key == key; ++k) {
      weight += records[k].weight;
      events += records[k].events;
    }
    groups.score.push_back(double(score_of_key<T>(KeyOf<T>(~key))));
    groups.weight.push_back(weight);
    groups.events.push_back(events);
  }
  return groups;
}

}  // namespace

ScoreGroups score_groups(Values scores, std::span<const std::uint8_t> labels, Values weights) {
  return scores.visit([&](auto span) { return weights.empty() ? count(span, labels) : weigh(span, labels, weights); });
}

}  // namespace oddity::metrics::detail
