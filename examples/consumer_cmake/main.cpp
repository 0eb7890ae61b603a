#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "inference/graph.h"
#include "inference/package.h"
#include "oddity/metrics/conformal.h"
#include "oddity/metrics/ranking.h"

/// Ranks six scores, asks for a threshold, and looks at a package that is not there: metrics, engine library and error
/// types all link and work.
int main() {
  const std::vector<double> scores = {0.1, 0.4, 0.35, 0.8, 0.7, 0.2};
  const std::vector<std::uint8_t> labels = {0, 0, 1, 1, 1, 0};
  const double auroc = oddity::metrics::Ranking(scores, labels).auroc();  // 8 of 9 pairs are in order
  std::printf("AUROC %.4f\n", auroc);

  std::vector<double> calibration(99);
  for (std::size_t i = 0; i < calibration.size(); ++i) {
    calibration[i] = static_cast<double>(i);
  }
  const auto rule = oddity::metrics::conformal_threshold(calibration, 0.05);
  std::printf("threshold %.1f of %zu calibration parts\n", rule.threshold, rule.n);

  bool refused = false;
  try {
    oddity::read_package("no/such.oddity");
  } catch (const oddity::PathError& error) {
    refused = true;
    std::printf("%s\n", error.what());
  }
  std::printf("%zu operators\n", oddity::supported_operators().size());
  const bool right = std::abs(auroc - 8.0 / 9.0) < 1e-12 && rule.threshold == 94.0 && refused &&
                     !oddity::supported_operators().empty();
  return right ? 0 : 1;
}
