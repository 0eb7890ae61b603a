#include <cstdint>
#include <cstdio>
#include <vector>

#include "oddity/metrics/certified_threshold.h"
#include "oddity/metrics/delong.h"
#include "oddity/metrics/sample_size.h"

/// From scores and labels to an AUROC with its interval and a threshold whose escape rate is certified.
int main() {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 1000; ++i) {
    labels.push_back(i % 5 == 0);
    scores.push_back(static_cast<float>((i * 7919) % 1000) / 1000 + (i % 5 == 0 ? 0.75F : 0));
  }
  const auto auroc = oddity::metrics::delong_auroc(scores, labels);
  std::printf("AUROC %.4f [%.4f, %.4f], %zu good parts and %zu defects\n", auroc.value, auroc.low, auroc.high,
              auroc.n_good, auroc.n_defect);
  const auto found = oddity::metrics::certified_threshold(scores, labels, 0.02);
  std::printf("reject score > %.4f: at most 2 %% of the defects escape, confidence 95 %%; overkill %.4f\n",
              found.threshold, found.overkill.value);
  std::printf("1 %% takes %llu defects without an escape\n",
              static_cast<unsigned long long>(oddity::metrics::parts_for_bound(0.01)));
  return found.certified && auroc.low < auroc.value ? 0 : 1;
}
