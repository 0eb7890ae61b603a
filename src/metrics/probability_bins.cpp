#include "metrics/probability_bins.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/sample_weights.h"
#include "metrics/score_groups.h"

namespace oddity::metrics::detail {
namespace {

constexpr std::size_t kMostBins = 65536;
constexpr std::size_t kSamplesPerSum =
    64;  ///< a piece has at least this many for each bin: sums stay small beside data

template <bool Weighted>
[[gnu::always_inline]] inline void add(BinSums& bin, double p, bool event, double w) {
  const double y = event ? 1.0 : 0.0, d = p - y, v = p * (1 - p);
  ++bin.n;
  bin.events += event;
  bin.wp += w * p;
  bin.wpp += w * (p * p);
  bin.wdd += w * (d * d);
  if constexpr (Weighted) {
    const double ww = w * w;
    bin.w += w;
    bin.wy += w * y;
    bin.ww += ww;
    bin.wwdd += ww * (d * d);
    bin.wwv += ww * v;
    bin.wwwwvv += ww * ww * (v * v);
  } else {
    bin.wwv += v;
    bin.wwwwvv += v * v;
  }
}

/// What `add` leaves out without weights.
void complete(std::span<BinSums> sums) {
  for (BinSums& bin : sums) {
    bin.w = bin.ww = double(bin.n);
    bin.wy = double(bin.events);
    bin.wwdd = bin.wdd;
  }
}

void merge(BinSums& into, const BinSums& other) {
  into.n += other.n;
  into.events += other.events;
  into.w += other.w;
  into.wy += other.wy;
  into.wp += other.wp;
  into.wpp += other.wpp;
  into.wdd += other.wdd;
  into.ww += other.ww;
  into.wwdd += other.wwdd;
  into.wwv += other.wwv;
  into.wwwwvv += other.wwwwvv;
}

/// Sums of `size` bins over pieces of samples, work(first, last, sums of the piece), added in order of the pieces.
template <class Work>
std::vector<BinSums> sums_of_pieces(std::size_t samples, std::size_t grain, std::size_t size, bool unweighted,
                                    Work work) {
  const std::size_t pieces = (samples + grain - 1) / grain;
  std::vector<BinSums> sums(pieces * size);
  thread_pool().parallel_for(0, std::int64_t(samples), std::int64_t(grain), [&](std::int64_t first, std::int64_t last) {
    work(std::size_t(first), std::size_t(last), sums.data() + std::size_t(first) / grain * size);
  });
  for (std::size_t piece = 1; piece < pieces; ++piece) {
    for (std::size_t b = 0; b < size; ++b) {
      merge(sums[b], sums[piece * size + b]);
    }
  }
  sums.resize(size);
  if (unweighted) {
    complete(sums);
  }
  return sums;
}

/// floor(bins (below + equal / 2) / total) for each distinct probability; a bin begins where that number changes.
std::vector<double> equal_mass_ends(const ScoreGroups& groups, std::size_t bins) {
  double total = 0;
  for (const double weight : groups.weight) {
    total += weight;
  }
  std::vector<double> lower{0};
  double below = 0, bin_of_last = 0;
  for (std::size_t g = 0; g < groups.score.size(); ++g) {
    const double bin = std::floor(double(bins) * (below + groups.weight[g] / 2) / total);
    if (g > 0 && bin > bin_of_last) {
      lower.push_back(groups.score[g]);
    }
    bin_of_last = bin;
    below += groups.weight[g];
  }
  return lower;
}

}  // namespace

ProbabilityBins::ProbabilityBins(std::vector<double> lower) : lower_(std::move(lower)) {
  const std::size_t cells = std::bit_ceil(std::max<std::size_t>(lower_.size() * 4, 256));
  cells_ = double(cells);
  guide_.resize(cells + 2);
  std::size_t bin = 0;
  for (std::size_t cell = 0; cell < guide_.size(); ++cell) {
    const double end = std::min(1.0, double(cell) / cells_);
    while (bin + 1 < lower_.size() && lower_[bin + 1] <= end) {
      ++bin;
    }
    guide_[cell] = std::uint32_t(bin);
  }
}

void require_bins(const char* function, std::size_t bins) {
  if (bins < 1 || bins > kMostBins) {
    refuse(function, "bins is out of range; got ", bins, "; expected 1 to ", kMostBins);
  }
}

ProbabilityBins bins_of(Values probabilities, std::span<const std::uint8_t> labels, const CalibrationOptions& options,
                        Values weights) {
  if (options.binning == Binning::equal_mass) {
    return ProbabilityBins(equal_mass_ends(score_groups(probabilities, labels, weights), options.bins));
  }
  std::vector<double> lower(options.bins);
  for (std::size_t i = 0; i < options.bins; ++i) {
    lower[i] = double(i) / double(options.bins);
  }
  return ProbabilityBins(std::move(lower));
}

std::vector<BinSums> bin_sums(const ProbabilityBins& bins, Values probabilities, std::span<const std::uint8_t> labels,
                              Values weights) {
  const std::size_t grain = std::max<std::size_t>(std::size_t(1) << 15, kSamplesPerSum * bins.size());
  const double unit = weight_unit(weights);
  return probabilities.visit([&](auto p) {
    return sums_of_pieces(p.size(), grain, bins.size(), weights.empty(),
                          [&](std::size_t first, std::size_t last, BinSums* sums) {
                            for (std::size_t i = first; i < last; ++i) {
                              const double probability = double(p[i]);
                              BinSums& bin = sums[bins.index(probability)];
                              if (weights.empty()) {
                                add<false>(bin, probability, labels[i] != 0, 1);
                              } else if (const double w = weights[i] / unit; w > 0) {
                                add<true>(bin, probability, labels[i] != 0, w);
                              }
                            }
                          });
  });
}

std::vector<BinSums> class_bin_sums(const ProbabilityBins& bins, const Matrix& probabilities,
                                    std::span<const std::int64_t> classes, Values weights) {
  const std::size_t grain = std::max<std::size_t>(4096, kSamplesPerSum * bins.size()), columns = probabilities.columns;
  const double unit = weight_unit(weights);
  return probabilities.values.visit([&](auto p) {
    return sums_of_pieces(probabilities.rows, grain, columns * bins.size(), weights.empty(),
                          [&](std::size_t first, std::size_t last, BinSums* sums) {
                            for (std::size_t i = first; i < last; ++i) {
                              const auto* row = p.data() + i * columns;
                              const double w = weights.empty() ? 1.0 : weights[i] / unit;
                              for (std::size_t c = 0; c < columns && w > 0; ++c) {
                                const double probability = double(row[c]);
                                BinSums& bin = sums[c * bins.size() + bins.index(probability)];
                                if (weights.empty()) {
                                  add<false>(bin, probability, classes[i] == std::int64_t(c), 1);
                                } else {
                                  add<true>(bin, probability, classes[i] == std::int64_t(c), w);
                                }
                              }
                            }
                          });
  });
}

CalibrationError error_of(std::span<const BinSums> sums) {
  CalibrationError error;
  double total = 0, paired = 0, variance = 0;
  for (const BinSums& bin : sums) {
    if (bin.n == 0) {
      continue;
    }
    ++error.bins;
    error.n += bin.n;
    total += bin.w;
    const double gap = std::abs(bin.gap());
    error.ece += bin.w * gap;
    error.root_mean_square += bin.w * gap * gap;
    error.mce = std::max(error.mce, gap);
    const double pairs = bin.w * bin.w - bin.ww;
    if (bin.n == 1 || !(pairs > 0)) {
      error.alone += bin.n;
      continue;
    }
    const double share = bin.w / pairs;
    const double difference = bin.wp - bin.wy;
    paired += bin.w;
    error.squared_debiased += share * (difference * difference - bin.wwdd);
    variance += share * share * 2 * std::max(0.0, bin.wwv * bin.wwv - bin.wwwwvv);
  }
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (error.n == 0) {
    error.ece = error.root_mean_square = error.mce = nan;
  } else {
    error.ece /= total;
    error.root_mean_square = std::sqrt(error.root_mean_square / total);
  }
  error.squared_debiased = paired > 0 ? error.squared_debiased / paired : nan;
  error.squared_deviation = paired > 0 ? std::sqrt(variance) / paired : nan;
  error.root_debiased = paired > 0 ? std::sqrt(std::max(0.0, error.squared_debiased)) : nan;
  return error;
}

}  // namespace oddity::metrics::detail
