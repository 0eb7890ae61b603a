#include "oddity/metrics/cross_conformal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/threads.h"
#include "metrics/alphas.h"
#include "metrics/check.h"
#include "metrics/row_scorer.h"
#include "oddity/metrics/conformal_quantile.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

std::size_t smaller(const std::vector<double>& sorted, double score) {
  return std::size_t(std::lower_bound(sorted.begin(), sorted.end(), score) - sorted.begin());
}

void require_tables(const char* function, std::span<const Matrix> probabilities, const CrossConformal& calibration,
                    std::span<const std::int64_t> ids) {
  if (probabilities.size() != calibration.folds()) {
    refuse(function, "probabilities must be one table for each fold; got ", probabilities.size(), " for ",
           calibration.folds(), " folds");
  }
  const auto wide = [](const Matrix& m) { return m.values.visit([](auto v) { return sizeof(*v.data()) == 8; }); };
  for (std::size_t k = 0; k < probabilities.size(); ++k) {
    detail::require_class_table(function, "probabilities", probabilities[k], ids);
    if (probabilities[k].rows != probabilities[0].rows || probabilities[k].columns != probabilities[0].columns ||
        wide(probabilities[k]) != wide(probabilities[0])) {
      refuse(function, "probabilities of fold ", k, " differ in size or type from those of fold 0; got ",
             probabilities[k].rows, " x ", probabilities[k].columns, "; expected ", probabilities[0].rows, " x ",
             probabilities[0].columns);
    }
  }
}

template <class T>
const T* elements(Values values) {
  return values.visit([](auto span) -> const T* {
    if constexpr (std::is_same_v<typename decltype(span)::value_type, T>) {
      return span.data();
    } else {
      return nullptr;
    }
  });
}

/// The rank-th smallest of centres[k] + score over all folds k and their scores, by halving what is left of each sorted
/// fold: no list of all sums.
double kth_smallest_sum(std::span<const double> centres, const CrossConformal& calibration, std::size_t rank) {
  struct Range {
    std::size_t first, last, below, up_to;
  };
  std::vector<Range> ranges;
  std::size_t left = calibration.n();
  for (std::size_t k = 0; k < centres.size(); ++k) {
    ranges.push_back({0, calibration.scores_of(k).size(), 0, 0});
  }
  for (;;) {
    std::size_t skip = left / 2, chosen = 0;
    while (skip >= ranges[chosen].last - ranges[chosen].first) {
      skip -= ranges[chosen].last - ranges[chosen].first;
      ++chosen;
    }
    const double pivot = centres[chosen] + calibration.scores_of(chosen)[ranges[chosen].first + skip];
    std::size_t below = 0, up_to = 0;
    for (std::size_t k = 0; k < ranges.size(); ++k) {
      const std::vector<double>& sorted = calibration.scores_of(k);
      Range& range = ranges[k];
      const auto first = sorted.begin() + std::ptrdiff_t(range.first);
      const auto last = sorted.begin() + std::ptrdiff_t(range.last);
      const auto at = std::partition_point(first, last, [&](double s) { return centres[k] + s < pivot; });
      const auto after = std::partition_point(at, last, [&](double s) { return centres[k] + s <= pivot; });
      range.below = std::size_t(at - sorted.begin());
      range.up_to = std::size_t(after - sorted.begin());
      below += range.below;
      up_to += range.up_to;
    }
    if (below < rank && rank <= up_to) {
      return pivot;
    }
    left = 0;
    for (Range& range : ranges) {
      (below >= rank ? range.last : range.first) = below >= rank ? range.below : range.up_to;
      left += range.last - range.first;
    }
  }
}

}  // namespace

CrossConformal::CrossConformal(Values scores, std::span<const std::int64_t> folds) : n_(scores.size()) {
  constexpr const char* function = "cross_conformal";
  detail::require_not_empty(function, "scores", n_);
  detail::require_same_length(function, "scores", n_, "folds", folds.size());
  detail::require_finite(function, "scores", scores);
  for (std::size_t i = 0; i < n_; ++i) {
    if (folds[i] < 0 || std::uint64_t(folds[i]) >= n_) {
      refuse(function, "folds is out of range; got ", folds[i], " at index ", i, "; expected 0 to ", n_ - 1);
    }
  }
  sorted_.resize(std::size_t(*std::max_element(folds.begin(), folds.end())) + 1);
  for (std::size_t i = 0; i < n_; ++i) {
    sorted_[std::size_t(folds[i])].push_back(scores[i]);
  }
  if (sorted_.size() < 2) {
    refuse(function, "there must be at least 2 folds; got 1");
  }
  for (std::size_t k = 0; k < sorted_.size(); ++k) {
    if (sorted_[k].empty()) {
      refuse(function, "fold ", k, " has no sample; expected folds 0 to ", sorted_.size() - 1);
    }
    std::sort(sorted_[k].begin(), sorted_[k].end());
    equal_folds_ = equal_folds_ && sorted_[k].size() == sorted_[0].size();
  }
}

double CrossConformal::guaranteed_coverage(double alpha) const {
  detail::require_open_unit("guaranteed_coverage", "alpha", alpha);
  const double n = double(n_), k = double(folds());
  double excess = 2 * (1 - alpha) * (k - 1) / (n + k);
  if (equal_folds_) {
    excess = std::min(excess, (1 - k / n) / (k + 1));
  }
  return std::max(0.0, 1 - 2 * alpha - excess);
}

PredictionSets cross_conformal_sets(std::span<const Matrix> probabilities, const CrossConformal& calibration,
                                    const SetScore& score, std::span<const double> alphas,
                                    std::span<const std::int64_t> ids) {
  constexpr const char* function = "cross_conformal_sets";
  detail::require_score(function, score);
  require_tables(function, probabilities, calibration, ids);
  detail::require_alphas(function, alphas);
  const std::size_t rows = probabilities[0].rows, columns = probabilities[0].columns;
  PredictionSets sets;
  sets.levels = alphas.size();
  sets.rows = rows;
  sets.classes = columns;
  sets.words = (columns + 63) / 64;
  sets.masks.resize(sets.levels * rows * sets.words);
  sets.sizes.resize(sets.levels * rows);
  std::vector<std::size_t> ranks;
  for (const double alpha : alphas) {
    const ConformalRank rank = conformal_rank(calibration.n(), alpha);
    ranks.push_back(rank.rank);
    sets.infinite.push_back(rank.infinite ? rows : 0);
  }
  probabilities[0].values.visit([&](auto first_table) {
    using T = std::remove_const_t<typename decltype(first_table)::element_type>;
    std::vector<const T*> tables;
    for (const Matrix& table : probabilities) {
      tables.push_back(elements<T>(table.values));
    }
    const auto piece = [&](std::int64_t first, std::int64_t last) {
      detail::RowScorer<T> scorer(score, columns);
      std::vector<std::size_t> stranger(columns);
      for (auto row = std::size_t(first); row < std::size_t(last); ++row) {
        const double u = detail::uniform_of(score, SampleRole::test, detail::id_of(ids, row));
        std::fill(stranger.begin(), stranger.end(), 0);
        for (std::size_t k = 0; k < probabilities.size(); ++k) {
          if (!scorer.load(tables[k] + row * columns)) {
            detail::refuse_row(function, "probabilities", probabilities[k], row);
          }
          const std::span<const double> scores = scorer.scores(u);
          for (std::size_t c = 0; c < columns; ++c) {
            stranger[c] += smaller(calibration.scores_of(k), scores[c]);
          }
        }
        for (std::size_t level = 0; level < sets.levels; ++level) {
          std::uint64_t* words = &sets.masks[(level * rows + row) * sets.words];
          std::uint32_t size = 0;
          for (std::size_t c = 0; c < columns; ++c) {
            const bool within = stranger[c] < ranks[level];
            words[c / 64] |= std::uint64_t(within) << (c % 64);
            size += within;
          }
          sets.sizes[level * rows + row] = size;
        }
      }
    };
    thread_pool().parallel_for(0, std::int64_t(rows), detail::rows_per_piece(columns), piece);
  });
  return sets;
}

Intervals cross_conformal_intervals(const Matrix& predictions, const CrossConformal& calibration, double alpha) {
  constexpr const char* function = "cross_conformal_intervals";
  detail::require_alphas(function, {&alpha, 1});
  detail::require_matrix(function, "predictions", predictions);
  if (predictions.columns != calibration.folds()) {
    refuse(function, "predictions must have one column for each fold; got ", predictions.columns, " for ",
           calibration.folds(), " folds");
  }
  for (std::size_t k = 0; k < calibration.folds(); ++k) {
    if (calibration.scores_of(k).front() < 0) {
      refuse(function, "scores must be absolute residuals; got ", calibration.scores_of(k).front(), " in fold ", k);
    }
  }
  const ConformalRank rank = conformal_rank(calibration.n(), alpha);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Intervals result{std::vector<double>(predictions.rows, -infinity), std::vector<double>(predictions.rows, infinity)};
  if (rank.infinite) {
    return result;
  }
  const auto piece = [&](std::int64_t first, std::int64_t last) {
    std::vector<double> centres(predictions.columns);
    for (auto row = std::size_t(first); row < std::size_t(last); ++row) {
      for (std::size_t k = 0; k < centres.size(); ++k) {
        centres[k] = predictions(row, k);
      }
      result.high[row] = kth_smallest_sum(centres, calibration, rank.rank);
      for (double& centre : centres) {
        centre = -centre;  // down is up with signs changed
      }
      result.low[row] = -kth_smallest_sum(centres, calibration, rank.rank);
    }
  };
  thread_pool().parallel_for(0, std::int64_t(predictions.rows), 64, piece);
  return result;
}

}  // namespace oddity::metrics
