#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oddity/metrics/maps.h"
#include "oddity/metrics/ranking.h"
#include "oddity/metrics/resampling.h"

/// Bootstrap of pixel metrics over images (Efron 1979): images, not pixels, are what was sampled. Exact: every resample
/// is the metric of the drawn images at every distinct score, from one sort shared by all resamples.
namespace oddity::metrics {

struct BootstrapOptions {
  std::size_t resamples = 1000;
  double confidence = 0.95;  ///< of the two-sided interval, in (0, 1)
  std::uint64_t seed = 0;
  /// Images with and without defect pixels are drawn apart, so that their numbers stay as they are. Otherwise all are
  /// drawn together, and a draw without any good or any defect pixel is replaced by the next.
  bool stratified = true;
  /// BCa evaluates the metrics once more without each image (or group), and refuses data where the others lack a class.
  BootstrapMethod method = BootstrapMethod::percentile;
  /// None, or one for each image: images with the same number (of one part, of one lot) are drawn together. A group
  /// with any defect counts as one with defects.
  std::span<const std::int64_t> groups = {};
};

/// Values of the given images with intervals; n_good and n_defect are numbers of images.
struct PixelEstimates {
  Estimate auroc, average_precision, best_f1;
  std::vector<Estimate> aupro;  ///< in order of the limits asked for
};

/// Pixel metrics of maps with masks. A list of 1 x 1 maps gives the metrics of image scores. Does not depend on the
/// number of threads. Throws std::invalid_argument for maps that do not fit, NaN or infinite scores, no defect or no
/// good pixel, a limit outside (0, 1], no resample, confidence outside (0, 1), groups that do not fit.
PixelEstimates bootstrap_pixel_metrics(std::span<const MapAndMask> items, std::span<const double> aupro_limits,
                                       const BootstrapOptions& options = {});

/// The same for the difference a - b of two models on the same images, each resample drawn once for both: an interval
/// below zero says that a is worse. Maps of a and b may differ in size; an image must have a defect in both masks or in
/// none.
PixelEstimates bootstrap_pixel_difference(std::span<const MapAndMask> a, std::span<const MapAndMask> b,
                                          std::span<const double> aupro_limits, const BootstrapOptions& options = {});

}  // namespace oddity::metrics
