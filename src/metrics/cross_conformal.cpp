#include "oddity/metrics/cross_conformal.h"

#include <algorithm>
#include <vector>

#include "core/random.h"
#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/class_scores.h"

namespace oddity::metrics {

using detail::refuse;

double cross_conformal_guarantee(std::size_t n, std::size_t folds, double alpha) {
  const double k = double(folds), m = double(n);
  const double slack = std::min(2 * (1 - 1 / k) / (m / k + 1), (1 - k / m) / (k + 1));
  return std::max(0.0, 1 - 2 * alpha - std::max(0.0, slack));
}

CrossConformalSets cross_conformal_sets(const Matrix& out_of_fold, std::span<const std::int64_t> labels,
                                        std::span<const std::int64_t> folds, std::span<const Matrix> predictions,
                                        double alpha, const SetScoreOptions& options) {
  constexpr const char* function = "cross_conformal_sets";
  detail::require_open_unit(function, "alpha", alpha);
  detail::require_not_empty(function, "predictions", predictions.size());
  detail::require_same_length(function, "labels", labels.size(), "folds", folds.size());
  const std::vector<double> scores = set_scores(out_of_fold, labels, options);
  std::vector<std::vector<double>> of_fold(predictions.size());
  for (std::size_t i = 0; i < folds.size(); ++i) {
    if (folds[i] < 0 || std::size_t(folds[i]) >= predictions.size()) {
      refuse(function, "folds must name a table of predictions; got ", folds[i], " at index ", i, "; expected 0 to ",
             predictions.size() - 1);
    }
    of_fold[std::size_t(folds[i])].push_back(scores[i]);
  }
  const std::size_t classes = out_of_fold.columns, rows = predictions.front().rows;
  for (std::size_t k = 0; k < predictions.size(); ++k) {
    if (of_fold[k].empty()) {
      refuse(function, "fold ", k, " has no calibration sample; expected at least one in each of ", predictions.size());
    }
    std::sort(of_fold[k].begin(), of_fold[k].end());
    if (predictions[k].rows != rows || predictions[k].columns != classes) {
      refuse(function, "predictions differ in size; got ", predictions[k].rows, " x ", predictions[k].columns,
             " of fold ", k, "; expected ", rows, " x ", classes);
    }
    detail::require_probabilities(function, "predictions", predictions[k]);
  }
  const ConformalRank law = conformal_rank(scores.size(), alpha);
  CrossConformalSets result;
  result.n = scores.size();
  result.n_needed = law.n_needed;
  result.guarantee = cross_conformal_guarantee(result.n, predictions.size(), alpha);
  PredictionSets& sets = result.sets;
  sets.rows = rows;
  sets.classes = classes;
  sets.words_per_row = (classes + 63) / 64;
  sets.words.assign(rows * sets.words_per_row, 0);
  sets.sizes.assign(rows, 0);
  thread_pool().parallel_for(0, std::int64_t(rows), 64, [&](std::int64_t first, std::int64_t last) {
    detail::RankedClasses ranked;
    std::vector<double> row(classes);
    std::vector<std::size_t> below(classes);
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      const double u = options.randomized ? RandomStream(options.seed, "conformal.prediction", i).uniform() : 1;
      std::fill(below.begin(), below.end(), 0);
      for (std::size_t k = 0; k < predictions.size(); ++k) {
        for (std::size_t c = 0; c < classes; ++c) {
          row[c] = predictions[k](i, c);
        }
        const auto count = [&](std::size_t c, double score) {
          below[c] += std::size_t(std::lower_bound(of_fold[k].begin(), of_fold[k].end(), score) - of_fold[k].begin());
        };
        if (options.score == SetScore::lac) {
          for (std::size_t c = 0; c < classes; ++c) {
            count(c, 1 - row[c]);
          }
        } else if (options.score == SetScore::margin) {
          const auto top = detail::top_two(std::span<const double>(row));
          for (std::size_t c = 0; c < classes; ++c) {
            count(c, (top.at == c ? top.second : top.first) - row[c]);
          }
        } else {
          detail::each_cumulative_score(std::span<const double>(row), ranked, options, u,
                                        [&](std::uint32_t c, double score) {
                                          count(c, score);
                                          return true;
                                        });
        }
      }
      for (std::size_t c = 0; c < classes; ++c) {
        // below < (1 - alpha)(n + 1) in integers: below < n + 1 - floor((n + 1) alpha), the rank.
        if (below[c] < law.rank) {
          sets.words[i * sets.words_per_row + c / 64] |= std::uint64_t(1) << (c % 64);
          ++sets.sizes[i];
        }
      }
    }
  });
  return result;
}

}  // namespace oddity::metrics
