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

/// Deterministic in (samples, options, seed). With unit `part` the draw is random within groups (each group is cut by
/// the same fractions, so the guarantee holds for further parts of the same groups); with `group` whole groups go to
/// calibration and validation. Throws InvalidArgument when a group named in index.csv spans train and test under unit
/// `group`, or fewer than 16 good images remain.
Splits make_splits(const std::vector<Sample>& samples, const DataOptions& options, std::uint64_t seed);

}  // namespace oddity
