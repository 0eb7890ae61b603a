"""Calibration: do probabilities mean what they say, and maps that make them do so.

Measures: `calibration_error` with bins (ECE, MCE, L2, and the debiased square, the only one of them that is 0 on average for a perfect forecast),
`reliability_table` for the diagram, the proper scores `brier_score` and `negative_log_likelihood`, and tests without bins (`kuiper_calibration_test` sees most,
`spiegelhalter_test` over- and under-confidence). Several classes: `confidence_`, `top_label_` and `class_wise_calibration_error`.

Fits, on samples that trained nothing else: `fit_temperature` for logits of several classes; of two classes `fit_platt` for few samples, `fit_beta` for
probabilities that are skewed, `fit_isotonic` for thousands of samples, and `fit_venn_abers` for an interval with a guarantee at every sample size. Fitted
calibrators hold their parameters, can be pickled, and can be made again from stored parameters.

>>> import numpy as np
>>> from oddity.metrics import calibration
>>> random = np.random.default_rng(0)
>>> scores = random.normal(size=2000)
>>> labels = random.random(2000) < 1 / (1 + np.exp(-2 * scores))
>>> overconfident = 1 / (1 + np.exp(-5 * scores))
>>> calibration.calibration_error(overconfident, labels, bins=10).ece > 0.1
True
>>> platt = calibration.fit_platt(scores[:1000], labels[:1000])
>>> calibrated = platt.predict(scores[1000:])
>>> calibration.kuiper_calibration_test(calibrated, labels[1000:]).p_value > 0.01
True
>>> venn_abers = calibration.fit_venn_abers(scores[:1000], labels[:1000]).predict([-1.0, 2.0])
>>> bool((venn_abers.low < venn_abers.probability).all())
True
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import calibration as _compiled

from ._arguments import ArrayLike, count, real
from ._calibrators import (
    BetaCalibrator,
    IsotonicCalibrator,
    PlattCalibrator,
    TemperatureCalibrator,
    VennAbersCalibrator,
    VennAbersPrediction,
    fit_beta,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    fit_venn_abers,
)

__all__ = [
    "BetaCalibrator",
    "BrierScore",
    "CalibrationError",
    "CalibrationTest",
    "ClassCalibrationError",
    "IsotonicCalibrator",
    "LogLoss",
    "PlattCalibrator",
    "ReliabilityTable",
    "TemperatureCalibrator",
    "TopLabels",
    "VennAbersCalibrator",
    "VennAbersPrediction",
    "brier_score",
    "calibration_error",
    "class_wise_calibration_error",
    "confidence_calibration_error",
    "fit_beta",
    "fit_isotonic",
    "fit_platt",
    "fit_temperature",
    "fit_venn_abers",
    "kolmogorov_smirnov_calibration_test",
    "kuiper_calibration_test",
    "negative_log_likelihood",
    "reliability_table",
    "spiegelhalter_test",
    "top_label_calibration_error",
    "top_labels",
]


@dataclass(frozen=True)
class CalibrationError:
    """Distances of mean probability and rate over bins, in [0, 1]; 0 is perfect.

    The plug-in values are above 0 also for a perfect forecast, the more so the fewer samples a bin has, and have no valid interval.

    Attributes:
        ece: Expected calibration error, L1: sum of share |mean probability - rate| (plug-in).
        root_mean_square: L2: root of the sum of share (mean probability - rate)^2 (plug-in).
        mce: Largest |mean probability - rate| of a bin (plug-in).
        squared_debiased: Unbiased estimate of the squared L2; its mean is 0 for a perfect forecast, so that it may be negative. From all pairs of a bin; where a
            bin has one probability it is the estimator of Kumar, Liang and Ma (2019). NaN when no bin holds two samples.
        root_debiased: sqrt(max(0, squared_debiased)), the debiased L2.
        squared_deviation: Standard deviation of squared_debiased for a perfect forecast: a value above 5 of these is rare where dozens of events are expected. NaN for class-wise means.
        n: Samples of weight above 0.
        alone: Of these alone in their bin, left out of squared_debiased.
        bins: Bins that hold a sample.
    """

    ece: float
    root_mean_square: float
    mce: float
    squared_debiased: float
    root_debiased: float
    squared_deviation: float
    n: int
    alone: int
    bins: int


@dataclass(frozen=True)
class ClassCalibrationError:
    """The errors of the classes.

    Attributes:
        overall: Combined.
        classes: One for each column; n = 0 and NaN for a class without samples.
    """

    overall: CalibrationError
    classes: tuple[CalibrationError, ...]


@dataclass(frozen=True, eq=False)
class ReliabilityTable:
    """The bins of a reliability diagram, by rising probability; columns of one length.

    Attributes:
        low: A bin is [low, high), the last one [low, 1].
        high: Its upper end.
        n: int64, samples.
        events: int64, of these with label 1.
        weight: Sum of weights; n without weights.
        mean_probability: Weighted mean; NaN in an empty bin.
        rate: Weighted share of label 1; NaN in an empty bin.
        rate_low: Lower end of the interval of the rate; 0 in an empty bin.
        rate_high: Upper end; 1 in an empty bin.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: NDArray[np.int64]
    events: NDArray[np.int64]
    weight: NDArray[np.float64]
    mean_probability: NDArray[np.float64]
    rate: NDArray[np.float64]
    rate_low: NDArray[np.float64]
    rate_high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TopLabels:
    """The most probable class of each row.

    Attributes:
        confidence: [n] float64, its probability.
        predicted: [n] int64; of equal probabilities the smaller class.
        correct: [n] uint8, 1 where it is the true class.
    """

    confidence: NDArray[np.float64]
    predicted: NDArray[np.int64]
    correct: NDArray[np.uint8]


@dataclass(frozen=True)
class BrierScore:
    """Brier score (1950) with its decomposition by bins, exact to rounding; smaller is better.

    value = reliability - resolution + uncertainty + within_bin_variance - within_bin_covariance. The last two (Stephenson, Coelho and Jolliffe 2008) are zero
    where a bin has one probability: Murphy's (1973) identity.

    Attributes:
        value: Mean of (p - y)^2 in [0, 1]; of several classes summed over these, in [0, 2].
        standard_error: Of value, from the spread of the samples; NaN for one sample.
        reliability: Sum of share (mean probability - rate)^2; 0 is calibrated.
        resolution: Sum of share (rate - overall rate)^2; larger is better.
        uncertainty: Rate (1 - rate) overall: the score of always saying the rate.
        within_bin_variance: Of the probabilities.
        within_bin_covariance: Twice that of probabilities and labels.
        n: Samples of weight above 0.
    """

    value: float
    standard_error: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bin_variance: float
    within_bin_covariance: float
    n: int


@dataclass(frozen=True)
class LogLoss:
    """Mean negative log-likelihood; smaller is better.

    Attributes:
        value: In [0, inf]; inf when something happened that was given probability 0.
        standard_error: From the spread of the samples; NaN for one sample and for an infinite value.
        n: Samples of weight above 0.
        impossible: Of these with probability 0 for what happened.
    """

    value: float
    standard_error: float
    n: int
    impossible: int


@dataclass(frozen=True)
class CalibrationTest:
    """A test that label i is 1 with probability p_i, independently.

    Attributes:
        error: The deviation, in units of probability; 0 is calibrated.
        statistic: Error in standard deviations of the hypothesis.
        p_value: Small: not calibrated.
        n: Samples.
    """

    error: float
    statistic: float
    p_value: float
    n: int


def reliability_table(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    bins: int = 15,
    binning: str = "equal_width",
    confidence: float = 0.95,
    interval: str = "clopper_pearson",
    weights: ArrayLike | None = None,
) -> ReliabilityTable:
    """The reliability diagram as a table, each rate with an interval.

    Args:
        probabilities: [n] float32 or float64 in [0, 1].
        labels: [n] bool or integers, 1 for a defect and 0 for good.
        bins: 1 to 65536.
        binning: "equal_width": [i / bins, (i + 1) / bins), the last one closed: probability 1 lies in the last bin; empty bins are listed. "equal_mass": about
            the same weight in each bin, equal probabilities never split: a probability lies in bin floor(bins (below + equal / 2) / total) of the weights
            strictly below it, equal to it and of all; empty bins are dropped.
        confidence: Of the two-sided intervals, in (0, 1).
        interval: "clopper_pearson" or "wilson". With weights the effective sample size (sum w)^2 / sum w^2 takes the place of n: approximate.
        weights: [n] importance weights, finite, >= 0; a sample of weight 0 is as if absent. None: 1 each.

    Returns:
        The bins that hold samples, and with "equal_width" also the empty ones.

    Raises:
        ValueError: Empty, NaN or outside [0, 1], other labels, lengths that differ, bins, confidence or weights out of range.
        TypeError: Another dtype.
    """
    name = "reliability_table"
    result = _compiled.reliability_table(
        probabilities, labels, count(name, "bins", bins), binning, real(name, "confidence", confidence), interval, weights
    )
    return ReliabilityTable(**result)


def calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, *, bins: int = 15, binning: str = "equal_width", weights: ArrayLike | None = None
) -> CalibrationError:
    """Calibration errors of two classes: ECE, MCE, L2 (Naeini et al. 2015) and debiased L2 (after Kumar, Liang and Ma 2019).

    Args:
        probabilities: [n] float32 or float64 in [0, 1], of label 1.
        labels: [n] bool or integers, 1 for a defect and 0 for good. One class alone is allowed.
        bins: 1 to 65536.
        binning: "equal_width" or "equal_mass", as for reliability_table.
        weights: [n] importance weights, finite, >= 0 (whole numbers do not stand for repeated samples). None: 1 each.

    Returns:
        The errors; 0 is perfect.

    Raises:
        ValueError: Empty, NaN or outside [0, 1], other labels, lengths that differ, bins or weights out of range.
        TypeError: Another dtype.
    """
    return CalibrationError(**_compiled.calibration_error(probabilities, labels, count("calibration_error", "bins", bins), binning, weights))


def top_labels(probabilities: ArrayLike, classes: ArrayLike) -> TopLabels:
    """The most probable class of each row and whether it is right: input for the functions of two classes.

    Args:
        probabilities: [n, classes] float32 or float64; rows in [0, 1] that sum to 1 within 1e-3.
        classes: [n] integers, the true class, 0 to columns - 1.

    Returns:
        Confidence, class and correctness.

    Raises:
        ValueError: Empty, no probabilities, lengths that differ, classes out of range.
        TypeError: Another dtype.
    """
    return TopLabels(**_compiled.top_labels(probabilities, classes))


def confidence_calibration_error(
    probabilities: ArrayLike, classes: ArrayLike, *, bins: int = 15, binning: str = "equal_width", weights: ArrayLike | None = None
) -> CalibrationError:
    """Confidence calibration (Guo et al. 2017): the largest probability against whether its class is right.

    What torchmetrics calls the multi-class calibration error.

    Args:
        probabilities: [n, classes] float32 or float64; rows in [0, 1] that sum to 1 within 1e-3.
        classes: [n] integers, the true class, 0 to columns - 1.
        bins: 1 to 65536.
        binning: "equal_width" or "equal_mass", as for reliability_table.
        weights: [n] importance weights, finite, >= 0. None: 1 each.

    Returns:
        The errors; 0 is perfect.

    Raises:
        ValueError: Empty, no probabilities, lengths that differ, classes, bins or weights out of range.
        TypeError: Another dtype.
    """
    name = "confidence_calibration_error"
    return CalibrationError(**_compiled.confidence_calibration_error(probabilities, classes, count(name, "bins", bins), binning, weights))


def _of_classes(result: Any) -> ClassCalibrationError:
    overall, classes = result
    return ClassCalibrationError(CalibrationError(**overall), tuple(CalibrationError(**one) for one in classes))


def top_label_calibration_error(
    probabilities: ArrayLike, classes: ArrayLike, *, bins: int = 15, binning: str = "equal_width", weights: ArrayLike | None = None
) -> ClassCalibrationError:
    """Top-label calibration (Gupta and Ramdas 2022): confidence calibration for each predicted class alone.

    Args:
        probabilities: [n, classes] float32 or float64; rows in [0, 1] that sum to 1 within 1e-3.
        classes: [n] integers, the true class, 0 to columns - 1.
        bins: 1 to 65536, for each predicted class.
        binning: "equal_width" or "equal_mass", as for reliability_table.
        weights: [n] importance weights, finite, >= 0. None: 1 each.

    Returns:
        The classes, and overall: weighted by the share of the predicted class (mce: the largest).

    Raises:
        ValueError: Empty, no probabilities, lengths that differ, classes, bins or weights out of range.
        TypeError: Another dtype.
    """
    name = "top_label_calibration_error"
    return _of_classes(_compiled.top_label_calibration_error(probabilities, classes, count(name, "bins", bins), binning, weights))


def class_wise_calibration_error(
    probabilities: ArrayLike, classes: ArrayLike, *, bins: int = 15, binning: str = "equal_width", weights: ArrayLike | None = None
) -> ClassCalibrationError:
    """Class-wise calibration (Kull et al. 2019; static calibration error): each column against "the true class is this one".

    Args:
        probabilities: [n, classes] float32 or float64; rows in [0, 1] that sum to 1 within 1e-3.
        classes: [n] integers, the true class, 0 to columns - 1.
        bins: 1 to 65536, for each class.
        binning: "equal_width" or "equal_mass", as for reliability_table.
        weights: [n] importance weights, finite, >= 0. None: 1 each.

    Returns:
        The classes, and overall: the plain mean over classes (mce: the largest).

    Raises:
        ValueError: Empty, no probabilities, lengths that differ, classes, bins or weights out of range.
        TypeError: Another dtype.
    """
    name = "class_wise_calibration_error"
    return _of_classes(_compiled.class_wise_calibration_error(probabilities, classes, count(name, "bins", bins), binning, weights))


def _is_table(probabilities: ArrayLike) -> bool:
    """Whether probabilities are those of several classes; what numpy cannot read is refused by the function for two."""
    try:
        return int(np.ndim(probabilities)) == 2
    except (TypeError, ValueError):
        return False


def brier_score(
    probabilities: ArrayLike, labels: ArrayLike, *, bins: int = 15, binning: str = "equal_width", weights: ArrayLike | None = None
) -> BrierScore:
    """Brier score (1950) with reliability, resolution and uncertainty (Murphy 1973).

    Args:
        probabilities: [n] float32 or float64 in [0, 1] of label 1, or [n, classes]: the sum over classes, each part with bins of its own (two columns: twice
            the score of two classes).
        labels: [n] bool or integers, 1 for a defect and 0 for good; or the true class, 0 to columns - 1.
        bins: Of the decomposition, 1 to 65536.
        binning: "equal_width" or "equal_mass", as for reliability_table.
        weights: [n] importance weights, finite, >= 0. None: 1 each.

    Returns:
        The score and its parts; value +- 1.96 standard_error is the usual large-sample interval.

    Raises:
        ValueError: Empty, no probabilities, other labels, lengths that differ, bins or weights out of range.
        TypeError: Another dtype.
    """
    function = _compiled.class_brier_score if _is_table(probabilities) else _compiled.brier_score
    return BrierScore(**function(probabilities, labels, count("brier_score", "bins", bins), binning, weights))


def negative_log_likelihood(probabilities: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None) -> LogLoss:
    """Negative log-likelihood (log loss, cross-entropy), natural logarithm, without clipping.

    Something that happened although it was given probability 0 makes the value infinite and is counted; certainty that comes true costs nothing.

    Args:
        probabilities: [n] float32 or float64 in [0, 1] of label 1, or [n, classes].
        labels: [n] bool or integers, 1 for a defect and 0 for good; or the true class, 0 to columns - 1.
        weights: [n] importance weights, finite, >= 0. None: 1 each.

    Returns:
        The mean and its standard error.

    Raises:
        ValueError: Empty, no probabilities, other labels, lengths that differ, weights out of range.
        TypeError: Another dtype.
    """
    function = _compiled.class_negative_log_likelihood if _is_table(probabilities) else _compiled.negative_log_likelihood
    return LogLoss(**function(probabilities, labels, weights))


def spiegelhalter_test(probabilities: ArrayLike, labels: ArrayLike) -> CalibrationTest:
    """Spiegelhalter's test (1986) that the Brier score is what the probabilities promise; two-sided, large-sample.

    error = mean of (y - p)(1 - 2 p). Sees over- and under-confidence, no shift of probabilities around 1/2.

    Args:
        probabilities: [n] float32 or float64 in [0, 1].
        labels: [n] bool or integers, 1 for a defect and 0 for good.

    Returns:
        Error (above 0: overconfident), statistic and p-value. When all probabilities are 0, 1/2 or 1 the p-value is 1 for error 0 and else 0.

    Raises:
        ValueError: Empty, NaN or outside [0, 1], other labels, lengths that differ.
        TypeError: Another dtype.
    """
    return CalibrationTest(**_compiled.spiegelhalter_test(probabilities, labels))


def kolmogorov_smirnov_calibration_test(probabilities: ArrayLike, labels: ArrayLike) -> CalibrationTest:
    """Kolmogorov-Smirnov calibration error and test, without bins (Gupta et al. 2021; Arrieta-Ibarra et al. 2022).

    error = max over t of |C(t)| with C(t) = mean of (y - p)[p <= t]; equal probabilities are taken together. The p-value is that of the largest |value| of
    Brownian motion: trust it when sum p (1 - p) is above about 20, for with few expected events one event alone may reach any level.

    Args:
        probabilities: [n] float32 or float64 in [0, 1].
        labels: [n] bool or integers, 1 for a defect and 0 for good.

    Returns:
        Error in [0, 1], statistic and p-value. When all probabilities are 0 or 1 the p-value is 1 for error 0 and else 0.

    Raises:
        ValueError: Empty, NaN or outside [0, 1], other labels, lengths that differ.
        TypeError: Another dtype.
    """
    return CalibrationTest(**_compiled.kolmogorov_smirnov_calibration_test(probabilities, labels))


def kuiper_calibration_test(probabilities: ArrayLike, labels: ArrayLike) -> CalibrationTest:
    """Kuiper calibration error and test, without bins (Arrieta-Ibarra et al. 2022): error = max C - min C of the cumulative differences, which start at 0.

    Stronger than Kolmogorov-Smirnov's when deviations of both signs follow each other. The p-value is that of the range of Brownian motion (Feller 1951).

    Args:
        probabilities: [n] float32 or float64 in [0, 1].
        labels: [n] bool or integers, 1 for a defect and 0 for good.

    Returns:
        Error in [0, 1], statistic and p-value. When all probabilities are 0 or 1 the p-value is 1 for error 0 and else 0.

    Raises:
        ValueError: Empty, NaN or outside [0, 1], other labels, lengths that differ.
        TypeError: Another dtype.
    """
    return CalibrationTest(**_compiled.kuiper_calibration_test(probabilities, labels))
