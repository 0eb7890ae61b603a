#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/options.h"
#include "data/sample.h"

namespace oddity {

/// Disjoint index lists into Dataset::samples(). `train`, `calibration`, `validation` hold good samples of the source's
/// train split; `validation_defects` labelled defects that index.csv puts into split `validation`, if any; `test` the
/// whole test split without excluded labels.
struct Splits {
  std::vector<std::size_t> train, calibration, validation, validation_defects, test;
};

/// How many of `good` parts go to calibration and validation: fraction * good rounded, clipped to [6, 400] and [4, 60].
std::size_t calibration_count(std::size_t good, const DataOptions& options);
std::size_t validation_count(std::size_t good, const DataOptions& options);

/// Deterministic in (samples, options, seed). With unit `part` the draw is random within groups (each group is cut by
/// the same fractions, so the guarantee holds for further parts of the same groups); with `group` whole groups go to
/// calibration and validation, in random order until the count is reached. Under `part` every part has the same chance
/// k / n to be drawn and each group gives its share k * n_group / n rounded up or down (systematic sampling over the
/// shuffled groups, so that small groups are neither favoured nor forgotten). Good samples that the source itself puts
/// into `calibration` or `validation` are used as they are, and nothing is drawn for that split. Defective and unknown
/// samples of the train split are not used. The lists are sorted. Throws InvalidArgument when a group named in
/// index.csv spans train and test under unit `group`, or fewer than 16 good images remain.
Splits make_splits(const std::vector<Sample>& samples, const DataOptions& options, std::uint64_t seed);

}  // namespace oddity
