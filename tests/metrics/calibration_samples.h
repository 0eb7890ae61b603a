#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

/// 200 samples by formulas that Python repeats exactly: what scikit-learn, torchmetrics, MAPIE, statsmodels, betacal
/// and SciPy gave for them is in the tests.
namespace oddity::metrics::testing {

struct CalibrationSamples {
  static constexpr std::size_t n = 200, columns = 4;
  std::vector<double> p, w, scores, logits, softmax;
  std::vector<std::uint8_t> y;        ///< 85 of 200, near p^1.3
  std::vector<std::int64_t> classes;  ///< the largest logit in 60 %
};

inline CalibrationSamples calibration_samples() {
  CalibrationSamples samples;
  for (std::size_t i = 0; i < CalibrationSamples::n; ++i) {
    const double p = (double((i * 37 + 11) % 101) + 0.5) / 102;
    samples.p.push_back(p);
    samples.y.push_back((double((i * 59 + 7) % 97) + 0.5) / 97 < std::pow(p, 1.3));
    samples.w.push_back(1 + double((i * 13) % 5) / 2);
    samples.scores.push_back(std::log(p / (1 - p)) * 2 + 0.3);
    double largest = 0, sum = 0;
    std::int64_t best = 0;
    for (std::size_t c = 0; c < CalibrationSamples::columns; ++c) {
      const double z = double((i * 31 + c * 17 + i * c * 7) % 23) / 5;
      if (c == 0 || z > largest) {
        largest = z;
        best = std::int64_t(c);
      }
      samples.logits.push_back(z);
    }
    for (std::size_t c = 0; c < CalibrationSamples::columns; ++c) {
      samples.softmax.push_back(std::exp(samples.logits[i * CalibrationSamples::columns + c] - largest));
      sum += samples.softmax.back();
    }
    for (std::size_t c = 0; c < CalibrationSamples::columns; ++c) {
      samples.softmax[i * CalibrationSamples::columns + c] /= sum;
    }
    samples.classes.push_back((i * 7) % 10 < 6 ? best : std::int64_t((i * 3) % CalibrationSamples::columns));
  }
  return samples;
}

inline std::vector<float> narrow(const std::vector<double>& values) { return {values.begin(), values.end()}; }

}  // namespace oddity::metrics::testing
