#include "metrics/row_scorer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>

#include "core/random.h"
#include "metrics/check.h"
#include "metrics/class_rows.h"

namespace oddity::metrics::detail {

void require_score(const char* function, const SetScore& score) {
  if ((score.kind == SetScoreKind::raps) != score.penalty.has_value()) {
    if (score.penalty) {
      refuse(function, "penalty belongs to the score raps; got it with another score");
    }
    refuse(function, "penalty is missing; expected weight and free ranks for the score raps");
  }
  if (score.penalty && !(score.penalty->weight > 0 && std::isfinite(score.penalty->weight))) {
    refuse(function, "penalty weight is out of range; got ", score.penalty->weight,
           "; expected a finite value above 0 (without a penalty the score is aps)");
  }
}

void require_class_table(const char* function, const char* name, const Matrix& probabilities,
                         std::span<const std::int64_t> ids) {
  if (probabilities.rows == 0 || probabilities.columns == 0) {
    refuse(function, name, " is empty; got ", probabilities.rows, " x ", probabilities.columns);
  }
  if (probabilities.values.size() != probabilities.rows * probabilities.columns) {
    refuse(function, name, " does not fit its size; got ", probabilities.values.size(), " values for ",
           probabilities.rows, " x ", probabilities.columns);
  }
  if (probabilities.columns < 2) {
    refuse(function, name, " must have at least 2 classes; got ", probabilities.columns);
  }
  if (!ids.empty()) {
    require_same_length(function, name, probabilities.rows, "ids", ids.size());
  }
}

void require_class_indices(const char* function, std::span<const std::int64_t> classes, std::size_t rows,
                           std::size_t columns) {
  if (classes.size() != rows) {
    refuse(function, "classes must be one for each row; got ", classes.size(), " for ", rows, " rows");
  }
  for (std::size_t i = 0; i < rows; ++i) {
    if (classes[i] < 0 || std::uint64_t(classes[i]) >= columns) {
      refuse(function, "classes is out of range; got ", classes[i], " at index ", i, "; expected 0 to ", columns - 1);
    }
  }
}

void refuse_row(const char* function, const char* name, const Matrix& probabilities, std::size_t row) {
  double sum = 0;
  for (std::size_t c = 0; c < probabilities.columns; ++c) {
    const double value = probabilities(row, c);
    if (!(value >= 0 && value <= 1)) {
      refuse(function, name, " must be probabilities; got ", value, " in row ", row, " column ", c,
             "; expected values in [0, 1]");
    }
    sum += value;
  }
  refuse(function, name, " must be probabilities; row ", row, " sums to ", sum, "; expected 1");
}

double uniform_of(const SetScore& score, SampleRole role, std::uint64_t id) {
  const bool ranked = score.kind == SetScoreKind::aps || score.kind == SetScoreKind::raps;
  if (!score.randomized || !ranked) {
    return 1;
  }
  return RandomStream(score.seed, role == SampleRole::test ? "sets.test" : "sets.calibration", id).uniform();
}

template <class T>
RowScorer<T>::RowScorer(const SetScore& score, std::size_t columns)
    : score_(score),
      columns_(columns),
      fixed_(columns),
      scores_(columns),
      bucket_(columns),
      order_(columns),
      candidates_((columns + 63) / 64) {}

template <class T>
bool RowScorer<T>::load(const T* row) {
  row_ = row;
  mass_ = fixed_point(row, columns_, fixed_.data());
  return mass_ > 0;
}

template <class T>
double RowScorer<T>::penalty(std::size_t rank) const {
  return score_.penalty && rank > score_.penalty->free_ranks
             ? score_.penalty->weight * double(rank - score_.penalty->free_ranks)
             : 0;
}

/// Grows with the rank also in floating point: the sum with the class is exact and at least what is rounded here, and
/// the next class starts from it.
template <class T>
double RowScorer<T>::ranked_score(std::int64_t mass_above, std::size_t rank, std::int64_t own, double u) const {
  return mass_of(mass_above) + u * mass_of(own) + penalty(rank);
}

template <class T>
double RowScorer<T>::score(std::size_t y, double u) const {
  if (score_.kind == SetScoreKind::lac) {
    return 1.0 - double(row_[y]);
  }
  if (score_.kind == SetScoreKind::margin) {
    T other = 0;
    for (std::size_t c = 0; c < columns_; ++c) {
      other = c != y && row_[c] > other ? row_[c] : other;
    }
    return double(other) - double(row_[y]);
  }
  const Above above = ranked_above(row_, fixed_.data(), columns_, y);
  return ranked_score(above.mass, std::size_t(above.count) + 1, fixed_[y], u);
}

template <class T>
bool RowScorer<T>::ranks_before(std::uint32_t a, std::uint32_t b) const {
  return row_[a] != row_[b] ? row_[a] > row_[b] : a < b;
}

/// Classes by rank: into buckets of similar probability, then those of a bucket among themselves.
template <class T>
void RowScorer<T>::sort_classes() {
  bucket_of_each(row_, columns_, bucket_.data());
  std::uint32_t next[kBuckets] = {};
  for (const std::uint8_t b : bucket_) {
    ++next[b];
  }
  std::uint32_t sum = 0;
  for (std::uint32_t& first : next) {
    sum += std::exchange(first, sum);
  }
  for (std::size_t c = 0; c < columns_; ++c) {
    order_[next[bucket_[c]]++] = std::uint32_t(c);
  }
  std::uint32_t first = 0;
  for (const std::uint32_t last : next) {
    sort_range(first, last);
    first = last;
  }
}

template <class T>
void RowScorer<T>::sort_range(std::size_t first, std::size_t last) {
  constexpr std::size_t few = 24;
  if (last - first > few) {
    std::sort(order_.begin() + std::ptrdiff_t(first), order_.begin() + std::ptrdiff_t(last),
              [this](std::uint32_t a, std::uint32_t b) { return ranks_before(a, b); });
    return;
  }
  for (std::size_t i = first + 1; i < last; ++i) {
    const std::uint32_t c = order_[i];
    std::size_t k = i;
    for (; k > first && ranks_before(c, order_[k - 1]); --k) {
      order_[k] = order_[k - 1];
    }
    order_[k] = c;
  }
}

template <class T>
std::span<const double> RowScorer<T>::scores(double u) {
  if (score_.kind == SetScoreKind::lac) {
    for (std::size_t c = 0; c < columns_; ++c) {
      scores_[c] = 1.0 - double(row_[c]);
    }
  } else if (score_.kind == SetScoreKind::margin) {
    std::size_t top = 0;
    T second = 0;
    for (std::size_t c = 1; c < columns_; ++c) {
      if (row_[c] > row_[top]) {
        second = row_[top];
        top = c;
      } else if (row_[c] > second) {
        second = row_[c];
      }
    }
    for (std::size_t c = 0; c < columns_; ++c) {
      scores_[c] = double(row_[top]) - double(row_[c]);
    }
    scores_[top] = double(second) - double(row_[top]);
  } else {
    sort_classes();
    std::int64_t mass = 0;
    std::size_t rank = 0;
    for (const std::uint32_t c : order_) {
      scores_[c] = ranked_score(mass, ++rank, fixed_[c], u);
      mass += fixed_[c];
    }
  }
  return scores_;
}

/// The classes within the limit are the first by rank. All above `high` are known to be within and none up to `low` is;
/// halving brings these two together until few classes are between, which are sorted and tried one by one.
template <class T>
std::size_t RowScorer<T>::mark_ranked(double u, double limit, std::uint64_t* words) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;  // ordered as T is for T >= 0
  // The score of no class above a value exceeds the mass above and its penalty; that of the others is not below them.
  const auto all_within = [&](const Above& above) {
    return mass_of(above.mass) + penalty(std::size_t(above.count)) <= limit;
  };
  const Above everything{mass_, std::int64_t(columns_)};
  T high = 1, low = -1;
  Above within;
  std::int64_t between = everything.count;
  if (all_within(everything)) {
    high = low;
    within = everything;
    between = 0;
  }
  // 12 times at most: only equal probabilities, which no value parts, need more.
  for (int pass = 0; pass < 12 && between > 8; ++pass) {
    const T middle =
        low < 0 ? high / 16 : std::bit_cast<T>(std::midpoint(std::bit_cast<Bits>(low), std::bit_cast<Bits>(high)));
    const Above above = ranked_above(row_, fixed_.data(), columns_, middle);
    if (all_within(above)) {
      between -= above.count - within.count;
      high = middle;
      within = above;
    } else {
      between = above.count - within.count;
      low = middle;
    }
  }
  mark_above(row_, columns_, high, words);
  if (between == 0) {
    return std::size_t(within.count);
  }
  mark_above(row_, columns_, low, candidates_.data());
  std::size_t n = 0;
  for (std::size_t w = 0; w < candidates_.size(); ++w) {
    for (std::uint64_t bits = candidates_[w] ^ words[w]; bits != 0; bits &= bits - 1) {
      order_[n++] = std::uint32_t(w * 64 + std::size_t(std::countr_zero(bits)));
    }
  }
  sort_range(0, n);
  std::int64_t mass = within.mass;
  auto rank = std::size_t(within.count);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t c = order_[i];
    if (!(ranked_score(mass, rank + 1, fixed_[c], u) <= limit)) {
      break;
    }
    words[c / 64] |= std::uint64_t(1) << (c % 64);
    mass += fixed_[c];
    ++rank;
  }
  return rank;
}

template <class T>
std::size_t RowScorer<T>::mark(double u, double limit, std::uint64_t* words) {
  switch (score_.kind) {
    case SetScoreKind::lac:
      return mark_lac(row_, columns_, limit, words);
    case SetScoreKind::margin:
      return mark_at_most(scores(u).data(), columns_, limit, words);
    default:
      return mark_ranked(u, limit, words);
  }
}

template <class T>
std::size_t RowScorer<T>::mark(double u, std::span<const double> limits, std::uint64_t* words) {
  return mark_at_most(scores(u).data(), columns_, limits.data(), words);
}

template class RowScorer<float>;
template class RowScorer<double>;

}  // namespace oddity::metrics::detail
