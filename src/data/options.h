#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/options.h"

namespace oddity {

/// The `data` section of a config.
struct DataOptions {
  std::string root;                                   ///< dataset folder, pack, idx file or synthetic: URI
  std::vector<std::int64_t> image_size = {128, 128};  ///< [height, width]
  std::string fit = "auto";                           ///< auto | stretch | pad | native
  std::vector<std::string> exclude_labels;            ///< samples with these labels are left out everywhere
  double full_scale = 0;                              ///< value that becomes 1.0; 0 = by depth (255 or 65535)
  std::string channels = "auto";                      ///< auto (1 when every image is grey) | grey | color | as_is
  bool convert_channels = false;                      ///< the package converts grey <-> colour instead of refusing
  std::string calibration_unit = "part";              ///< part | group
  double calibration_fraction = 0.15;                 ///< of the good training images, clipped to [6, 400]
  double validation_fraction = 0.05;                  ///< likewise, clipped to [4, 60]
  std::string region_of_interest;                     ///< "" or JSON list of polygons in fractions
  double minimum_area = 0;                            ///< px of the original image
  std::vector<double> millimetres_per_pixel;          ///< [], [both] or [x, y]
};
void describe(OptionsVisitor& visitor, DataOptions& options);

/// What ranges of single fields cannot say: the fractions leave something to train on, millimetres_per_pixel has 0, 1
/// or 2 positive values, region_of_interest parses. Throws InvalidArgument.
void check_options(const DataOptions& options);

}  // namespace oddity
