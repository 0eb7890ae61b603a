#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "data/dataset.h"

/// A production line that exists only as a renderer: machined parts under varying light, with defects whose place,
/// size and strength are known exactly. For demonstrations, tests and guarantees, where real data would be unknown.
///
/// `synthetic:line?n=200&seed=1`, keys (all optional):
///   n                    good parts of split train, default 200 (24 for variant few)
///   calibration          further good parts, split calibration, default 0
///   test_good            good parts of split test, default 100
///   test_defects         defective parts of split test of each type, default 15
///   validation_defects   the same of split validation, default 0
///   seed                 default 0
///   size                 128 or HEIGHTxWIDTH in pixels, 64..1024, default 128x128; the shorter side sees 32 mm
///   variant              standard, aligned, jittered, rotated, texture, two_level, colored, tiny, large, few, drift
///   family               plate, disc, bracket, gear or mixed (of all four), default plate
///   lots, stations       how many of each, default 8 and 3
///   new_lots             1: the test split comes from lots and stations that the other splits do not have; default 0
///
/// Images: 8 bit, one channel (three for `colored`). Sample i is a pure function of (uri, i); enlarging a count leaves
/// the other samples as they are. Good parts of all splits have the same distribution and are independent, given the
/// lots and stations of the seed (except under `drift` and `new_lots`). Group: the batch, `lot3/station1`.
/// Columns: `context.*` (every factor of the picture, `context.mm_per_px` among them) and, for defects,
/// `defect.intensity` (0..1), `defect.size_mm`, `defect.x_px`, `defect.y_px`, `defect.area_px`, `defect.contrast`
/// (mean change of the value inside the mask, fraction of full scale).
/// Masks: pixels whose noise-free value differs by more than 0.03 of full scale from the same part without the defect,
/// gaps of one pixel closed.
namespace oddity {

/// Whether `where` names a synthetic source (starts with `synthetic:`).
bool is_synthetic(std::string_view where);

/// Throws InvalidArgument for an unknown source, an unknown or repeated key (with the nearest known one), a value out
/// of range.
std::unique_ptr<Dataset> open_synthetic(const std::string& uri);

/// Keys with their meaning, variants and families, a line each: for help texts.
std::string synthetic_line_help();

}  // namespace oddity
