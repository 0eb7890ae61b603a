"""Conformal prediction: sets and intervals that hold the truth with a stated probability, for any model and any distribution.

All that is assumed is that new samples are exchangeable with calibration samples which the model has not seen. Every threshold is an exact order statistic of the
calibration scores and says what it is worth: n, the Beta law of its coverage, and, when it is infinite because n is too small, which n is needed.

- Sets of classes: `calibrate_sets` on class probabilities, then `prediction_sets`, `evaluate_sets`. Begin with the score "lac"; take "aps" or "raps" (`SetScore`) when
  hard samples must be covered like easy ones, `class_conditional` when each class must be, `groups` when each camera or product must be.
- Intervals of a number: `residual_scores`, `conformal_quantile`, `residual_intervals`; with predicted quantiles `quantile_scores` and `quantile_intervals` (CQR).
- The promise is an average over calibration sets. `delta` makes it one for the set at hand, with probability 1 - delta, at the price of a slightly higher rank.
- Few samples: `CrossConformal` uses all of them for training and calibration (CV+, jackknife+), with a weaker guarantee.
- Production differs from calibration in a known way: `WeightedCalibration`. It drifts: `AdaptiveConformal`.

Sets of classes:

>>> import numpy as np
>>> from oddity.metrics import conformal
>>> random = np.random.default_rng(0)
>>> classes = random.integers(0, 4, 2000)
>>> logits = random.normal(size=(2000, 4)) + 2 * np.eye(4)[classes]
>>> p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
>>> thresholds = conformal.calibrate_sets(p[:1000], classes[:1000], alpha=0.1)
>>> law = thresholds.quantiles.of(0).coverage
>>> law, round(law.interval().low, 3)
(BetaLaw(a=901.0, b=100.0), 0.881)
>>> sets = conformal.prediction_sets(p[1000:], thresholds)
>>> sets.classes_of(0)
[2]
>>> found = conformal.evaluate_sets(sets, classes[1000:])
>>> found.coverage.value, round(found.mean_size, 2)
(0.902, 1.2)

An interval for a measured number, and what happens when there are too few samples:

>>> f, y = random.normal(size=99), random.normal(size=99)
>>> q = conformal.conformal_quantile(conformal.residual_scores(f, y), alpha=0.1)
>>> q.rank, q.infinite, conformal.residual_intervals([0.0], q.threshold).high.round(2)
(90, False, array([2.67]))
>>> few = conformal.conformal_quantile([0.3, 0.1, 0.2], alpha=0.1)
>>> few.threshold, few.n_needed
(inf, 9)
"""

from ._conformal_quantile import (
    BetaLaw,
    ConformalQuantile,
    ConformalRank,
    GroupQuantiles,
    conformal_quantile,
    conformal_quantiles,
    conformal_rank,
    group_conformal_quantiles,
)
from ._conformal_regression import (
    AdaptiveConformal,
    AdaptiveTrace,
    CrossConformal,
    IntervalEvaluation,
    Intervals,
    WeightedCalibration,
    WeightedThresholds,
    cross_conformal_intervals,
    cross_conformal_sets,
    evaluate_intervals,
    quantile_intervals,
    quantile_scores,
    residual_intervals,
    residual_scores,
)
from ._prediction_sets import (
    Coverage,
    PredictionSets,
    SetEvaluation,
    SetScore,
    SetThresholds,
    SizeStratum,
    calibrate_sets,
    evaluate_sets,
    prediction_sets,
    prediction_sets_at,
    set_scores,
    set_scores_of_all_classes,
)

__all__ = [
    "AdaptiveConformal",
    "AdaptiveTrace",
    "BetaLaw",
    "ConformalQuantile",
    "ConformalRank",
    "Coverage",
    "CrossConformal",
    "GroupQuantiles",
    "IntervalEvaluation",
    "Intervals",
    "PredictionSets",
    "SetEvaluation",
    "SetScore",
    "SetThresholds",
    "SizeStratum",
    "WeightedCalibration",
    "WeightedThresholds",
    "calibrate_sets",
    "conformal_quantile",
    "conformal_quantiles",
    "conformal_rank",
    "cross_conformal_intervals",
    "cross_conformal_sets",
    "evaluate_intervals",
    "evaluate_sets",
    "group_conformal_quantiles",
    "prediction_sets",
    "prediction_sets_at",
    "quantile_intervals",
    "quantile_scores",
    "residual_intervals",
    "residual_scores",
    "set_scores",
    "set_scores_of_all_classes",
]

for _name in __all__:  # help() and pickles name this module
    globals()[_name].__module__ = __name__
del _name
