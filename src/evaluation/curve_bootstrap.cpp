#include "evaluation/curve_bootstrap.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/random.h"

namespace oddity {
namespace {

constexpr std::size_t kSampleForEdges = 1'000'000;

/// Area under (x, y) from x = 0 to `limit`, trapezoids, divided by `limit`. Points come with x not decreasing.
class PartialArea {
public:
  explicit PartialArea(double limit) : limit_(limit) {}
  void point(double x, double y) {
    if (x_ >= limit_) {
      return;
    }
    if (x > limit_) {
      y = y_ + (y - y_) * (limit_ - x_) / (x - x_);
      x = limit_;
    }
    area_ += (x - x_) * (y + y_) / 2;
    x_ = x;
    y_ = y;
  }
  double value() const { return area_ / limit_; }

private:
  double limit_, x_ = 0, y_ = 0, area_ = 0;
};

std::vector<float> sampled(std::span<const CurveItem> items, bool defect, std::size_t count) {
  const std::size_t stride = std::max<std::size_t>(1, (count + kSampleForEdges - 1) / kSampleForEdges);
  std::vector<float> out;
  out.reserve(count / stride + 1);
  std::size_t seen = 0;
  for (const CurveItem& item : items) {
    for (std::size_t i = 0; i < item.scores.size(); ++i) {
      if ((item.labels[i] != 0) == defect && seen++ % stride == 0) {
        out.push_back(item.scores[i]);
      }
    }
  }
  std::sort(out.begin(), out.end(), std::greater<>());
  return out;
}

/// Lower edges of bins, descending: a score belongs to the first bin whose edge it reaches.
std::vector<float> bin_edges(std::span<const CurveItem> items, std::size_t bins) {
  std::size_t defects = 0;
  std::size_t total = 0;
  for (const CurveItem& item : items) {
    total += item.labels.size();
    defects += static_cast<std::size_t>(
        std::count_if(item.labels.begin(), item.labels.end(), [](std::uint8_t label) { return label != 0; }));
  }
  const std::vector<float> positive = sampled(items, true, defects);
  const std::vector<float> negative = sampled(items, false, total - defects);
  std::vector<float> edges;
  if (total <= bins) {
    edges.insert(edges.end(), positive.begin(), positive.end());
    edges.insert(edges.end(), negative.begin(), negative.end());
  } else {
    const auto pick = [&edges](const std::vector<float>& sorted, double share) {
      if (!sorted.empty()) {
        const auto last = static_cast<double>(sorted.size() - 1);
        edges.push_back(sorted[static_cast<std::size_t>(share * last)]);
      }
    };
    const std::size_t half = bins / 2;
    for (std::size_t i = 0; i <= half; ++i) {
      pick(positive, static_cast<double>(i) / static_cast<double>(half));
    }
    const std::size_t quarter = bins / 4;
    for (std::size_t i = 0; i <= quarter; ++i) {
      const double share = static_cast<double>(i) / static_cast<double>(quarter);
      pick(negative, share);
      pick(negative, std::pow(10.0, -6.0 * (1.0 - share)));
    }
  }
  std::sort(edges.begin(), edges.end(), std::greater<>());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

}  // namespace

struct CurveBootstrap::Sums {
  std::vector<double> good, defect, region;
  double regions = 0;

  explicit Sums(std::size_t bins) : good(bins), defect(bins), region(bins) {}
  void clear() {
    std::fill(good.begin(), good.end(), 0.0);
    std::fill(defect.begin(), defect.end(), 0.0);
    std::fill(region.begin(), region.end(), 0.0);
    regions = 0;
  }
  CurveValues values() const {
    double all_good = 0;
    double all_defect = 0;
    for (std::size_t k = 0; k < good.size(); ++k) {
      all_good += good[k];
      all_defect += defect[k];
    }
    CurveValues out;
    PartialArea auroc(1.0);
    PartialArea aupro_030(0.30);
    PartialArea aupro_005(0.05);
    double false_positives = 0;
    double true_positives = 0;
    double overlap = 0;
    for (std::size_t k = 0; k < good.size(); ++k) {
      if (good[k] == 0 && defect[k] == 0) {
        continue;
      }
      false_positives += good[k];
      true_positives += defect[k];
      overlap += region[k];
      const double x = false_positives / all_good;
      const double recall = true_positives / all_defect;
      const double precision = true_positives / (true_positives + false_positives);
      out.average_precision += defect[k] / all_defect * precision;
      out.f1_max = std::max(out.f1_max, 2 * true_positives / (all_defect + true_positives + false_positives));
      auroc.point(x, recall);
      if (regions > 0) {
        aupro_030.point(x, overlap / regions);
        aupro_005.point(x, overlap / regions);
      }
    }
    out.auroc = auroc.value();
    out.aupro_030 = aupro_030.value();
    out.aupro_005 = aupro_005.value();
    return out;
  }
};

CurveBootstrap::CurveBootstrap(std::span<const CurveItem> items, std::size_t bins) {
  const std::vector<float> edges = bin_edges(items, bins);
  bins_ = edges.size() + 1;  // the last one catches what the sample for the edges did not see
  std::vector<Entry> dense(bins_);
  for (const CurveItem& item : items) {
    ODDITY_ASSERT(item.labels.size() == item.scores.size());
    ODDITY_ASSERT(item.region_weight.empty() || item.region_weight.size() == item.scores.size());
    for (std::size_t k = 0; k < bins_; ++k) {
      dense[k] = {static_cast<std::uint32_t>(k), 0, 0, 0};
    }
    for (std::size_t i = 0; i < item.scores.size(); ++i) {
      const auto edge = std::lower_bound(edges.begin(), edges.end(), item.scores[i],
                                         [](float lower, float score) { return lower > score; });
      Entry& entry = dense[static_cast<std::size_t>(edge - edges.begin())];
      if (item.labels[i] != 0) {
        entry.defect += 1;
        entry.region += item.region_weight.empty() ? 0 : item.region_weight[i];
      } else {
        entry.good += 1;
      }
    }
    Row row{entries_.size(), 0, static_cast<double>(item.regions), item.good};
    std::copy_if(dense.begin(), dense.end(), std::back_inserter(entries_),
                 [](const Entry& entry) { return entry.good > 0 || entry.defect > 0; });
    row.end = entries_.size();
    rows_.push_back(row);
  }
}

void CurveBootstrap::add(const Row& row, double weight, Sums& sums) const {
  for (std::size_t e = row.begin; e < row.end; ++e) {
    const Entry& entry = entries_[e];
    sums.good[entry.bin] += weight * entry.good;
    sums.defect[entry.bin] += weight * entry.defect;
    sums.region[entry.bin] += weight * entry.region;
  }
  sums.regions += weight * row.regions;
}

CurveValues CurveBootstrap::point() const {
  Sums sums(bins_);
  for (const Row& row : rows_) {
    add(row, 1, sums);
  }
  return sums.values();
}

CurveBootstrap::Result CurveBootstrap::resample(std::span<const std::size_t> use, std::size_t draws, std::uint64_t seed,
                                                double confidence) const {
  std::vector<std::size_t> good;
  std::vector<std::size_t> defect;
  const auto take = [&](std::size_t row) { (rows_.at(row).good ? good : defect).push_back(row); };
  if (use.empty()) {
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      take(row);
    }
  } else {
    std::for_each(use.begin(), use.end(), take);
  }
  Result result;
  Sums sums(bins_);
  for (const auto* stratum : {&good, &defect}) {
    for (const std::size_t row : *stratum) {
      add(rows_[row], 1, sums);
    }
  }
  result.point = sums.values();
  result.valid = draws >= 100 && defect.size() >= 2 && good.size() != 1;
  if (!result.valid) {
    return result;
  }
  std::vector<CurveValues> values(draws);
  std::vector<double> weight(rows_.size());
  for (std::size_t draw = 0; draw < draws; ++draw) {
    RandomStream random(seed, "evaluation.bootstrap", draw);
    std::fill(weight.begin(), weight.end(), 0.0);
    for (const auto* stratum : {&good, &defect}) {
      for (std::size_t i = 0; i < stratum->size(); ++i) {
        weight[(
            *stratum)[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(stratum->size()) - 1))]] +=
            1;
      }
    }
    sums.clear();
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      if (weight[row] > 0) {
        add(rows_[row], weight[row], sums);
      }
    }
    values[draw] = sums.values();
  }
  const auto interval = [&](double CurveValues::*member) {
    std::vector<double> sorted(draws);
    std::transform(values.begin(), values.end(), sorted.begin(), [member](const CurveValues& v) { return v.*member; });
    std::sort(sorted.begin(), sorted.end());
    const double tail = (1 - confidence) / 2;
    const auto at = [&sorted](double p) {
      const double position = p * static_cast<double>(sorted.size() - 1);
      const auto below = static_cast<std::size_t>(position);
      const auto above = std::min(below + 1, sorted.size() - 1);
      const double share = position - static_cast<double>(below);
      return sorted[below] + share * (sorted[above] - sorted[below]);
    };
    return metrics::Interval{at(tail), at(1 - tail)};
  };
  result.intervals = {interval(&CurveValues::auroc), interval(&CurveValues::average_precision),
                      interval(&CurveValues::f1_max), interval(&CurveValues::aupro_030),
                      interval(&CurveValues::aupro_005)};
  return result;
}

}  // namespace oddity
