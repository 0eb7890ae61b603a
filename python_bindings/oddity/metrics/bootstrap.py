"""The bootstrap (Efron 1979) of any metric: by part, lot or camera, percentile or BCa.

- AUROC, average precision, best F1 and rates of image scores: `bootstrap_ranking`; it sorts once, 1,000 resamples of a million scores take seconds. Two models on the
  same images: `bootstrap_ranking_difference`.
- Pixel metrics of maps, drawn by image: `bootstrap_pixel_metrics`, `bootstrap_pixel_difference`.
- Anything else, of ours or of others: `bootstrap` with a function of the drawn indices, or `bootstrap_weighted` with a function of weights.

What is drawn must be what was sampled. Give `groups` when several photographs show one part, or parts come in lots: intervals that ignore it are too short. Draws are
exactly multinomial. All intervals are asymptotic; a sample that shows no spread, such as an AUROC of 1, has none (NaN): there use `delong_auroc` and
`clopper_pearson` of `oddity.metrics.intervals`.

>>> import numpy as np
>>> from oddity.metrics import bootstrap
>>> random = np.random.default_rng(0)
>>> part = np.repeat(np.arange(60), 5)  # five photographs of each of 60 parts
>>> labels = (part < 20).astype(np.uint8)
>>> scores = random.normal(size=60)[part] + 0.3 * random.normal(size=300) + labels
>>> bootstrap.bootstrap_ranking(scores, labels, groups=part, seed=1).standard_error > 2 * bootstrap.bootstrap_ranking(scores, labels, seed=1).standard_error
True
>>> result = bootstrap.bootstrap(300, lambda drawn: np.median(scores[drawn]), groups=part, seed=1)
>>> bool(result.low < result.value < result.high), result.units
(True, 60)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import bootstrap as _compiled

from ._arguments import ArrayLike, count, real

__all__ = [
    "BootstrapResult",
    "Estimate",
    "PixelEstimates",
    "bootstrap",
    "bootstrap_pixel_difference",
    "bootstrap_pixel_metrics",
    "bootstrap_ranking",
    "bootstrap_ranking_difference",
    "bootstrap_weighted",
]


@dataclass(frozen=True, eq=False)
class BootstrapResult:
    """A value with its bootstrap distribution.

    Attributes:
        value: Of the samples themselves.
        low: Lower end of the interval; NaN where the resamples show no spread, where one unit alone holds a class, and for BCa where all lie on one side of the value.
        high: Upper end of the interval; NaN likewise.
        standard_error: Standard deviation of the resampled values.
        bias: Their mean minus the value.
        bias_correction: z0 of BCa, otherwise 0.
        acceleration: a of BCa, otherwise 0.
        n: Number of samples.
        units: Number of groups, or of samples without groups: what is drawn.
        resampled: [resamples] float64, in the order of drawing.
    """

    value: float
    low: float
    high: float
    standard_error: float
    bias: float
    bias_correction: float
    acceleration: float
    n: int
    units: int
    resampled: NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with an interval.

    Attributes:
        value: Of the images themselves, or the difference of two models.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n_good: Number of images without defects.
        n_defect: Number of images with defects.
    """

    value: float
    low: float
    high: float
    n_good: int
    n_defect: int


@dataclass(frozen=True)
class PixelEstimates:
    """Pixel metrics with intervals.

    Attributes:
        auroc: Area under the ROC curve of all pixels.
        average_precision: Step form, of all pixels.
        best_f1: Largest F1 over thresholds.
        aupro: Area under the per-region-overlap curve, in the order of the limits asked for.
    """

    auroc: Estimate
    average_precision: Estimate
    best_f1: Estimate
    aupro: tuple[Estimate, ...]


def bootstrap(
    n: int,
    statistic: Callable[[NDArray[np.int64]], Any],
    *,
    method: str = "percentile",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> BootstrapResult:
    """The bootstrap of any statistic of n samples.

    Percentile intervals are quantiles of the resampled values. BCa (Efron 1987) moves them by the median bias and by the skewness of the leave-one-unit-out values: one
    more call for each unit, second-order accurate.

    Args:
        n: Number of samples.
        statistic: Gets the indices of the drawn samples, int64, ascending, one as often as it was drawn; returns a real number. Called once at a time.
        method: "percentile" or "bca".
        resamples: Number of resamples.
        confidence: Two-sided, in (0, 1).
        seed: Of the draws; the same for the same resamples.
        groups: [n] integers or None; samples with the same number are drawn together.
        strata: [n] integers or None; as many units are drawn from each stratum as it has. A group must lie in one stratum.

    Returns:
        The value with its interval.

    Raises:
        ValueError: n = 0, numbers out of range, groups or strata that do not fit, or a statistic that is NaN or infinite for a resample, as an AUROC without a defect:
            give the labels as strata.
        TypeError: A statistic that returns no number; groups or strata of another dtype.
    """
    function = "bootstrap"
    return BootstrapResult(
        **_compiled.bootstrap(
            count(function, "n", n),
            statistic,
            method,
            count(function, "resamples", resamples),
            real(function, "confidence", confidence),
            count(function, "seed", seed),
            groups,
            strata,
        )
    )


def bootstrap_weighted(
    n: int,
    statistic: Callable[[NDArray[np.float64]], Any],
    *,
    method: str = "percentile",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> BootstrapResult:
    """The bootstrap of a statistic that takes weights; the same resamples as `bootstrap`, and nothing need be copied.

    Args:
        n: Number of samples.
        statistic: Gets how often each sample was drawn, [n] float64, all 1 for the value itself; returns a real number. Called once at a time.
        method: "percentile" or "bca".
        resamples: Number of resamples.
        confidence: Two-sided, in (0, 1).
        seed: Of the draws.
        groups: [n] integers or None; samples with the same number are drawn together.
        strata: [n] integers or None; as many units are drawn from each stratum as it has. A group must lie in one stratum.

    Returns:
        The value with its interval.

    Raises:
        ValueError: As `bootstrap`.
        TypeError: As `bootstrap`.
    """
    function = "bootstrap_weighted"
    return BootstrapResult(
        **_compiled.bootstrap_weighted(
            count(function, "n", n),
            statistic,
            method,
            count(function, "resamples", resamples),
            real(function, "confidence", confidence),
            count(function, "seed", seed),
            groups,
            strata,
        )
    )


def bootstrap_ranking(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    statistic: str = "auroc",
    at: float = 0.05,
    method: str = "percentile",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
    stratified: bool = True,
) -> BootstrapResult:
    """The bootstrap of a ranking metric: one sort, then O(n) for each resample, on all cores.

    Definitions and ties are those of `oddity.metrics.ranking`. BCa takes the acceleration of AUROC from DeLong's components; that of average precision and best F1 needs
    O(units n) and is refused above 10^12; for the two rates, which are quantiles, there is none.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        statistic: "auroc", "average_precision", "best_f1", "true_positive_rate_at" (largest TPR at an FPR of at most `at`) or "false_positive_rate_at" (smallest FPR at
            a TPR of at least `at`).
        at: In [0, 1]; of the two rates only.
        method: "percentile" or "bca".
        resamples: Number of resamples.
        confidence: Two-sided, in (0, 1).
        seed: Of the draws.
        groups: [n] integers or None; samples with the same number are drawn together.
        stratified: Whether units with and without defects are drawn apart, so that their numbers stay as they are. Otherwise a draw without any good or any defect
            sample is replaced by the next.

    Returns:
        The value with its interval.

    Raises:
        ValueError: NaN, infinite, lengths that differ, other labels, a class that is empty, groups that do not fit, numbers out of range, unknown words.
        TypeError: Another dtype.
    """
    function = "bootstrap_ranking"
    return BootstrapResult(
        **_compiled.bootstrap_ranking(
            scores,
            labels,
            statistic,
            real(function, "at", at),
            method,
            count(function, "resamples", resamples),
            real(function, "confidence", confidence),
            count(function, "seed", seed),
            groups,
            bool(stratified),
        )
    )


def bootstrap_ranking_difference(
    a: ArrayLike,
    b: ArrayLike,
    labels: ArrayLike,
    *,
    statistic: str = "auroc",
    at: float = 0.05,
    method: str = "percentile",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
    stratified: bool = True,
) -> BootstrapResult:
    """The difference a - b of a ranking metric of two models on the same samples, each resample drawn once for both.

    An interval below zero says that a is worse (for "false_positive_rate_at", better).

    Args:
        a: [n] float32 or float64, finite scores of the first model, larger is more anomalous.
        b: [n] scores of the second model for the same samples; the scale may differ.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        statistic: As in `bootstrap_ranking`.
        at: In [0, 1]; of the two rates only.
        method: "percentile" or "bca".
        resamples: Number of resamples.
        confidence: Two-sided, in (0, 1).
        seed: Of the draws.
        groups: [n] integers or None; samples with the same number are drawn together.
        stratified: Whether units with and without defects are drawn apart.

    Returns:
        The difference with its interval.

    Raises:
        ValueError: As `bootstrap_ranking`.
        TypeError: Another dtype.
    """
    function = "bootstrap_ranking_difference"
    return BootstrapResult(
        **_compiled.bootstrap_ranking_difference(
            a,
            b,
            labels,
            statistic,
            real(function, "at", at),
            method,
            count(function, "resamples", resamples),
            real(function, "confidence", confidence),
            count(function, "seed", seed),
            groups,
            bool(stratified),
        )
    )


def _pixel_estimates(result: dict[str, Any]) -> PixelEstimates:
    return PixelEstimates(
        Estimate(**result["auroc"]), Estimate(**result["average_precision"]), Estimate(**result["best_f1"]), tuple(Estimate(**e) for e in result["aupro"])
    )


def bootstrap_pixel_metrics(
    maps: ArrayLike,
    masks: ArrayLike,
    *,
    aupro_limits: ArrayLike = (0.3, 0.05),
    method: str = "percentile",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
    stratified: bool = True,
) -> PixelEstimates:
    """Pixel metrics of anomaly maps with intervals from drawing images, not pixels; each resample is exact, from one sort.

    Args:
        maps: [images, height, width] float32, finite, or a list of [height, width] arrays.
        masks: The same shapes, bool or uint8; not zero is a defect pixel.
        aupro_limits: [k] false positive rates up to which the per-region overlap is integrated, in (0, 1]; may be empty.
        method: "percentile" or "bca" (one more evaluation without each image or group).
        resamples: Number of resamples.
        confidence: Two-sided, in (0, 1).
        seed: Of the draws.
        groups: [images] integers or None; images with the same number are drawn together.
        stratified: Whether images (or groups) with and without defects are drawn apart.

    Returns:
        The metrics with their intervals; those of a single good or defective image have no width.

    Raises:
        ValueError: Shapes that differ, NaN, infinite, no good or no defect pixel, groups that do not fit, numbers out of range.
        TypeError: Another dtype.
    """
    function = "bootstrap_pixel_metrics"
    return _pixel_estimates(
        _compiled.bootstrap_pixel_metrics(
            maps,
            masks,
            aupro_limits,
            method,
            count(function, "resamples", resamples),
            real(function, "confidence", confidence),
            count(function, "seed", seed),
            groups,
            bool(stratified),
        )
    )


def bootstrap_pixel_difference(
    maps_a: ArrayLike,
    masks_a: ArrayLike,
    maps_b: ArrayLike,
    masks_b: ArrayLike,
    *,
    aupro_limits: ArrayLike = (0.3, 0.05),
    method: str = "percentile",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
    stratified: bool = True,
) -> PixelEstimates:
    """Differences a - b of pixel metrics of two models on the same images, each resample drawn once for both.

    An interval below zero says that a is worse. Maps of a and b may differ in size; an image must have a defect in both masks or in none.

    Args:
        maps_a: [images, height, width] float32, finite, or a list of [height, width] arrays.
        masks_a: The same shapes, bool or uint8; not zero is a defect pixel.
        maps_b: As maps_a, of the second model.
        masks_b: As masks_a, in the size of maps_b.
        aupro_limits: [k] false positive rates up to which the per-region overlap is integrated, in (0, 1]; may be empty.
        method: "percentile" or "bca".
        resamples: Number of resamples.
        confidence: Two-sided, in (0, 1).
        seed: Of the draws.
        groups: [images] integers or None; images with the same number are drawn together.
        stratified: Whether images (or groups) with and without defects are drawn apart.

    Returns:
        The differences with their intervals.

    Raises:
        ValueError: As `bootstrap_pixel_metrics`, or different images in a and b.
        TypeError: Another dtype.
    """
    function = "bootstrap_pixel_difference"
    return _pixel_estimates(
        _compiled.bootstrap_pixel_difference(
            maps_a,
            masks_a,
            maps_b,
            masks_b,
            aupro_limits,
            method,
            count(function, "resamples", resamples),
            real(function, "confidence", confidence),
            count(function, "seed", seed),
            groups,
            bool(stratified),
        )
    )
