"""Ranking and what it returns; public in oddity.metrics.ranking."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import ranking as _compiled

from ._arguments import ArrayLike, count, optional, real

__all__ = ["BestF1", "PartialArea", "PrecisionRecallCurve", "Ranking", "RocCurve"]


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Points of the receiver operating characteristic, from (0, 0) to (1, 1).

    Attributes:
        thresholds: [points] float64, falling; the first is +inf, which flags nothing.
        false_positive_rates: [points] share of good flagged (overkill).
        true_positive_rates: [points] share of defects flagged.
    """

    thresholds: NDArray[np.float64]
    false_positive_rates: NDArray[np.float64]
    true_positive_rates: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Points of the precision-recall curve, one for each distinct score of a defect.

    Attributes:
        thresholds: [points] float64, falling.
        recalls: [points] share of defects flagged, rising to 1.
        precisions: [points] share of defects among the flagged.
    """

    thresholds: NDArray[np.float64]
    recalls: NDArray[np.float64]
    precisions: NDArray[np.float64]


@dataclass(frozen=True)
class PartialArea:
    """Area under the ROC curve between two false positive rates.

    Attributes:
        area: In [0, high - low].
        mean: area / (high - low), the mean true positive rate there, in [0, 1].
        standardized: McClish's form: 0.5 for a ranking by chance, 1 for a perfect one.
    """

    area: float
    mean: float
    standardized: float


@dataclass(frozen=True)
class BestF1:
    """The largest F1 of the defects.

    Attributes:
        f1: In (0, 1], large is good; chosen and measured on the same samples, so optimistic for new ones.
        threshold: Just below the smallest flagged score, a float32 where one lies there: flag when score > threshold, as in `oddity.metrics.confusion`.
    """

    f1: float
    threshold: float


class Ranking:
    """Scores sorted once for any number of ranking metrics.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative, or None. A sample of weight w counts as w equal samples; one of weight 0 is as if absent.

    Raises:
        ValueError: NaN, infinite, lengths that differ, other labels, a class that is empty (or has no weight), an array that is not contiguous.
        TypeError: Another dtype.
    """

    def __init__(self, scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> None:
        self._compiled = _compiled.Ranking(scores, labels, weights)

    @classmethod
    def of_maps(cls, maps: ArrayLike, masks: ArrayLike) -> "Ranking":
        """All pixels of anomaly maps.

        Args:
            maps: [images, height, width] float32, or a list of [height, width].
            masks: The same shapes, bool or uint8; not zero is a defect pixel.

        Returns:
            The ranking of the pixels.

        Raises:
            ValueError: NaN, infinite, shapes that differ, no good or no defect pixel.
            TypeError: Another dtype.
        """
        ranking = cls.__new__(cls)
        ranking._compiled = _compiled.Ranking.of_maps(maps, masks)
        return ranking

    def __repr__(self) -> str:
        return f"Ranking(n_good={self.n_good}, n_defect={self.n_defect})"

    @property
    def n_good(self) -> int:
        """Number of good samples, without those of weight 0."""
        return int(self._compiled.negatives())

    @property
    def n_defect(self) -> int:
        """Number of defect samples, without those of weight 0."""
        return int(self._compiled.positives())

    def auroc(self) -> float:
        """Area under the ROC curve with mid-ranks: P(defect above good) + P(equal) / 2 (Mann and Whitney 1947).

        Returns:
            In [0, 1]; large is good, 0.5 is chance. Exact integers inside, also beyond 2^32 pairs of samples.
        """
        return float(self._compiled.auroc())

    def partial_auroc(self, *, high: float, low: float = 0.0) -> PartialArea:
        """Area under the part of the ROC curve between two false positive rates (McClish 1989).

        Args:
            high: Upper false positive rate, in (0, 1].
            low: Lower false positive rate, in [0, high).

        Returns:
            The area, its mean and its standardised form; ties are joined by straight lines.

        Raises:
            ValueError: Rates out of range.
        """
        return PartialArea(**self._compiled.partial_auroc(real("partial_auroc", "high", high), real("partial_auroc", "low", low)))

    def average_precision(self, *, prevalence: float | None = None) -> float:
        """Average precision in its step form, the sum of (R_k - R_{k-1}) P_k over the distinct scores.

        Args:
            prevalence: Share of defects on the line, in (0, 1); None: that of the sample.

        Returns:
            In (0, 1]; large is good, chance is the share of defects.

        Raises:
            ValueError: prevalence out of range.
        """
        return float(self._compiled.average_precision(optional("average_precision", "prevalence", prevalence)))

    def trapezoid_precision_recall_area(self, *, prevalence: float | None = None) -> float:
        """Area under the precision-recall curve by trapezoids, which is too optimistic (Davis and Goadrich 2006).

        For comparison with papers that report it as AUPR; `average_precision` is the number to use.

        Args:
            prevalence: Share of defects on the line, in (0, 1); None: that of the sample.

        Returns:
            In (0, 1]; large is good.

        Raises:
            ValueError: prevalence out of range.
        """
        return float(self._compiled.trapezoid_precision_recall_area(optional("trapezoid_precision_recall_area", "prevalence", prevalence)))

    def true_positive_rate_at(self, false_positive_rate: float) -> float:
        """Largest share of defects flagged among thresholds that flag at most this share of good.

        Args:
            false_positive_rate: In [0, 1], such as 0.01 for one percent overkill.

        Returns:
            In [0, 1]; large is good.

        Raises:
            ValueError: The rate is out of range.
        """
        return float(self._compiled.true_positive_rate_at(real("true_positive_rate_at", "false_positive_rate", false_positive_rate)))

    def good_flagged_at_defects_flagged(self, share: float = 0.95) -> float:
        """Smallest share of good flagged among thresholds that flag at least this share of defects.

        "FPR95" of those who call the defect positive, as OpenOOD does.

        Args:
            share: Of defects flagged, in [0, 1].

        Returns:
            In [0, 1]; small is good.

        Raises:
            ValueError: The share is out of range.
        """
        return float(self._compiled.good_flagged_at_defects_flagged(real("good_flagged_at_defects_flagged", "share", share)))

    def defects_passed_at_good_passed(self, share: float = 0.95) -> float:
        """Smallest share of defects passed among thresholds that pass at least this share of good.

        "FPR95" of those who call the good part positive, as the ODIN paper does.

        Args:
            share: Of good parts passed, in [0, 1].

        Returns:
            In [0, 1]; small is good.

        Raises:
            ValueError: The share is out of range.
        """
        return float(self._compiled.defects_passed_at_good_passed(real("defects_passed_at_good_passed", "share", share)))

    def best_f1(self) -> BestF1:
        """The largest F1 = 2 P R / (P + R) of the defects over all thresholds.

        Returns:
            The value and its threshold; of equal values the largest threshold.
        """
        return BestF1(*self._compiled.best_f1())

    def roc_curve(self, *, at_most: int = 0) -> RocCurve:
        """The ROC curve; points inside a vertical or horizontal run are dropped.

        Args:
            at_most: More than 0 thins to about that number of points, evenly along the curve.

        Returns:
            Points by rising rates.

        Raises:
            ValueError: at_most is negative.
        """
        return RocCurve(*self._compiled.roc(count("roc_curve", "at_most", at_most)))

    def precision_recall_curve(self, *, at_most: int = 0, prevalence: float | None = None) -> PrecisionRecallCurve:
        """The precision-recall curve.

        Args:
            at_most: More than 0 thins to about that number of points, evenly in recall.
            prevalence: Share of defects on the line, in (0, 1); None: that of the sample.

        Returns:
            Points by rising recall.

        Raises:
            ValueError: An option out of range.
        """
        at_most = count("precision_recall_curve", "at_most", at_most)
        return PrecisionRecallCurve(*self._compiled.precision_recall(at_most, optional("precision_recall_curve", "prevalence", prevalence)))
