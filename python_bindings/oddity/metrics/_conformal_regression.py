"""Conformal intervals, weights, cross-validation and streams; public names are in oddity.metrics.conformal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import conformal as _compiled

from ._arguments import ArrayLike, count, optional, real, require_kind
from ._conformal_quantile import levels
from ._prediction_sets import Coverage, PredictionSets, SetScore, coverage_of, score_of, sets_of

__all__ = [
    "AdaptiveConformal",
    "AdaptiveTrace",
    "CrossConformal",
    "IntervalEvaluation",
    "Intervals",
    "WeightedCalibration",
    "WeightedThresholds",
    "cross_conformal_intervals",
    "cross_conformal_sets",
    "evaluate_intervals",
    "quantile_intervals",
    "quantile_scores",
    "residual_intervals",
    "residual_scores",
]


@dataclass(frozen=True, eq=False)
class Intervals:
    """One interval for each sample.

    Attributes:
        low: [samples] float64, -inf when n is too small.
        high: [samples] float64; low > high: empty, no value conforms.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class IntervalEvaluation:
    """Coverage and width of intervals on samples with known targets.

    Attributes:
        coverage: Of targets inside, ends included.
        below: Targets below their interval.
        above: Targets above it; a miss of an empty interval counts as neither.
        empty: Intervals with low > high.
        infinite: Intervals with an infinite end.
        mean_width: Of the others; NaN when there is none.
    """

    coverage: Coverage
    below: int
    above: int
    empty: int
    infinite: int
    mean_width: float


@dataclass(frozen=True, eq=False)
class WeightedThresholds:
    """Thresholds under covariate shift.

    Attributes:
        thresholds: [test weights] float64; inf where the calibration carries too little.
        infinite: How many are infinite.
        largest_test_weight: The largest test weight with a finite threshold: alpha / (1 - alpha) times the sum of the calibration weights.
    """

    thresholds: NDArray[np.float64]
    infinite: int
    largest_test_weight: float


@dataclass(frozen=True, eq=False)
class AdaptiveTrace:
    """What happened at each step.

    Attributes:
        levels: [steps] float64, in force before each score was seen.
        thresholds: [steps] float64, likewise; inf or -inf at levels outside (0, 1).
        missed: [steps] bool: the score was above the threshold.
    """

    levels: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    missed: NDArray[np.bool_]


def residual_scores(predictions: ArrayLike, targets: ArrayLike, *, scales: ArrayLike | None = None) -> NDArray[np.float64]:
    """Absolute residuals |y - f|, or |y - f| / scale (Papadopoulos et al. 2002; Lei et al. 2018).

    A score is rounded up so far that the interval it gives holds the target: ties with a threshold are never lost to rounding.

    Args:
        predictions: [n] float32 or float64, of a model that has not seen these samples.
        targets: [n]: the true values.
        scales: [n], above 0, from the samples' features alone, such as a predicted standard deviation: intervals are then wide where the model expects to be wrong.

    Returns:
        [n] float64; larger is stranger.

    Raises:
        ValueError: Empty, NaN or infinite, lengths that differ, scales not above 0, or scores beyond float64.
        TypeError: Another dtype.
    """
    result: NDArray[np.float64] = _compiled.residual_scores(predictions, targets, scales)
    return result


def quantile_scores(low: ArrayLike, high: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Scores of conformalised quantile regression, max(low - y, y - high) (CQR; Romano, Patterson and Candes 2019).

    Args:
        low: [n] float32 or float64: predicted lower quantiles, of a model that has not seen these samples.
        high: [n]: predicted upper quantiles; they may cross.
        targets: [n]: the true values.

    Returns:
        [n] float64; larger is stranger, negative inside. Rounded up as in `residual_scores`.

    Raises:
        ValueError: Empty, NaN or infinite, or lengths that differ.
        TypeError: Another dtype.
    """
    result: NDArray[np.float64] = _compiled.quantile_scores(low, high, targets)
    return result


def residual_intervals(predictions: ArrayLike, thresholds: float | ArrayLike, *, scales: ArrayLike | None = None) -> Intervals:
    """Intervals f -+ threshold, or f -+ threshold * scale; their guarantee is that of the threshold.

    Args:
        predictions: [samples] float32 or float64.
        thresholds: One number, or one for each sample, of `residual_scores`; inf gives (-inf, inf), a negative one the empty interval (inf, -inf).
        scales: [samples], when the scores were scaled.

    Returns:
        One interval for each sample.

    Raises:
        ValueError: Empty, NaN, infinite predictions, lengths that differ, or scales not above 0.
        TypeError: Another dtype.
    """
    return Intervals(*_compiled.residual_intervals(predictions, levels("residual_intervals", "thresholds", thresholds), scales))


def quantile_intervals(low: ArrayLike, high: ArrayLike, thresholds: float | ArrayLike) -> Intervals:
    """Intervals [low - threshold, high + threshold] of CQR; their guarantee is that of the threshold.

    Args:
        low: [samples] float32 or float64: predicted lower quantiles.
        high: [samples]: predicted upper quantiles.
        thresholds: One number, or one for each sample, of `quantile_scores`; a negative one shrinks, possibly to nothing (low > high).

    Returns:
        One interval for each sample.

    Raises:
        ValueError: Empty, NaN, infinite quantiles, or lengths that differ.
        TypeError: Another dtype.
    """
    return Intervals(*_compiled.quantile_intervals(low, high, levels("quantile_intervals", "thresholds", thresholds)))


def evaluate_intervals(intervals: Intervals, targets: ArrayLike, *, confidence: float = 0.95) -> IntervalEvaluation:
    """Coverage and width of intervals on samples with known targets.

    Args:
        intervals: Of samples that were not in the calibration.
        targets: [samples]: the true values.
        confidence: Of the interval of the coverage, in (0, 1).

    Returns:
        Coverage with its exact interval, misses by side, mean width.

    Raises:
        ValueError: Empty, NaN, lengths that differ, or confidence out of range.
        TypeError: Another dtype.
    """
    result = _compiled.evaluate_intervals(intervals.low, intervals.high, targets, real("evaluate_intervals", "confidence", confidence))
    return IntervalEvaluation(**{**result, "coverage": coverage_of(result["coverage"])})


class CrossConformal:
    """Out-of-fold scores for CV+ and jackknife+: all samples serve training and calibration.

    K models are trained, each without its fold; the score of a sample comes from the model that has not seen it. Folds must not depend on the samples' values, and
    training must not depend on their order. What is proven is `guaranteed_coverage`, not 1 - alpha; in practice the coverage is near 1 - alpha.

    Args:
        scores: [n] float32 or float64, larger is stranger, such as `set_scores` or `residual_scores` of out-of-fold predictions.
        folds: [n] integers, 0 to K - 1, each with a sample, at least 2; K = n is jackknife+.

    Raises:
        ValueError: Empty, NaN or infinite, lengths that differ, or bad folds.
        TypeError: Another dtype.
    """

    def __init__(self, scores: ArrayLike, folds: ArrayLike) -> None:
        self._compiled = _compiled.CrossConformal(scores, folds)
        self._arrays = (np.array(scores), np.array(folds))

    @property
    def n(self) -> int:
        """Calibration samples."""
        size: int = self._compiled.n()
        return size

    @property
    def folds(self) -> int:
        """Number of folds, K."""
        number: int = self._compiled.folds()
        return number

    def guaranteed_coverage(self, alpha: float) -> float:
        """What is proven: P(covered) >= 1 - 2 alpha - e, or 0 if that is negative.

        e is the smaller of 2 (1 - alpha)(K - 1) / (n + K) (any folds; Vovk, Nouretdinov, Manokhin and Gammerman 2018) and, for folds of one size,
        (1 - K / n) / (K + 1) (Foygel Barber, Candes, Ramdas and Tibshirani 2021, theorem 4), which is 0 for jackknife+.

        Args:
            alpha: In (0, 1).

        Returns:
            A lower bound of the coverage.

        Raises:
            ValueError: alpha out of range.
        """
        bound: float = self._compiled.guaranteed_coverage(real("guaranteed_coverage", "alpha", alpha))
        return bound

    def __reduce__(self) -> tuple[Any, ...]:
        return (CrossConformal, self._arrays)


def cross_conformal_sets(
    probabilities: Sequence[ArrayLike],
    calibration: CrossConformal,
    *,
    alpha: float | ArrayLike,
    score: SetScore | str = "lac",
    ids: ArrayLike | None = None,
) -> PredictionSets:
    """CV+ prediction sets {c: #{i: s_i < s_c by the model without the fold of i} < (1 - alpha)(n + 1)} (Romano, Sesia and Candes 2020).

    The comparison is exact. Memory beside the result does not grow with samples times n.

    Args:
        probabilities: K tables [rows, classes], those of the model without fold k, all of one size and dtype.
        calibration: Of the `set_scores` of the training samples.
        alpha: One or several, each in (0, 1); what is proven is `CrossConformal.guaranteed_coverage(alpha)`.
        score: The score of the calibration.
        ids: As in `prediction_sets`.

    Returns:
        The sets; full ones, counted in `infinite`, where n is below ceil(1 / alpha) - 1.

    Raises:
        ValueError: As `prediction_sets`; tables that are not one for each fold, or differ.
        TypeError: Another dtype.
    """
    function = "cross_conformal_sets"
    require_kind(function, "calibration", calibration, CrossConformal, "CrossConformal(scores, folds)")
    tables = list(probabilities)
    return sets_of(
        _compiled.cross_conformal_sets(tables, calibration._compiled, levels(function, "alpha", alpha), score_of(function, score)._fields(function), ids)
    )


def cross_conformal_intervals(predictions: ArrayLike, calibration: CrossConformal, *, alpha: float) -> Intervals:
    """CV+ and jackknife+ intervals [q-{f_k(i) - s_i}, q+{f_k(i) + s_i}] (Foygel Barber, Candes, Ramdas and Tibshirani 2021).

    q+ is the k-th smallest of the n values, q- the k-th largest, k of `conformal_rank`. No table of samples times n is made.

    Args:
        predictions: [samples, K] float32 or float64: column k by the model without fold k.
        calibration: Of the `residual_scores`, without scales, of the out-of-fold predictions.
        alpha: In (0, 1); what is proven is `CrossConformal.guaranteed_coverage(alpha)`.

    Returns:
        One interval for each sample; low > high (possible for alpha above 1/2): empty; infinite where n is below ceil(1 / alpha) - 1.

    Raises:
        ValueError: Empty, NaN or infinite, columns that are not the folds, a negative score, or alpha out of range.
        TypeError: Another dtype.
    """
    function = "cross_conformal_intervals"
    require_kind(function, "calibration", calibration, CrossConformal, "CrossConformal(scores, folds)")
    return Intervals(*_compiled.cross_conformal_intervals(predictions, calibration._compiled, real(function, "alpha", alpha)))


class WeightedCalibration:
    """Split conformal thresholds under covariate shift (Tibshirani, Foygel Barber, Candes and Ramdas 2019).

    With weights w(x) proportional to the density of test features over that of calibration features, P(covered) >= 1 - alpha for test samples. Estimated weights w^ cost
    at most E|w^ - w| / 2 of that, both of mean 1 (Lei and Candes 2021). There is no Beta law here. Weights that do not depend on the data, such as 0.99 ** age with test
    weight 1, give the nonexchangeable method of Foygel Barber et al. (2023). Equal weights give the threshold of `conformal_quantile` bit for bit.

    Args:
        scores: [n] float32 or float64, larger is stranger.
        weights: [n] not negative, not all zero.

    Raises:
        ValueError: Empty, NaN or infinite, lengths that differ, bad weights.
        TypeError: Another dtype.
    """

    def __init__(self, scores: ArrayLike, weights: ArrayLike) -> None:
        self._compiled = _compiled.WeightedCalibration(scores, weights)
        self._arrays = (np.array(scores), np.array(weights))

    @property
    def n(self) -> int:
        """Calibration samples."""
        size: int = self._compiled.n()
        return size

    @property
    def effective_sample_size(self) -> float:
        """(sum w)^2 / sum w^2, from 1 to n: how many unweighted samples tell as much. Small: nothing can be promised tightly."""
        size: float = self._compiled.effective_sample_size()
        return size

    def thresholds(self, test_weights: float | ArrayLike, *, alpha: float) -> WeightedThresholds:
        """The (1 - alpha)-quantile of the weighted scores with the test weight as a point mass at infinity.

        Args:
            test_weights: Weight of one test sample, or [samples] of them, not negative.
            alpha: In (0, 1).

        Returns:
            A threshold for each test weight; inf where the test weight is above `largest_test_weight`.

        Raises:
            ValueError: Empty, NaN, infinite or negative weights, or alpha out of range.
            TypeError: Another dtype.
        """
        function = "weighted_thresholds"
        return WeightedThresholds(**self._compiled.thresholds(real(function, "alpha", alpha), levels(function, "test_weights", test_weights)))

    def __reduce__(self) -> tuple[Any, ...]:
        return (WeightedCalibration, self._arrays)


class AdaptiveConformal:
    """Adaptive conformal inference for a stream (Gibbs and Candes 2021): after each step level += step * (alpha - missed).

    The threshold is that of `conformal_rank` at the level; at a level <= 0 it is inf (full sets), at a level >= 1 it is -inf (empty sets). No assumption on the data is
    needed, an adversary may choose them: |miss_rate - alpha| <= bound, always. That says nothing about a single step, and no more about sets that are full or empty half
    of the time. Can be pickled, and used from several threads.

    Args:
        calibration_scores: [n] float32 or float64 in order of time, larger is stranger; at least one.
        alpha: Wanted miss rate in the long run, in (0, 1).
        step: gamma > 0: large follows changes quickly and lets the thresholds swing.
        start: Level of the first step, in [0, 1]; None: alpha.
        window: 0: the calibration scores stay; otherwise the latest `window` scores are the reference.

    Raises:
        ValueError: Empty, NaN or infinite scores, or options out of range.
        TypeError: Another dtype.
    """

    def __init__(
        self, calibration_scores: ArrayLike, *, alpha: float = 0.1, step: float = 0.005, start: float | None = None, window: int = 0
    ) -> None:
        function = "adaptive_conformal"
        self._compiled = _compiled.AdaptiveConformal(
            calibration_scores, real(function, "alpha", alpha), real(function, "step", step), optional(function, "start", start),
            count(function, "window", window), 0, 0,
        )  # fmt: skip

    @property
    def level(self) -> float:
        """The level of the next step; may be outside [0, 1]."""
        level: float = self._compiled.level()
        return level

    @property
    def threshold(self) -> float:
        """The threshold of the next step; covered when score <= threshold."""
        threshold: float = self._compiled.threshold()
        return threshold

    def update(self, score: float) -> bool:
        """Takes the score of what came.

        Args:
            score: A finite number; of a sample with its true class or target.

        Returns:
            Whether it was within the threshold.

        Raises:
            ValueError: NaN or infinite; the state is then as before.
            TypeError: Not a number.
        """
        within: bool = self._compiled.update(real("adaptive_conformal", "score", score))
        return within

    def run(self, scores: ArrayLike) -> AdaptiveTrace:
        """`update` for each score.

        Args:
            scores: [steps] float32 or float64 in order of time; may be empty.

        Returns:
            Level, threshold and miss of each step.

        Raises:
            ValueError: NaN or infinite scores; the state is then as before.
            TypeError: Another dtype.
        """
        of_steps, thresholds, missed = self._compiled.run(scores)
        return AdaptiveTrace(of_steps, thresholds, missed.view(np.bool_))

    @property
    def steps(self) -> int:
        """Scores taken."""
        steps: int = self._compiled.state()[-2]
        return steps

    @property
    def misses(self) -> int:
        """Scores above their threshold."""
        misses: int = self._compiled.state()[-1]
        return misses

    @property
    def miss_rate(self) -> float:
        """misses / steps; NaN before the first step."""
        rate: float = self._compiled.miss_rate()
        return rate

    @property
    def bound(self) -> float:
        """|miss_rate - alpha| is at most (max(start, 1 - start) + step) / (step * steps), whatever came."""
        bound: float = self._compiled.bound()
        return bound

    def __getstate__(self) -> tuple[Any, ...]:
        state: tuple[Any, ...] = self._compiled.state()
        return state

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._compiled = _compiled.AdaptiveConformal(*state)
