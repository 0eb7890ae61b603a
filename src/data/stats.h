#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/progress.h"
#include "data/dataset.h"

namespace oddity {

/// `oddity data stats`: values of the images of one split.
struct ChannelStats {
  std::uint64_t values = 0;
  double minimum = 0, maximum = 0, mean = 0, deviation = 0;  ///< in stored units; deviation of the population
  double saturated = 0;                                      ///< share of values at the depth's full scale, in [0, 1]
};
struct AreaStats {
  std::size_t images = 0;                                          ///< that have a mask
  double smallest = 0, median = 0, largest = 0;                    ///< defective pixels of an image, px
  double smallest_share = 0, median_share = 0, largest_share = 0;  ///< the same as shares of the image
};
struct DatasetStats {
  std::string name;
  std::map<std::pair<Split, std::string>, std::size_t> labels;            ///< images by split and label
  std::map<std::pair<Split, Depth>, std::vector<ChannelStats>> channels;  ///< good images only, by channel
  std::map<std::string, AreaStats> areas;                                 ///< defect areas by label
};

/// Reads every good image and every mask once. Throws ContentError at the first file that cannot be read (run the check
/// for all of them).
DatasetStats dataset_stats(const Dataset& dataset, ProgressSink& progress = silent_progress());
std::string to_text(const DatasetStats& stats);

}  // namespace oddity
