#include "oddity/metrics/prediction_sets.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "core/random.h"
#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/class_scores.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr std::int64_t kRows = 512;  // of one piece of work
constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool cumulative(const SetScoreOptions& options) {
  return options.score == SetScore::aps || options.score == SetScore::raps;
}

void require_options(const char* function, const SetScoreOptions& options) {
  if (options.score == SetScore::raps ? !(options.penalty > 0 && std::isfinite(options.penalty))
                                      : options.penalty != 0) {
    refuse(function, "penalty is out of range; got ", options.penalty, "; expected ",
           options.score == SetScore::raps ? "a value above 0 for RAPS (0 would be APS)" : "0: only RAPS has one");
  }
}

void require_labels(const char* function, std::span<const std::int64_t> labels, std::size_t rows, std::size_t classes) {
  detail::require_same_length(function, "probabilities", rows, "labels", labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || std::size_t(labels[i]) >= classes) {
      refuse(function, "labels must be classes; got ", labels[i], " at index ", i, "; expected 0 to ", classes - 1);
    }
  }
}

/// The checks of require_probabilities in one parallel pass.
void require_rows(const char* function, const Matrix& probabilities) {
  if (probabilities.rows == 0 || probabilities.columns == 0 ||
      probabilities.values.size() != probabilities.rows * probabilities.columns) {
    detail::require_matrix(function, "probabilities", probabilities);
  }
  probabilities.values.visit([&](auto values) {
    using T = std::remove_const_t<typename decltype(values)::element_type>;
    const std::size_t columns = probabilities.columns;
    thread_pool().parallel_for(0, std::int64_t(probabilities.rows), kRows, [&](std::int64_t first, std::int64_t last) {
      for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
        T sums[4] = {}, least = 0;
        const T* row = values.data() + i * columns;
        std::size_t c = 0;
        for (; c + 4 <= columns; c += 4) {
          for (std::size_t l = 0; l < 4; ++l) {
            sums[l] += row[c + l];
            least = row[c + l] < least ? row[c + l] : least;
          }
        }
        for (; c < columns; ++c) {
          sums[0] += row[c];
          least = row[c] < least ? row[c] : least;
        }
        const double sum = double(sums[0] + sums[1]) + double(sums[2] + sums[3]);
        if (!(std::abs(sum - 1) <= 1e-3) || least < 0) {
          detail::require_probabilities(function, "probabilities", probabilities);  // names row and column
          refuse(function, "probabilities must sum to 1 in each row; got ", sum, " in row ", i);
        }
      }
    });
  });
}

template <class T>
double score_of_class(std::span<const T> row, std::size_t label, const SetScoreOptions& options, double u,
                      detail::RankedClasses& ranked) {
  switch (options.score) {
    case SetScore::lac:
      return 1 - double(row[label]);
    case SetScore::margin: {
      const auto top = detail::top_two(row);
      return double(top.at == label ? top.second : top.first) - double(row[label]);
    }
    default:
      break;
  }
  double result = 0;
  detail::each_cumulative_score(row, ranked, options, u, [&](std::uint32_t c, double score) {
    result = score;
    return c != label;
  });
  return result;
}

std::size_t index_of(const std::vector<std::int64_t>& groups, std::int64_t group) {
  const auto at = std::lower_bound(groups.begin(), groups.end(), group);
  return at != groups.end() && *at == group ? std::size_t(at - groups.begin()) : groups.size();
}

/// The smallest T in [0, 1] whose 1 - p, in float64, is at most the threshold: LAC in one comparison. Bisects the bit
/// patterns, which rise with the values. Infinity when there is none.
template <class T>
T least_probability(double threshold) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const auto enough = [&](Bits bits) { return 1 - double(std::bit_cast<T>(bits)) <= threshold; };
  Bits low = 0, high = std::bit_cast<Bits>(T(1));
  if (!enough(high)) {
    return std::numeric_limits<T>::infinity();
  }
  while (low < high) {
    const Bits middle = low + (high - low) / 2;
    if (enough(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return std::bit_cast<T>(low);
}

/// Sets the bits of the classes with row[c] >= least[c].
template <class T>
std::uint32_t mark_at_least(std::span<const T> row, const T* least, bool one_for_all, std::uint64_t* words) {
  std::uint32_t size = 0;
  for (std::size_t begin = 0; begin < row.size(); begin += 64) {
    const std::size_t end = std::min(row.size(), begin + 64);
    std::uint64_t word = 0;
    std::size_t c = begin;
    for (; c + 8 <= end; c += 8) {
      std::uint64_t bytes = 0;
      for (std::size_t l = 0; l < 8; ++l) {
        bytes |= std::uint64_t(row[c + l] >= least[one_for_all ? 0 : c + l]) << (8 * l);
      }
      // Gathers the lowest bit of each byte into one byte.
      word |= (bytes * 0x0102040810204080ULL >> 56) << (c - begin);
    }
    for (; c < end; ++c) {
      word |= std::uint64_t(row[c] >= least[one_for_all ? 0 : c]) << (c - begin);
    }
    words[begin / 64] = word;
    size += std::uint32_t(std::popcount(word));
  }
  return size;
}

template <class T>
void predict_rows(std::span<const T> values, const SetCalibration& calibration, std::span<const std::int64_t> groups,
                  std::uint64_t first_sample, PredictionSets& sets) {
  const std::size_t columns = sets.classes;
  const SetScoreOptions& options = calibration.options;
  const bool by_class = calibration.conditioning == Conditioning::by_class;
  const double largest = *std::max_element(calibration.thresholds.begin(), calibration.thresholds.end());
  std::vector<T> least;
  for (const double threshold : calibration.thresholds) {
    least.push_back(std::isinf(threshold) ? -std::numeric_limits<T>::infinity() : least_probability<T>(threshold));
  }
  thread_pool().parallel_for(0, std::int64_t(sets.rows), kRows, [&](std::int64_t first, std::int64_t last) {
    detail::RankedClasses ranked;
    for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
      const auto row = values.subspan(i * columns, columns);
      std::uint64_t* words = sets.words.data() + i * sets.words_per_row;
      std::size_t which = 0;
      if (calibration.conditioning == Conditioning::by_group) {
        which = index_of(calibration.groups, groups[i]);
      }
      const bool unseen = which == calibration.thresholds.size();
      const double threshold = by_class ? largest : unseen ? kInfinity : calibration.thresholds[which];
      const auto mark = [&](std::size_t c) {
        words[c / 64] |= std::uint64_t(1) << (c % 64);
        ++sets.sizes[i];
      };
      if (options.score == SetScore::lac && !unseen) {
        sets.sizes[i] = mark_at_least(row, least.data() + (by_class ? 0 : which), !by_class, words);
      } else if (std::isinf(threshold) && !by_class) {
        for (std::size_t c = 0; c < columns; ++c) {
          mark(c);
        }
      } else if (options.score == SetScore::margin || options.score == SetScore::lac) {
        const auto top = detail::top_two(row);
        for (std::size_t c = 0; c < columns; ++c) {
          const double score = double(top.at == c ? top.second : top.first) - double(row[c]);
          if (score <= (by_class ? calibration.thresholds[c] : threshold)) {
            mark(c);
          }
        }
      } else {
        const double u =
            options.randomized ? RandomStream(options.seed, "conformal.prediction", first_sample + i).uniform() : 1;
        detail::each_cumulative_score(row, ranked, options, u, [&](std::uint32_t c, double score) {
          if (score <= (by_class ? calibration.thresholds[c] : threshold)) {
            mark(c);
          }
          return score <= threshold;
        });
      }
    }
  });
}

Coverage coverage_of(std::size_t covered, std::size_t n, double confidence) {
  return {covered, n, n > 0 ? double(covered) / double(n) : std::numeric_limits<double>::quiet_NaN(),
          clopper_pearson(covered, n, confidence)};
}

}  // namespace

std::vector<double> set_scores(const Matrix& probabilities, std::span<const std::int64_t> labels,
                               const SetScoreOptions& options, std::uint64_t first_sample) {
  constexpr const char* function = "set_scores";
  require_options(function, options);
  require_rows(function, probabilities);
  require_labels(function, labels, probabilities.rows, probabilities.columns);
  std::vector<double> scores(labels.size());
  probabilities.values.visit([&](auto values) {
    thread_pool().parallel_for(0, std::int64_t(labels.size()), kRows, [&](std::int64_t first, std::int64_t last) {
      detail::RankedClasses ranked;
      for (auto i = std::size_t(first); i < std::size_t(last); ++i) {
        const double u = cumulative(options) && options.randomized
                             ? RandomStream(options.seed, "conformal.calibration", first_sample + i).uniform()
                             : 1;
        scores[i] = score_of_class(values.subspan(i * probabilities.columns, probabilities.columns),
                                   std::size_t(labels[i]), options, u, ranked);
      }
    });
  });
  return scores;
}

SetCalibration calibrate_sets(const Matrix& probabilities, std::span<const std::int64_t> labels, double alpha,
                              const SetScoreOptions& options, Conditioning conditioning,
                              std::span<const std::int64_t> groups) {
  constexpr const char* function = "calibrate_sets";
  detail::require_open_unit(function, "alpha", alpha);
  const bool by_group = conditioning == Conditioning::by_group;
  if (by_group ? groups.size() != labels.size() : !groups.empty()) {
    refuse(function, "groups must be one for each sample with conditioning by group, and none otherwise; got ",
           groups.size(), " for ", labels.size(), " samples");
  }
  const std::vector<double> scores = set_scores(probabilities, labels, options);
  SetCalibration result;
  result.options = options;
  result.conditioning = conditioning;
  result.alpha = alpha;
  result.classes = probabilities.columns;
  std::map<std::int64_t, std::vector<double>> parts;
  if (conditioning == Conditioning::by_class) {
    for (std::size_t c = 0; c < result.classes; ++c) {
      parts[std::int64_t(c)] = {};
    }
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    parts[conditioning == Conditioning::marginal ? 0 : by_group ? groups[i] : labels[i]].push_back(scores[i]);
  }
  for (const auto& [key, part] : parts) {
    if (by_group) {
      result.groups.push_back(key);
    }
    result.laws.push_back(conformal_rank(part.size(), alpha));
    result.thresholds.push_back(conformal_quantile(part, result.laws.back()));
  }
  return result;
}

PredictionSets predict_sets(const Matrix& probabilities, const SetCalibration& calibration,
                            std::span<const std::int64_t> groups, std::uint64_t first_sample) {
  constexpr const char* function = "predict_sets";
  require_options(function, calibration.options);
  require_rows(function, probabilities);
  if (probabilities.columns != calibration.classes) {
    refuse(function, "probabilities have another number of classes than the calibration; got ", probabilities.columns,
           "; expected ", calibration.classes);
  }
  const bool by_group = calibration.conditioning == Conditioning::by_group;
  const std::size_t expected = calibration.conditioning == Conditioning::marginal ? 1
                               : by_group                                         ? calibration.groups.size()
                                                                                  : calibration.classes;
  if (calibration.thresholds.size() != expected || expected == 0) {
    refuse(function, "calibration is not one of calibrate_sets; got ", calibration.thresholds.size(),
           " thresholds; expected ", expected);
  }
  if (by_group ? groups.size() != probabilities.rows : !groups.empty()) {
    refuse(function, "groups must be one for each row of a calibration by group, and none otherwise; got ",
           groups.size(), " for ", probabilities.rows, " rows");
  }
  PredictionSets sets;
  sets.rows = probabilities.rows;
  sets.classes = probabilities.columns;
  sets.words_per_row = (sets.classes + 63) / 64;
  sets.words.assign(sets.rows * sets.words_per_row, 0);
  sets.sizes.assign(sets.rows, 0);
  probabilities.values.visit([&](auto values) { predict_rows(values, calibration, groups, first_sample, sets); });
  return sets;
}

SetEvaluation evaluate_sets(const PredictionSets& sets, std::span<const std::int64_t> labels, double confidence) {
  constexpr const char* function = "evaluate_sets";
  detail::require_open_unit(function, "confidence", confidence);
  detail::require_not_empty(function, "sets", sets.rows);
  require_labels(function, labels, sets.rows, sets.classes);
  struct Count {
    std::size_t covered = 0, n = 0;
  };
  Count all;
  std::vector<Count> by_class(sets.classes);
  std::map<std::size_t, Count> by_size;
  SetEvaluation result;
  std::size_t total = 0;
  for (std::size_t i = 0; i < sets.rows; ++i) {
    const auto label = std::size_t(labels[i]);
    const bool covered = sets.contains(i, label);
    for (Count* count : {&all, &by_class[label], &by_size[sets.sizes[i]]}) {
      count->covered += covered;
      ++count->n;
    }
    total += sets.sizes[i];
    result.empty += sets.sizes[i] == 0;
  }
  result.marginal = coverage_of(all.covered, all.n, confidence);
  result.mean_size = double(total) / double(sets.rows);
  for (const Count& count : by_class) {
    result.by_class.push_back(coverage_of(count.covered, count.n, confidence));
  }
  for (const auto& [size, count] : by_size) {
    result.sizes.push_back(size);
    result.by_size.push_back(coverage_of(count.covered, count.n, confidence));
  }
  return result;
}

}  // namespace oddity::metrics
