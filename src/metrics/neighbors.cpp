#include "oddity/metrics/neighbors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/threads.h"
#include "metrics/check.h"
#include "metrics/inner_products.h"

namespace oddity::metrics {
namespace {

using detail::refuse;

constexpr const char* kFunction = "nearest_neighbors";
constexpr double kUnit = 0x1p-24;  // rounding unit of float32

/// Rows as float32, shifted and scaled to at most 1 in size, in groups for the kernel; the last group is padded with
/// zeros.
struct PackedRows {
  std::vector<float> values;
  std::vector<double> norms;  ///< squared, of the rounded rows
};

template <class T>
PackedRows pack(std::span<const T> rows, std::size_t dimensions, const std::vector<double>& center, double scale,
                std::size_t group) {
  const std::size_t count = rows.size() / dimensions, groups = (count + group - 1) / group;
  PackedRows packed{std::vector<float>(groups * group * dimensions), std::vector<double>(groups * group)};
  thread_pool().parallel_for(0, std::int64_t(groups), 16, [&](std::int64_t first, std::int64_t last) {
    for (auto g = std::size_t(first); g < std::size_t(last); ++g) {
      for (std::size_t i = g * group; i < std::min(count, (g + 1) * group); ++i) {
        float* to = packed.values.data() + g * group * dimensions + i % group;
        double norm = 0;
        for (std::size_t d = 0; d < dimensions; ++d) {
          const auto value = float((double(rows[i * dimensions + d]) - center[d]) * scale);
          to[d * group] = value;
          norm += double(value) * double(value);
        }
        packed.norms[i] = norm;
      }
    }
  });
  return packed;
}

/// A row that may be a neighbour: its squared distance lies in [lower, upper], in scaled units.
struct Candidate {
  double lower, upper;
  std::size_t row;
};

/// The candidates of one query. `limit` is the distance above which no row can be a neighbour any more.
template <class T>
class Search {
public:
  Search(const T* query, const T* reference, std::size_t dimensions, std::size_t k, double scale)
      : query_(query), reference_(reference), dimensions_(dimensions), k_(k), scale_(scale) {}

  double limit() const { return limit_; }

  void add(const Candidate& candidate) {
    candidates_.push_back(candidate);
    if (candidates_.size() >= 4 * k_ + 64) {
      narrow();
      if (candidates_.size() >= 2 * k_ + 32) {  // bounds too wide to tell them apart
        decide();
      }
    }
  }

  /// The k nearest, exactly: squared distances in scaled units, ascending, equal ones by row.
  const std::vector<Candidate>& finish() {
    narrow();
    decide();
    return candidates_;
  }

private:
  void narrow() {
    if (candidates_.size() <= k_) {
      return;
    }
    std::vector<double> upper(candidates_.size());
    std::transform(candidates_.begin(), candidates_.end(), upper.begin(), [](const auto& c) { return c.upper; });
    std::nth_element(upper.begin(), upper.begin() + std::ptrdiff_t(k_ - 1), upper.end());
    limit_ = std::min(limit_, upper[k_ - 1]);
    std::erase_if(candidates_, [&](const Candidate& c) { return c.lower > limit_; });
  }

  void decide() {
    for (Candidate& c : candidates_) {
      if (c.lower < c.upper) {
        c.lower = c.upper = exact(c.row);
      }
    }
    const auto nearer = [](const Candidate& a, const Candidate& b) {
      return a.upper < b.upper || (a.upper == b.upper && a.row < b.row);
    };
    std::sort(candidates_.begin(), candidates_.end(), nearer);
    if (candidates_.size() >= k_) {
      candidates_.resize(k_);
      limit_ = std::min(limit_, candidates_.back().upper);
    }
  }

  double exact(std::size_t row) const {
    return detail::squared_distance(query_, reference_ + row * dimensions_, dimensions_) * scale_ * scale_;
  }

  const T *query_, *reference_;
  std::size_t dimensions_, k_;
  double scale_;
  double limit_ = std::numeric_limits<double>::infinity();
  std::vector<Candidate> candidates_;
};

template <class T>
Neighbors search(std::span<const T> reference, std::span<const T> queries, std::size_t dimensions,
                 const NeighborOptions& options) {
  const std::size_t n = reference.size() / dimensions, m = queries.size() / dimensions, k = options.k;
  // Centring makes norms, and with them rounding errors, small. Any centre would be right.
  std::vector<double> center(dimensions);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t d = 0; d < dimensions; ++d) {
      center[d] += double(reference[i * dimensions + d]) / double(n);
    }
  }
  double largest = 0;
  for (const auto& rows : {reference, queries}) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      largest = std::max(largest, std::abs(double(rows[i]) - center[i % dimensions]));
    }
  }
  const double scale = largest > 0 ? std::exp2(-std::ceil(std::log2(largest))) : 1;

  const detail::InnerProductKernel& kernel = detail::inner_product_kernel();
  const std::size_t rows_q = kernel.query_group, rows_r = kernel.reference_group;
  const PackedRows packed_r = pack(reference, dimensions, center, scale, rows_r);
  const PackedRows packed_q = pack(queries, dimensions, center, scale, rows_q);
  const std::size_t groups_r = packed_r.norms.size() / rows_r;
  std::vector<float> half_norms(packed_r.norms.size());
  std::vector<double> longest(groups_r);
  for (std::size_t r = 0; r < half_norms.size(); ++r) {
    half_norms[r] = r < n ? float(packed_r.norms[r] / 2) : std::numeric_limits<float>::infinity();
    longest[r / rows_r] = std::max(longest[r / rows_r], std::sqrt(packed_r.norms[r]));
  }

  // Error of nx + ny - 2 x.y in float32 against the exact distance: of the sum of products (Higham 2002, 3.5), of
  // rounding the rows, of the comparison itself, and of products too small for float32.
  const double gamma = double(dimensions) * kUnit / (1 - std::min(0.5, double(dimensions) * kUnit));
  const double underflow = double(dimensions) * 1e-37;

  Neighbors result{m, k, std::vector<double>(m * k), std::vector<std::int64_t>(m * k)};
  const std::size_t groups_q = packed_q.norms.size() / rows_q;
  thread_pool().parallel_for(0, std::int64_t(groups_q), 16, [&](std::int64_t first, std::int64_t last) {
    const std::size_t begin = std::size_t(first) * rows_q, end = std::min(m, std::size_t(last) * rows_q);
    std::vector<Search<T>> searches;
    searches.reserve(end - begin);
    for (std::size_t q = begin; q < end; ++q) {
      searches.emplace_back(queries.data() + q * dimensions, reference.data(), dimensions, k, scale);
    }
    std::vector<float> products(rows_q * rows_r);
    for (std::size_t g = 0; g < groups_r; ++g) {
      for (auto group = std::size_t(first); group < std::size_t(last); ++group) {
        kernel.run(packed_q.values.data() + group * rows_q * dimensions,
                   packed_r.values.data() + g * rows_r * dimensions, dimensions, products.data());
        for (std::size_t q = group * rows_q; q < std::min(end, (group + 1) * rows_q); ++q) {
          Search<T>& of_query = searches[q - begin];
          const double norm = packed_q.norms[q], length = std::sqrt(norm), sum = length + longest[g];
          const double error = 2 * gamma * length * longest[g] + 16 * kUnit * sum * sum + underflow;
          const auto bar = float((norm - error - of_query.limit()) / 2);
          const float* row = products.data() + (q - group * rows_q) * rows_r;
          const float* halves = half_norms.data() + g * rows_r;
          int any = 0;
          for (std::size_t r = 0; r < rows_r; ++r) {
            any |= int(row[r] >= halves[r] + bar);
          }
          if (any == 0) {
            continue;
          }
          for (std::size_t r = 0; r < rows_r; ++r) {
            const std::size_t index = g * rows_r + r;
            if (!(row[r] >= halves[r] + bar) || index >= n || (options.exclude_self && index == q)) {
              continue;
            }
            const double about = norm + packed_r.norms[index] - 2 * double(row[r]);
            of_query.add({about - error, about + error, index});
          }
        }
      }
    }
    for (std::size_t q = begin; q < end; ++q) {
      const auto& nearest = searches[q - begin].finish();
      for (std::size_t j = 0; j < k; ++j) {
        const double squared = nearest[j].upper / (scale * scale);
        result.distances[q * k + j] = options.distance == Distance::cosine ? squared / 2 : std::sqrt(squared);
        result.indices[q * k + j] = std::int64_t(nearest[j].row);
      }
    }
  });
  return result;
}

std::vector<double> widened(const Matrix& matrix) {
  std::vector<double> rows(matrix.values.size());
  matrix.values.visit([&](auto values) { std::copy(values.begin(), values.end(), rows.begin()); });
  return rows;
}

void normalize_rows(const char* name, std::vector<double>& rows, std::size_t dimensions) {
  for (std::size_t i = 0; i < rows.size(); i += dimensions) {
    double largest = 0, sum = 0;
    for (std::size_t d = 0; d < dimensions; ++d) {
      largest = std::max(largest, std::abs(rows[i + d]));
    }
    if (largest == 0) {
      refuse(kFunction, name, " row ", i / dimensions, " is zero; expected a direction for the cosine distance");
    }
    for (std::size_t d = 0; d < dimensions; ++d) {
      rows[i + d] /= largest;
      sum += rows[i + d] * rows[i + d];
    }
    const double length = std::sqrt(sum);
    for (std::size_t d = 0; d < dimensions; ++d) {
      rows[i + d] /= length;
    }
  }
}

void require_rows(const char* name, const Matrix& matrix) {
  detail::require_matrix(kFunction, name, matrix);
  constexpr double most = 1e150;  // squares of differences stay finite
  for (std::size_t i = 0; i < matrix.values.size(); ++i) {
    if (std::abs(matrix.values[i]) > most) {
      refuse(kFunction, name, " must be at most 1e150 in size; got ", matrix.values[i], " in row ", i / matrix.columns);
    }
  }
}

}  // namespace

Neighbors nearest_neighbors(const Matrix& reference, const Matrix& queries, const NeighborOptions& options) {
  require_rows("reference", reference);
  require_rows("queries", queries);
  if (reference.columns != queries.columns) {
    refuse(kFunction, "reference and queries differ in columns; got ", reference.columns, " and ", queries.columns);
  }
  if (options.exclude_self && reference.rows != queries.rows) {
    refuse(kFunction, "exclude_self needs the reference as queries; got ", queries.rows, " and ", reference.rows,
           " rows");
  }
  const std::size_t most = reference.rows - (options.exclude_self ? 1 : 0);
  if (options.k < 1 || options.k > most) {
    refuse(kFunction, "k is out of range; got ", options.k, "; expected 1 to ", most, " (", reference.rows,
           " reference rows)");
  }
  const std::size_t dimensions = reference.columns;
  if (options.distance == Distance::cosine) {
    std::vector<double> wide_r = widened(reference), wide_q = widened(queries);
    normalize_rows("reference", wide_r, dimensions);
    normalize_rows("queries", wide_q, dimensions);
    return search<double>(wide_r, wide_q, dimensions, options);
  }
  return reference.values.visit([&](auto of_reference) {
    return queries.values.visit([&](auto of_queries) {
      if constexpr (std::is_same_v<decltype(of_reference), decltype(of_queries)>) {
        return search(of_reference, of_queries, dimensions, options);
      } else {
        return search<double>(widened(reference), widened(queries), dimensions, options);
      }
    });
  });
}

}  // namespace oddity::metrics
