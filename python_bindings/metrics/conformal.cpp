#include <tuple>

#include "metrics/areas.h"
#include "metrics/arguments.h"
#include "metrics/shared.h"
#include "oddity/metrics/adaptive_conformal.h"
#include "oddity/metrics/conformal_quantile.h"
#include "oddity/metrics/cross_conformal.h"
#include "oddity/metrics/prediction_sets.h"
#include "oddity/metrics/regression_intervals.h"
#include "oddity/metrics/set_evaluation.h"
#include "oddity/metrics/weighted_conformal.h"

namespace oddity::python {
namespace {

using namespace py::literals;
using metrics::AdaptiveConformal;
using metrics::ConformalQuantile;
using metrics::ConformalRank;
using metrics::CrossConformal;
using metrics::SampleRole;
using metrics::SetScore;
using metrics::SetScoreKind;
using metrics::SetThresholds;
using metrics::WeightedCalibration;
using Delta = std::optional<double>;

py::dict fields(const ConformalRank& rank) {
  return py::dict("n"_a = rank.n, "alpha"_a = rank.alpha, "delta"_a = rank.delta, "rank"_a = rank.rank,
                  "infinite"_a = rank.infinite, "n_needed"_a = rank.n_needed,
                  "coverage"_a = py::make_tuple(rank.coverage.a, rank.coverage.b));
}

py::dict fields(const ConformalQuantile& quantile) {
  py::dict result = fields(static_cast<const ConformalRank&>(quantile));
  result["threshold"] = quantile.threshold;
  return result;
}

py::list fields(const std::vector<ConformalQuantile>& quantiles) {
  py::list result;
  for (const ConformalQuantile& quantile : quantiles) {
    result.append(fields(quantile));
  }
  return result;
}

py::dict fields(metrics::GroupQuantiles&& result) {
  py::list quantiles = fields(result.quantiles);
  return py::dict("alphas"_a = result.alphas, "groups"_a = to_numpy(std::move(result.groups)),
                  "quantiles"_a = std::move(quantiles));
}

py::dict fields(const metrics::Coverage& coverage) {
  return py::dict("n"_a = coverage.n, "covered"_a = coverage.covered, "value"_a = coverage.value,
                  "low"_a = coverage.interval.low, "high"_a = coverage.interval.high);
}

py::list fields(const std::vector<metrics::Coverage>& coverages) {
  py::list result;
  for (const metrics::Coverage& coverage : coverages) {
    result.append(fields(coverage));
  }
  return result;
}

py::dict fields(metrics::PredictionSets&& sets) {
  const auto levels = py::ssize_t(sets.levels), rows = py::ssize_t(sets.rows), words = py::ssize_t(sets.words);
  return py::dict("masks"_a = to_numpy(std::move(sets.masks), {levels, rows, words}),
                  "sizes"_a = to_numpy(std::move(sets.sizes), {levels, rows}), "infinite"_a = sets.infinite,
                  "classes"_a = sets.classes);
}

py::tuple fields(metrics::Intervals&& intervals) {
  return py::make_tuple(to_numpy(std::move(intervals.low)), to_numpy(std::move(intervals.high)));
}

/// kind, randomized, (penalty, free ranks) or None, seed
using ScoreFields = std::tuple<std::string, bool, std::optional<std::tuple<double, std::size_t>>, std::uint64_t>;

SetScore score_of(const char* function, const ScoreFields& given) {
  const auto& [word, randomized, penalty, seed] = given;
  SetScore score;
  score.kind = choice<SetScoreKind>(function, "kind", word,
                                    {{"lac", SetScoreKind::lac},
                                     {"aps", SetScoreKind::aps},
                                     {"raps", SetScoreKind::raps},
                                     {"margin", SetScoreKind::margin}});
  score.randomized = randomized;
  if (penalty) {
    score.penalty = metrics::RankPenalty{std::get<0>(*penalty), std::get<1>(*penalty)};
  }
  score.seed = seed;
  return score;
}

SampleRole role_of(const char* function, const std::string& word) {
  return choice<SampleRole>(function, "role", word,
                            {{"calibration", SampleRole::calibration}, {"test", SampleRole::test}});
}

SetThresholds::Condition condition_of(const char* function, const std::string& word) {
  using Condition = SetThresholds::Condition;
  return choice<Condition>(
      function, "condition", word,
      {{"marginal", Condition::marginal}, {"by_class", Condition::by_class}, {"by_group", Condition::by_group}});
}

const char* name_of(SetThresholds::Condition condition) {
  return condition == SetThresholds::Condition::marginal   ? "marginal"
         : condition == SetThresholds::Condition::by_class ? "by_class"
                                                           : "by_group";
}

void bind_quantiles(py::module_& m) {
  m.def("beta_below", [](double a, double b, double level) { return metrics::BetaLaw{a, b}.probability_below(level); });
  m.def("beta_interval", [](double a, double b, double confidence) {
    const metrics::Interval interval = metrics::BetaLaw{a, b}.interval(confidence);
    return py::make_tuple(interval.low, interval.high);
  });
  m.def("conformal_rank", [](std::size_t n, double alpha, const Delta& delta) {
    return fields(metrics::conformal_rank(n, alpha, delta));
  });
  m.def("conformal_quantile", [](const ArrayLike& scores, double alpha, const Delta& delta) {
    Arguments arguments("conformal_quantile");
    const metrics::Values values = arguments.values("scores", scores);
    return fields(without_gil([&] { return metrics::conformal_quantile(values, alpha, delta); }));
  });
  m.def("conformal_quantiles", [](const ArrayLike& scores, const ArrayLike& alphas, const Delta& delta) {
    Arguments arguments("conformal_quantiles");
    const metrics::Values values = arguments.values("scores", scores);
    const std::span<const double> levels = arguments.doubles("alphas", alphas);
    return fields(without_gil([&] { return metrics::conformal_quantiles(values, levels, delta); }));
  });
  m.def("group_conformal_quantiles", [](const ArrayLike& scores, const ArrayLike& groups, const ArrayLike& alphas,
                                        const Delta& delta) {
    Arguments arguments("group_conformal_quantiles");
    const metrics::Values values = arguments.values("scores", scores);
    const std::span<const std::int64_t> of_groups = arguments.integers("groups", groups);
    const std::span<const double> levels = arguments.doubles("alphas", alphas);
    return fields(without_gil([&] { return metrics::group_conformal_quantiles(values, of_groups, levels, delta); }));
  });
}

void bind_sets(py::module_& m) {
  m.def("set_scores", [](const ArrayLike& probabilities, const ArrayLike& classes, const ScoreFields& score,
                         const OptionalArray& ids, const std::string& role) {
    Arguments arguments("set_scores");
    const metrics::Matrix table = arguments.matrix("probabilities", probabilities);
    const std::span<const std::int64_t> of_classes = arguments.integers("classes", classes);
    const std::span<const std::int64_t> of_ids = arguments.optional_integers("ids", ids);
    const SetScore wanted = score_of("set_scores", score);
    const SampleRole part = role_of("set_scores", role);
    return to_numpy(without_gil([&] { return metrics::set_scores(table, of_classes, wanted, of_ids, part); }));
  });
  m.def("set_scores_of_all_classes", [](const ArrayLike& probabilities, const ScoreFields& score,
                                        const OptionalArray& ids, const std::string& role) {
    Arguments arguments("set_scores_of_all_classes");
    const metrics::Matrix table = arguments.matrix("probabilities", probabilities);
    const std::span<const std::int64_t> of_ids = arguments.optional_integers("ids", ids);
    const SetScore wanted = score_of("set_scores_of_all_classes", score);
    const SampleRole part = role_of("set_scores_of_all_classes", role);
    return to_numpy(without_gil([&] { return metrics::set_scores_of_all_classes(table, wanted, of_ids, part); }),
                    {py::ssize_t(table.rows), py::ssize_t(table.columns)});
  });
  m.def("calibrate_sets", [](const ArrayLike& probabilities, const ArrayLike& classes, const ArrayLike& alpha,
                             const ScoreFields& score, bool class_conditional, const OptionalArray& groups,
                             const OptionalArray& ids, const Delta& delta) {
    Arguments arguments("calibrate_sets");
    const metrics::Matrix table = arguments.matrix("probabilities", probabilities);
    const std::span<const std::int64_t> of_classes = arguments.integers("classes", classes);
    const std::span<const double> alphas = arguments.doubles("alpha", alpha);
    const std::span<const std::int64_t> of_groups = arguments.optional_integers("groups", groups);
    const std::span<const std::int64_t> of_ids = arguments.optional_integers("ids", ids);
    const SetScore wanted = score_of("calibrate_sets", score);
    const metrics::SetCalibrationOptions options{{alphas.begin(), alphas.end()}, class_conditional, delta};
    SetThresholds result =
        without_gil([&] { return metrics::calibrate_sets(table, of_classes, wanted, options, of_groups, of_ids); });
    return py::make_tuple(result.classes, name_of(result.condition), fields(std::move(result.quantiles)));
  });
  m.def("prediction_sets", [](const ArrayLike& probabilities, const ScoreFields& score, std::size_t classes,
                              const std::string& condition, const ArrayLike& of_groups, const ArrayLike& thresholds,
                              const OptionalArray& groups, const OptionalArray& ids) {
    Arguments arguments("prediction_sets");
    const metrics::Matrix table = arguments.matrix("probabilities", probabilities);
    const metrics::Matrix limits = arguments.matrix("thresholds", thresholds);
    const std::span<const std::int64_t> known = arguments.integers("groups of thresholds", of_groups);
    const std::span<const std::int64_t> rows_groups = arguments.optional_integers("groups", groups);
    const std::span<const std::int64_t> of_ids = arguments.optional_integers("ids", ids);
    SetThresholds wanted;
    wanted.score = score_of("prediction_sets", score);
    wanted.classes = classes;
    wanted.condition = condition_of("prediction_sets", condition);
    wanted.quantiles.alphas.resize(limits.rows);
    wanted.quantiles.groups.assign(known.begin(), known.end());
    wanted.quantiles.quantiles.resize(limits.values.size());
    for (std::size_t i = 0; i < limits.values.size(); ++i) {
      wanted.quantiles.quantiles[i].threshold = limits.values[i];
    }
    return fields(without_gil([&] { return metrics::prediction_sets(table, wanted, rows_groups, of_ids); }));
  });
  m.def("prediction_sets_at", [](const ArrayLike& probabilities, const ArrayLike& thresholds, const ScoreFields& score,
                                 const OptionalArray& ids) {
    Arguments arguments("prediction_sets_at");
    const metrics::Matrix table = arguments.matrix("probabilities", probabilities);
    const metrics::Values limits = arguments.values("thresholds", thresholds);
    const std::span<const std::int64_t> of_ids = arguments.optional_integers("ids", ids);
    const SetScore wanted = score_of("prediction_sets_at", score);
    return fields(without_gil([&] { return metrics::prediction_sets_at(table, wanted, limits, of_ids); }));
  });
  using Masks = py::array_t<std::uint64_t, py::array::c_style>;
  using Sizes = py::array_t<std::uint32_t, py::array::c_style>;
  m.def("evaluate_sets", [](const Masks& masks, const Sizes& sizes, std::size_t classes, const ArrayLike& of_rows,
                            std::size_t level, double confidence, const std::vector<std::size_t>& size_bounds,
                            const OptionalArray& groups) {
    Arguments arguments("evaluate_sets");
    if (masks.ndim() != 3 || sizes.ndim() != 2) {
      throw py::value_error("[metrics.evaluate_sets] sets have no masks [levels, rows, words] or sizes [levels, rows]");
    }
    metrics::PredictionSets sets;
    sets.levels = std::size_t(masks.shape(0));
    sets.rows = std::size_t(masks.shape(1));
    sets.words = std::size_t(masks.shape(2));
    sets.classes = classes;
    sets.masks.assign(masks.data(), masks.data() + masks.size());
    sets.sizes.assign(sizes.data(), sizes.data() + sizes.size());
    const std::span<const std::int64_t> truth = arguments.integers("classes", of_rows);
    const std::span<const std::int64_t> of_groups = arguments.optional_integers("groups", groups);
    const metrics::SetEvaluationOptions options{level, confidence, size_bounds};
    metrics::SetEvaluation result =
        without_gil([&] { return metrics::evaluate_sets(sets, truth, options, of_groups); });
    py::list strata;
    for (const metrics::SizeStratum& stratum : result.strata) {
      strata.append(py::make_tuple(stratum.first, stratum.last, fields(stratum.coverage)));
    }
    return py::dict(
        "coverage"_a = fields(result.coverage), "mean_size"_a = result.mean_size,
        "mean_size_interval"_a = py::make_tuple(result.mean_size_interval.low, result.mean_size_interval.high),
        "empty"_a = result.empty, "full"_a = result.full, "strata"_a = strata,
        "size_stratified_coverage"_a = result.size_stratified_coverage, "by_class"_a = fields(result.by_class),
        "groups"_a = result.groups, "by_group"_a = fields(result.by_group));
  });
}

void bind_regression(py::module_& m) {
  m.def("residual_scores", [](const ArrayLike& predictions, const ArrayLike& targets, const OptionalArray& scales) {
    Arguments arguments("residual_scores");
    const metrics::Values f = arguments.values("predictions", predictions);
    const metrics::Values y = arguments.values("targets", targets);
    const metrics::Values of_scales = arguments.optional_values("scales", scales);
    return to_numpy(without_gil([&] { return metrics::residual_scores(f, y, of_scales); }));
  });
  m.def("quantile_scores", [](const ArrayLike& low, const ArrayLike& high, const ArrayLike& targets) {
    Arguments arguments("quantile_scores");
    const metrics::Values from = arguments.values("low", low), to = arguments.values("high", high);
    const metrics::Values y = arguments.values("targets", targets);
    return to_numpy(without_gil([&] { return metrics::quantile_scores(from, to, y); }));
  });
  m.def("residual_intervals",
        [](const ArrayLike& predictions, const ArrayLike& thresholds, const OptionalArray& scales) {
          Arguments arguments("residual_intervals");
          const metrics::Values f = arguments.values("predictions", predictions);
          const metrics::Values limits = arguments.values("thresholds", thresholds);
          const metrics::Values of_scales = arguments.optional_values("scales", scales);
          return fields(without_gil([&] { return metrics::residual_intervals(f, limits, of_scales); }));
        });
  m.def("quantile_intervals", [](const ArrayLike& low, const ArrayLike& high, const ArrayLike& thresholds) {
    Arguments arguments("quantile_intervals");
    const metrics::Values from = arguments.values("low", low), to = arguments.values("high", high);
    const metrics::Values limits = arguments.values("thresholds", thresholds);
    return fields(without_gil([&] { return metrics::quantile_intervals(from, to, limits); }));
  });
  m.def("evaluate_intervals",
        [](const ArrayLike& low, const ArrayLike& high, const ArrayLike& targets, double confidence) {
          Arguments arguments("evaluate_intervals");
          metrics::Intervals intervals;
          const auto copy = [](metrics::Values values, std::vector<double>& into) {
            for (std::size_t i = 0; i < values.size(); ++i) {
              into.push_back(values[i]);
            }
          };
          copy(arguments.values("low", low), intervals.low);
          copy(arguments.values("high", high), intervals.high);
          const metrics::Values y = arguments.values("targets", targets);
          const metrics::IntervalEvaluation result =
              without_gil([&] { return metrics::evaluate_intervals(intervals, y, confidence); });
          return py::dict("coverage"_a = fields(result.coverage), "below"_a = result.below, "above"_a = result.above,
                          "empty"_a = result.empty, "infinite"_a = result.infinite, "mean_width"_a = result.mean_width);
        });
}

void bind_calibrations(py::module_& m) {
  py::class_<CrossConformal>(m, "CrossConformal")
      .def(py::init([](const ArrayLike& scores, const ArrayLike& folds) {
        Arguments arguments("cross_conformal");
        const metrics::Values values = arguments.values("scores", scores);
        const std::span<const std::int64_t> of_folds = arguments.integers("folds", folds);
        return without_gil([&] { return CrossConformal(values, of_folds); });
      }))
      .def("n", &CrossConformal::n)
      .def("folds", &CrossConformal::folds)
      .def("guaranteed_coverage", &CrossConformal::guaranteed_coverage);
  m.def("cross_conformal_sets", [](const std::vector<ArrayLike>& probabilities, const CrossConformal& calibration,
                                   const ArrayLike& alpha, const ScoreFields& score, const OptionalArray& ids) {
    Arguments arguments("cross_conformal_sets");
    std::vector<metrics::Matrix> tables;
    for (const ArrayLike& table : probabilities) {
      tables.push_back(arguments.matrix("probabilities", table));
    }
    const std::span<const double> alphas = arguments.doubles("alpha", alpha);
    const std::span<const std::int64_t> of_ids = arguments.optional_integers("ids", ids);
    const SetScore wanted = score_of("cross_conformal_sets", score);
    return fields(
        without_gil([&] { return metrics::cross_conformal_sets(tables, calibration, wanted, alphas, of_ids); }));
  });
  m.def("cross_conformal_intervals", [](const ArrayLike& predictions, const CrossConformal& calibration, double alpha) {
    Arguments arguments("cross_conformal_intervals");
    const metrics::Matrix table = arguments.matrix("predictions", predictions);
    return fields(without_gil([&] { return metrics::cross_conformal_intervals(table, calibration, alpha); }));
  });
  py::class_<WeightedCalibration>(m, "WeightedCalibration")
      .def(py::init([](const ArrayLike& scores, const ArrayLike& weights) {
        Arguments arguments("weighted_calibration");
        const metrics::Values values = arguments.values("scores", scores);
        const metrics::Values of_weights = arguments.values("weights", weights);
        return without_gil([&] { return WeightedCalibration(values, of_weights); });
      }))
      .def("n", &WeightedCalibration::n)
      .def("effective_sample_size", &WeightedCalibration::effective_sample_size)
      .def("thresholds", [](const WeightedCalibration& self, double alpha, const ArrayLike& test_weights) {
        Arguments arguments("weighted_thresholds");
        const metrics::Values weights = arguments.values("test_weights", test_weights);
        metrics::WeightedThresholds result = without_gil([&] { return self.thresholds(alpha, weights); });
        return py::dict("thresholds"_a = to_numpy(std::move(result.thresholds)), "infinite"_a = result.infinite,
                        "largest_test_weight"_a = result.largest_test_weight);
      });
}

void bind_adaptive(py::module_& m) {
  using Adaptive = Shared<AdaptiveConformal>;
  py::class_<Adaptive>(m, "AdaptiveConformal")
      .def(py::init([](const ArrayLike& scores, double alpha, double step, const Delta& start, std::size_t window,
                       std::uint64_t steps, std::uint64_t misses) {
        Arguments arguments("adaptive_conformal");
        const metrics::Values values = arguments.values("calibration_scores", scores);
        const metrics::AdaptiveOptions options{alpha, step, start, window};
        if (steps == 0 && misses == 0) {
          return shared<AdaptiveConformal>(values, options);
        }
        metrics::AdaptiveState state{options, steps, misses, {}};
        for (std::size_t i = 0; i < values.size(); ++i) {
          state.reference.push_back(values[i]);
        }
        return shared<AdaptiveConformal>(state);
      }))
      .def("level", [](Adaptive& self) { return self.use([](auto& object) { return object.level(); }); })
      .def("threshold", [](Adaptive& self) { return self.use([](auto& object) { return object.threshold(); }); })
      .def("update",
           [](Adaptive& self, double score) { return self.use([=](auto& object) { return object.update(score); }); })
      .def("run",
           [](Adaptive& self, const ArrayLike& scores) {
             Arguments arguments("adaptive_conformal");
             const metrics::Values values = arguments.values("scores", scores);
             metrics::AdaptiveTrace trace = self.use([&](auto& object) { return object.run(values); });
             return py::make_tuple(to_numpy(std::move(trace.levels)), to_numpy(std::move(trace.thresholds)),
                                   to_numpy(std::move(trace.missed)));
           })
      .def("miss_rate", [](Adaptive& self) { return self.use([](auto& object) { return object.miss_rate(); }); })
      .def("bound", [](Adaptive& self) { return self.use([](auto& object) { return object.bound(); }); })
      .def("state", [](Adaptive& self) {
        metrics::AdaptiveState state = self.use([](auto& object) { return object.state(); });
        return py::make_tuple(to_numpy(std::move(state.reference)), state.options.alpha, state.options.step,
                              state.options.start, state.options.window, state.steps, state.misses);
      });
}

}  // namespace

void bind_conformal(py::module_& m) {
  bind_quantiles(m);
  bind_sets(m);
  bind_regression(m);
  bind_calibrations(m);
  bind_adaptive(m);
}

}  // namespace oddity::python
