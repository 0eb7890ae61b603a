#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace oddity {

enum class Split : std::uint8_t { train, calibration, validation, test };
const char* name_of(Split split);

/// One image of a dataset and what is known of it; pixels are loaded apart.
struct Sample {
  std::string file;            ///< path inside the dataset, unique: "test/scratch/0001.png"
  Split split = Split::train;  ///< as the source says: train or test (or explicit in index.csv)
  std::string label = "good";  ///< "good", a defect type, or "unknown" (not labelled: never counted as good)
  std::string mask;            ///< path of its mask inside the dataset; empty = none
  std::string group;           ///< things that must not be split apart; empty = its own group
  std::map<std::string, std::string> columns;  ///< context.* and further columns of index.csv, by full column name
  bool good() const { return label == "good"; }
  bool labelled() const { return label != "unknown"; }
};

}  // namespace oddity
