#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "core/random.h"
#include "oddity/metrics/set_scores.h"

/// Tables of class probabilities and the scores of their classes by the definition, for tests of prediction sets.
namespace oddity::metrics {

/// Softmax of normal logits [rows, columns]; `grid` > 0 rounds the logits to it, for ties.
template <class T>
std::vector<T> class_table(std::size_t rows, std::size_t columns, unsigned seed, double grid = 0) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 2);
  std::vector<T> table;
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<double> row(columns);
    for (double& value : row) {
      const double logit = normal(random);
      value = std::exp(grid > 0 ? std::round(logit / grid) * grid : logit);
    }
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    for (const double value : row) {
      table.push_back(T(value / sum));
    }
  }
  return table;
}

inline std::vector<SetScore> every_score(std::uint64_t seed) {
  return {{SetScoreKind::lac, true, {}, seed},
          {SetScoreKind::margin, true, {}, seed},
          {SetScoreKind::aps, true, {}, seed},
          {SetScoreKind::aps, false, {}, seed},
          {SetScoreKind::raps, true, RankPenalty{0.01, 2}, seed},
          {SetScoreKind::raps, false, RankPenalty{0.3, 0}, seed}};
}

inline double uniform_by_definition(const SetScore& score, std::string_view purpose, std::uint64_t id) {
  return score.randomized ? RandomStream(score.seed, purpose, id).uniform() : 1;
}

/// Score of class y of one row, one class after the other, with probabilities rounded to 2^-52.
template <class T>
double score_by_definition(std::span<const T> p, std::size_t y, const SetScore& score, double u) {
  if (score.kind == SetScoreKind::lac) {
    return 1 - double(p[y]);
  }
  double other = 0, above = 0;
  std::size_t rank = 1;
  for (std::size_t c = 0; c < p.size(); ++c) {
    if (c == y) {
      continue;
    }
    other = std::max(other, double(p[c]));
    if (p[c] > p[y] || (p[c] == p[y] && c < y)) {
      above += std::nearbyint(double(p[c]) * 0x1p52) * 0x1p-52;
      ++rank;
    }
  }
  if (score.kind == SetScoreKind::margin) {
    return other - double(p[y]);
  }
  const double beyond =
      score.penalty && rank > score.penalty->free_ranks ? double(rank - score.penalty->free_ranks) : 0;
  return above + u * (std::nearbyint(double(p[y]) * 0x1p52) * 0x1p-52) +
         (score.penalty ? score.penalty->weight : 0) * beyond;
}

}  // namespace oddity::metrics
