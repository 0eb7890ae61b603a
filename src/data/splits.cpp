#include "data/splits.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "core/error.h"
#include "core/plural.h"
#include "core/random.h"

namespace oddity {
namespace {

constexpr std::size_t min_good = 16;

using Indices = std::vector<std::size_t>;

template <class T>
void shuffle(std::vector<T>& items, RandomStream& random) {
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(i) - 1))]);
  }
}

/// Parts by group, in the order of their names; parts without a group are groups of one.
std::vector<Indices> groups_of(const std::vector<Sample>& samples, const Indices& pool) {
  std::map<std::string, Indices> named;
  std::vector<Indices> groups;
  for (const std::size_t i : pool) {
    if (samples[i].group.empty()) {
      groups.push_back({i});
    } else {
      named[samples[i].group].push_back(i);
    }
  }
  for (auto& [name, members] : named) {
    groups.push_back(std::move(members));
  }
  return groups;
}

/// Systematic sampling: `count` of the listed parts at equal steps from a random start. Neighbours in the list (parts
/// of one group) share the draws, so each group gives its share rounded up or down. Drawn parts leave `list`.
Indices draw_parts(Indices& list, std::size_t count, RandomStream& random) {
  Indices drawn, rest;
  const double step = static_cast<double>(list.size()) / static_cast<double>(std::max<std::size_t>(count, 1));
  double next = random.uniform() * step;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::size_t missing = count - drawn.size();
    const bool must = missing == list.size() - i;  // rounding of the steps can never lose a draw
    if (missing > 0 && (must || static_cast<double>(i) + 1.0 > next)) {
      drawn.push_back(list[i]);
      next += step;
    } else {
      rest.push_back(list[i]);
    }
  }
  list = std::move(rest);
  return drawn;
}

/// Whole groups from the back of the list until `count` parts are reached, leaving at least `keep` groups.
Indices draw_groups(std::vector<Indices>& groups, std::size_t count, std::size_t keep) {
  Indices drawn;
  while (drawn.size() < count && groups.size() > keep) {
    drawn.insert(drawn.end(), groups.back().begin(), groups.back().end());
    groups.pop_back();
  }
  return drawn;
}

/// Under unit `group` no group may be on both sides: rates on "new" groups would be flattered.
void refuse_spanning_groups(const std::vector<Sample>& samples, const Indices& used) {
  std::map<std::string, Split> first;
  for (const std::size_t i : used) {
    const Sample& sample = samples[i];
    if (sample.group.empty()) {
      continue;
    }
    const auto [entry, inserted] = first.emplace(sample.group, sample.split);
    if (!inserted && entry->second != sample.split) {
      fail<InvalidArgument>(
          "[data.splits] group '{}' spans the splits {} and {} (\"{}\"); expected whole groups with "
          "data.calibration_unit: group; regroup the images or use data.calibration_unit: part",
          sample.group, name_of(entry->second), name_of(sample.split), sample.file);
    }
  }
}

std::size_t clipped_count(std::size_t good, double fraction, std::size_t low, std::size_t high) {
  if (!(fraction >= 0.0 && fraction < 1.0)) {
    fail<InvalidArgument>("[data.splits] fraction out of range; got {}; expected 0 or more and less than 1", fraction);
  }
  const auto wanted = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(good)));
  return std::clamp(wanted, low, high);
}

}  // namespace

std::size_t calibration_count(std::size_t good, const DataOptions& options) {
  return clipped_count(good, options.calibration_fraction, 6, 400);
}

std::size_t validation_count(std::size_t good, const DataOptions& options) {
  return clipped_count(good, options.validation_fraction, 4, 60);
}

Splits make_splits(const std::vector<Sample>& samples, const DataOptions& options, std::uint64_t seed) {
  const bool by_group = options.calibration_unit == "group";
  if (!by_group && options.calibration_unit != "part") {
    fail<InvalidArgument>("[data.splits] unknown calibration unit; got '{}'; expected part or group",
                          options.calibration_unit);
  }
  const auto excluded = [&](const std::string& label) {
    return std::find(options.exclude_labels.begin(), options.exclude_labels.end(), label) !=
           options.exclude_labels.end();
  };
  std::set<std::string> present;
  for (const Sample& sample : samples) {
    present.insert(sample.label);
  }
  for (const std::string& label : options.exclude_labels) {
    if (!present.contains(label)) {
      fail<InvalidArgument>(
          "[data.splits] exclude_labels names a label that no image has; got '{}'; expected some of {}", label,
          fmt::join(present, ", "));
    }
  }
  Splits splits;
  Indices pool, used;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& sample = samples[i];
    if (excluded(sample.label)) {
      continue;
    }
    if (sample.split == Split::test) {
      splits.test.push_back(i);
    } else if (sample.good()) {
      (sample.split == Split::train         ? pool
       : sample.split == Split::calibration ? splits.calibration
                                            : splits.validation)
          .push_back(i);
    } else if (sample.split == Split::validation && sample.labelled()) {
      splits.validation_defects.push_back(i);
    } else {
      continue;
    }
    used.push_back(i);
  }
  if (pool.size() < min_good) {
    const bool labelled = std::any_of(samples.begin(), samples.end(), [](const Sample& s) { return s.labelled(); });
    fail<InvalidArgument>(
        "[data.splits] too few good training images; got {}{}; expected at least {} in split train with label good: "
        "put photographs of good parts into FOLDER/train/good",
        pool.size(), labelled ? "" : fmt::format(" among {} without a label", counted(samples.size(), "image")),
        min_good);
  }
  if (by_group) {
    refuse_spanning_groups(samples, used);
  }

  const bool draw_calibration = splits.calibration.empty();
  const bool draw_validation = splits.validation.empty();
  const std::size_t calibration = draw_calibration ? calibration_count(pool.size(), options) : 0;
  const std::size_t validation = draw_validation ? validation_count(pool.size(), options) : 0;
  if (calibration + validation >= pool.size()) {
    fail<InvalidArgument>(
        "[data.splits] nothing left to train on; got {} good images, of which {} for calibration and {} for "
        "validation; expected smaller fractions or more images",
        pool.size(), calibration, validation);
  }
  RandomStream random(seed, "splits");
  std::vector<Indices> groups = groups_of(samples, pool);
  shuffle(groups, random);
  if (by_group) {
    const std::size_t needed = 1 + (draw_calibration ? 1 : 0) + (draw_validation ? 1 : 0);
    if (groups.size() < needed) {
      fail<InvalidArgument>(
          "[data.splits] too few groups of good training images to hold out whole ones; got {}; expected at least {}, "
          "or data.calibration_unit: part",
          groups.size(), needed);
    }
    if (draw_calibration) {
      splits.calibration = draw_groups(groups, calibration, draw_validation ? 2 : 1);
    }
    if (draw_validation) {
      splits.validation = draw_groups(groups, validation, 1);
    }
    for (const Indices& group : groups) {
      splits.train.insert(splits.train.end(), group.begin(), group.end());
    }
  } else {
    for (Indices& group : groups) {
      shuffle(group, random);
      splits.train.insert(splits.train.end(), group.begin(), group.end());
    }
    if (draw_calibration) {
      splits.calibration = draw_parts(splits.train, calibration, random);
    }
    if (draw_validation) {
      splits.validation = draw_parts(splits.train, validation, random);
    }
  }
  for (Indices* list : {&splits.train, &splits.calibration, &splits.validation}) {
    std::sort(list->begin(), list->end());
  }
  return splits;
}

}  // namespace oddity
