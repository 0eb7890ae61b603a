#pragma once

#include <string>

#include "data/dataset.h"
#include "evaluation/evaluate.h"
#include "inference/engine.h"

namespace oddity {

/// The part of the report that shows images: the worst escapes, the worst overkills and the true rejects that were
/// closest to an escape, each with input and regions, repaired image, map and mask. Judges these few again for their
/// evidence. Pictures shrink until the whole stays under `budget` bytes.
std::string gallery(const Engine& engine, const Dataset& dataset, const Judgement& judgement, std::size_t budget);

}  // namespace oddity
