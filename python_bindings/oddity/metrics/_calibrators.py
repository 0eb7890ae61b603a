"""Fitted maps from scores to probabilities; oddity.metrics.calibration exports them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import calibrators as _compiled

from ._arguments import ArrayLike, real

__all__ = [
    "BetaCalibrator",
    "IsotonicCalibrator",
    "PlattCalibrator",
    "TemperatureCalibrator",
    "VennAbersCalibrator",
    "VennAbersPrediction",
    "fit_beta",
    "fit_isotonic",
    "fit_platt",
    "fit_temperature",
    "fit_venn_abers",
]


@dataclass(frozen=True)
class TemperatureCalibrator:
    """softmax(logits / temperature) (Guo et al. 2017, "On calibration of modern neural networks").

    Attributes:
        temperature: Above 1 softens, below 1 sharpens; above 0.
        standard_error: Of the temperature, large-sample ("sandwich", right also when no temperature is).
        log_loss_before: Mean negative log-likelihood of the fitted samples at temperature 1.
        log_loss_after: At the fitted temperature.
        n: Samples of weight above 0.
    """

    temperature: float
    standard_error: float = float("nan")
    log_loss_before: float = float("nan")
    log_loss_after: float = float("nan")
    n: int = 0

    def predict(self, logits: ArrayLike) -> NDArray[np.float64]:
        """Probabilities of the classes.

        Args:
            logits: [n, classes] float32 or float64, finite, at most 1e150 in size.

        Returns:
            [n, classes] float64; rows sum to 1.

        Raises:
            ValueError: Empty, NaN or infinite, one column, or a temperature that is not positive.
            TypeError: Another dtype.
        """
        fitted = _compiled.TemperatureCalibrator(real("TemperatureCalibrator", "temperature", self.temperature))
        result: NDArray[np.float64] = fitted.predict(logits)
        return result


@dataclass(frozen=True)
class PlattCalibrator:
    """1 / (1 + exp(-(slope * score + intercept))) (Platt 2000).

    Attributes:
        slope: Below 0 when larger scores go with good parts.
        intercept: Log odds at score 0.
        n_good: Fitted good samples of weight above 0.
        n_defect: Defective ones.
    """

    slope: float
    intercept: float
    n_good: int = 0
    n_defect: int = 0

    def predict(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Probability of a defect of each score.

        Args:
            scores: [n] float32 or float64, raw.

        Returns:
            [n] float64 in [0, 1].

        Raises:
            ValueError: Empty, NaN or infinite.
            TypeError: Another dtype.
        """
        slope, intercept = real("PlattCalibrator", "slope", self.slope), real("PlattCalibrator", "intercept", self.intercept)
        result: NDArray[np.float64] = _compiled.PlattCalibrator(slope, intercept).predict(scores)
        return result


@dataclass(frozen=True)
class BetaCalibrator:
    """1 / (1 + exp(-(a log p - b log(1 - p) + c))), a, b >= 0 (Kull, Silva Filho and Flach 2017). (1, 1, 0) changes nothing.

    Attributes:
        a: Of log p.
        b: Of -log(1 - p).
        c: Shift of the log odds.
        n_good: Fitted good samples of weight above 0.
        n_defect: Defective ones.
    """

    a: float
    b: float
    c: float
    n_good: int = 0
    n_defect: int = 0

    def predict(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Calibrated probability of a defect.

        Args:
            probabilities: [n] float32 or float64 in [0, 1], clipped to [2^-52, 1 - 2^-52] as in the fit.

        Returns:
            [n] float64 in [0, 1].

        Raises:
            ValueError: Empty, NaN or outside [0, 1].
            TypeError: Another dtype.
        """
        a, b, c = (real("BetaCalibrator", name, value) for name, value in (("a", self.a), ("b", self.b), ("c", self.c)))
        result: NDArray[np.float64] = _compiled.BetaCalibrator(a, b, c).predict(probabilities)
        return result


@dataclass(frozen=True, eq=False)
class IsotonicCalibrator:
    """An increasing map, linear between knots and constant outside (Zadrozny and Elkan 2002).

    Attributes:
        scores: [knots] float64, strictly ascending: first and last score of each block of one value.
        probabilities: [knots] float64 at these, ascending.
        n_good: Fitted good samples of weight above 0.
        n_defect: Defective ones.
    """

    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    n_good: int = 0
    n_defect: int = 0

    def __post_init__(self) -> None:
        _ = self._fitted

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.scores, self.probabilities, self.n_good, self.n_defect)

    @cached_property
    def _fitted(self) -> Any:
        return _compiled.IsotonicCalibrator(self.scores, self.probabilities)

    def predict(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Probability of a defect of each score.

        Args:
            scores: [n] float32 or float64, raw.

        Returns:
            [n] float64 in [0, 1].

        Raises:
            ValueError: Empty, NaN or infinite.
            TypeError: Another dtype.
        """
        result: NDArray[np.float64] = self._fitted.predict(scores)
        return result


@dataclass(frozen=True, eq=False)
class VennAbersPrediction:
    """An interval of probabilities for each sample, and one number in it.

    Attributes:
        low: [n] p0: the isotonic probability at the score if the new sample were good.
        high: [n] p1: if it were a defect; above p0.
        probability: [n] p1 / (1 - p0 + p1), minimax for the log loss.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    probability: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VennAbersCalibrator:
    """Inductive Venn-Abers predictor (Vovk and Petej 2014): two step functions of the score.

    Attributes:
        low_scores: Strictly ascending; p0 is low_values[k] of the last k with low_scores[k] <= score, and 0 below the first.
        low_values: Ascending.
        high_scores: Strictly ascending; p1 is high_values[k] of the first k with high_scores[k] >= score, and 1 above the last.
        high_values: Ascending.
        n_good: Good calibration samples.
        n_defect: Defective ones.
    """

    low_scores: NDArray[np.float64]
    low_values: NDArray[np.float64]
    high_scores: NDArray[np.float64]
    high_values: NDArray[np.float64]
    n_good: int = 0
    n_defect: int = 0

    def __post_init__(self) -> None:
        _ = self._fitted

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.low_scores, self.low_values, self.high_scores, self.high_values, self.n_good, self.n_defect)

    @cached_property
    def _fitted(self) -> Any:
        return _compiled.VennAbersCalibrator(self.low_scores, self.low_values, self.high_scores, self.high_values)

    def predict(self, scores: ArrayLike) -> VennAbersPrediction:
        """The two probabilities of each score, O(log n) each.

        Args:
            scores: [n] float32 or float64, raw.

        Returns:
            Interval and merged probability.

        Raises:
            ValueError: Empty, NaN or infinite.
            TypeError: Another dtype.
        """
        return VennAbersPrediction(*self._fitted.predict(scores))


def fit_temperature(logits: ArrayLike, classes: ArrayLike, *, weights: ArrayLike | None = None) -> TemperatureCalibrator:
    """Temperature scaling by maximum likelihood (Guo et al. 2017): one parameter, keeps the ranking of classes.

    Safeguarded Newton steps in 1 / T, where the problem is convex, to 1e-12 relative.

    Args:
        logits: [n, classes >= 2] float32 or float64, raw, at most 1e150 in size.
        classes: [n] integers, the true class, 0 to columns - 1.
        weights: [n] finite, >= 0; a sample of weight 0 is as if absent. None: 1 each.

    Returns:
        The calibrator with the standard error of its temperature.

    Raises:
        ValueError: No finite temperature above 0 has the largest likelihood (the own class has the largest logit in every row, or logits rank classes no
            better than chance); empty, NaN or infinite, lengths that differ, classes or weights out of range.
        TypeError: Another dtype.
    """
    return TemperatureCalibrator(**_compiled.fit_temperature(logits, classes, weights))


def fit_platt(scores: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None) -> PlattCalibrator:
    """Platt scaling (Platt 2000; Newton steps with line search of Lin, Lin and Weng 2007): two parameters, for few samples.

    Labels are drawn in to (n_defect + 1) / (n_defect + 2) and 1 / (n_good + 2), so that separated classes have a finite fit.

    Args:
        scores: [n] float32 or float64, raw, larger is more anomalous, at most 1e150 in size.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] finite, >= 0; a sample of weight 0 is as if absent. None: 1 each.

    Returns:
        The calibrator.

    Raises:
        ValueError: Scores that are all equal, one class alone, empty, NaN or infinite, lengths that differ, weights out of range.
        TypeError: Another dtype.
    """
    return PlattCalibrator(**_compiled.fit_platt(scores, labels, weights))


def fit_beta(probabilities: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None) -> BetaCalibrator:
    """Beta calibration by maximum likelihood under a, b >= 0 (Kull, Silva Filho and Flach 2017): three parameters, for skewed probabilities.

    The exact constrained optimum; a = b = 0 says that the probabilities rank labels no better than chance, and predicts the base rate.

    Args:
        probabilities: [n] float32 or float64 in [0, 1], clipped to [2^-52, 1 - 2^-52].
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] finite, >= 0; a sample of weight 0 is as if absent. None: 1 each.

    Returns:
        The calibrator.

    Raises:
        ValueError: Classes separated by the probabilities, or so nearly that float64 cannot tell (fit_platt and fit_venn_abers serve those), fewer than 3 distinct
            probabilities, one class alone, empty, NaN, outside [0, 1], lengths that differ, weights out of range.
        TypeError: Another dtype.
    """
    return BetaCalibrator(**_compiled.fit_beta(probabilities, labels, weights))


def fit_isotonic(scores: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None) -> IsotonicCalibrator:
    """Isotonic calibration by pooling adjacent violators (Ayer et al. 1955; Zadrozny and Elkan 2002): any increasing shape, for thousands of samples.

    Exact least squares, O(n log n); equal scores are one point. With few samples it says 0 and 1 too boldly: fit_venn_abers has the guarantee it lacks.

    Args:
        scores: [n] float32 or float64, raw, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] finite, >= 0; a sample of weight 0 is as if absent. None: 1 each.

    Returns:
        The calibrator; between its blocks linear, as scikit-learn with out_of_bounds="clip".

    Raises:
        ValueError: One class alone, empty, NaN or infinite, lengths that differ, weights out of range.
        TypeError: Another dtype.
    """
    return IsotonicCalibrator(**_compiled.fit_isotonic(scores, labels, weights))


def fit_venn_abers(scores: ArrayLike, labels: ArrayLike) -> VennAbersCalibrator:
    """Inductive Venn-Abers predictor (Vovk and Petej 2014; algorithm of Vovk, Petej and Fedorova 2015): an interval with a guarantee for every n.

    For a new sample exchangeable with the calibration samples one of p0 and p1 is perfectly calibrated: with p_Y the one of its true label,
    P(Y = 1 | p_Y) = p_Y. Which one is not known; the width of [p0, p1] is the price of few samples.

    Args:
        scores: [n] float32 or float64, raw, larger is more anomalous; of samples that trained nothing else. Equal scores are one point.
        labels: [n] bool or integers, 1 for a defect and 0 for good; one class alone is allowed.

    Returns:
        The calibrator: O(n log n) here, O(log n) a prediction.

    Raises:
        ValueError: Empty, NaN or infinite, lengths that differ.
        TypeError: Another dtype.
    """
    return VennAbersCalibrator(**_compiled.fit_venn_abers(scores, labels))
