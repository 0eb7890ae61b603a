#pragma once

#include <string>

#include "inference/verdict.h"

namespace oddity {

/// One verdict as one line of JSON (no line break): file, decision, score, threshold, p_value, reasons, type,
/// probability, difficulty, ood_score, regions (box, area, score, centroid, mm where known, contour), milliseconds.
/// Numbers that are not finite, and what the package does not give, are null.
std::string verdict_json(const std::string& file, const Verdict& verdict);

/// The same for people: `reject   score 12.3 > 4.5   p 0.0025   2 regions   path`, then what else is to be known.
std::string verdict_line(const std::string& file, const Verdict& verdict);

}  // namespace oddity
