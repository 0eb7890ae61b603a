#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "core/progress.h"
#include "data/dataset.h"

namespace oddity::cli {

/// What reading every image and mask of a dataset once tells.
struct DataFacts {
  struct Values {
    double sum = 0, squares = 0;
    std::uint64_t count = 0;
    double least = 0, most = 0;
  };
  std::map<std::string, std::size_t> forms;               ///< "128x128 (width x height), 1 channel, 8 bit"
  std::map<std::string, Values> values;                   ///< by label, fractions of full scale
  std::map<std::string, std::vector<double>> area_share;  ///< by label: share of defective pixels in an image
  std::map<std::string, std::size_t> without_mask;        ///< defects by label
  std::vector<std::string> problems;                      ///< spoil results or stop training
  std::vector<std::string> notes;                         ///< worth knowing
};

/// Reads everything. A file that cannot be read is a problem, not an exception; Interrupted on a stop request.
DataFacts read_facts(const Dataset& dataset, const std::stop_token& stop, ProgressSink& progress);

std::string facts_text(const Dataset& dataset, const DataFacts& facts);  ///< counts by label and split, forms
std::string values_text(const DataFacts& facts);                         ///< values and defect areas by label

}  // namespace oddity::cli
