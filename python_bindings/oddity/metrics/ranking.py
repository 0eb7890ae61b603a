"""How well scores rank defects above good parts: curves, areas, error rates at an operating point, best F1.

Scores are raw: any finite real number, larger is more anomalous. Points of curves flag a part when score >= threshold, as in scikit-learn;
the threshold of a decision (`best_f1`) is the number just below, for score > threshold as in `oddity.metrics.confusion` and the engine. Equal scores form one step.

- One number: `auroc(scores, labels)`, `average_precision(scores, labels)`, ... Each sorts anew.
- Several numbers of the same scores: `Ranking(scores, labels)` sorts once.
- More samples than memory holds, such as the pixels of many maps: `StreamingRanking` counts in bounded memory and returns each value with bounds that hold.

"FPR at 95 % TPR" has two readings that differ; here they are `good_flagged_at_defects_flagged` (the defect is positive) and `defects_passed_at_good_passed`
(the good part is positive). Precision depends on the share of defects in the sample: `prevalence` gives it for a line with another share.
Intervals: `oddity.metrics.intervals.delong_auroc` for the AUROC, `oddity.metrics.bootstrap` for every value.

>>> from oddity.metrics.ranking import Ranking
>>> ranking = Ranking([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
>>> ranking.auroc()
0.75
>>> ranking.good_flagged_at_defects_flagged(0.95)
0.5
>>> round(ranking.best_f1().threshold, 6)
0.35
"""

from oddity._metrics import ranking as _compiled

from ._arguments import ArrayLike, real
from ._ranking import BestF1, PartialArea, PrecisionRecallCurve, Ranking, RocCurve
from ._streaming_ranking import Bounded, BoundedBestF1, StreamingRanking

__all__ = [
    "BestF1",
    "Bounded",
    "BoundedBestF1",
    "PartialArea",
    "PrecisionRecallCurve",
    "Ranking",
    "RocCurve",
    "StreamingRanking",
    "auroc",
    "average_precision",
    "best_f1",
    "defects_passed_at_good_passed",
    "good_flagged_at_defects_flagged",
    "partial_auroc",
    "precision_at_prevalence",
    "precision_recall_curve",
    "roc_curve",
    "trapezoid_precision_recall_area",
    "true_positive_rate_at",
]


def auroc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Area under the ROC curve with mid-ranks: P(defect above good) + P(equal) / 2 (Mann and Whitney 1947).

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.

    Returns:
        In [0, 1]; large is good, 0.5 is chance.

    Raises:
        ValueError: NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).auroc()


def partial_auroc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, high: float, low: float = 0.0) -> PartialArea:
    """Area under the part of the ROC curve between two false positive rates (McClish 1989).

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.
        high: Upper false positive rate, in (0, 1].
        low: Lower false positive rate, in [0, high).

    Returns:
        The area, its mean and its standardised form; ties are joined by straight lines.

    Raises:
        ValueError: Rates out of range, NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).partial_auroc(high=high, low=low)


def average_precision(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, prevalence: float | None = None) -> float:
    """Average precision in its step form, the sum of (R_k - R_{k-1}) P_k over the distinct scores.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.
        prevalence: Share of defects on the line, in (0, 1); None: that of the sample.

    Returns:
        In (0, 1]; large is good, chance is the share of defects.

    Raises:
        ValueError: prevalence out of range, NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).average_precision(prevalence=prevalence)


def trapezoid_precision_recall_area(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, prevalence: float | None = None) -> float:
    """Area under the precision-recall curve by trapezoids, which is too optimistic (Davis and Goadrich 2006).

    For comparison with papers that report it as AUPR; `average_precision` is the number to use.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.
        prevalence: Share of defects on the line, in (0, 1); None: that of the sample.

    Returns:
        In (0, 1]; large is good.

    Raises:
        ValueError: prevalence out of range, NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).trapezoid_precision_recall_area(prevalence=prevalence)


def true_positive_rate_at(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, false_positive_rate: float) -> float:
    """Largest share of defects flagged among thresholds that flag at most this share of good.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.
        false_positive_rate: In [0, 1], such as 0.01 for one percent overkill.

    Returns:
        In [0, 1]; large is good.

    Raises:
        ValueError: The rate out of range, NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).true_positive_rate_at(false_positive_rate)


def good_flagged_at_defects_flagged(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, share: float = 0.95) -> float:
    """Smallest share of good flagged among thresholds that flag at least this share of defects.

    "FPR95" of those who call the defect positive, as OpenOOD does.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.
        share: Of defects flagged, in [0, 1].

    Returns:
        In [0, 1]; small is good.

    Raises:
        ValueError: The share out of range, NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).good_flagged_at_defects_flagged(share)


def defects_passed_at_good_passed(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, share: float = 0.95) -> float:
    """Smallest share of defects passed among thresholds that pass at least this share of good.

    "FPR95" of those who call the good part positive, as the ODIN paper does.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.
        share: Of good parts passed, in [0, 1].

    Returns:
        In [0, 1]; small is good.

    Raises:
        ValueError: The share out of range, NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).defects_passed_at_good_passed(share)


def best_f1(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> BestF1:
    """The largest F1 = 2 P R / (P + R) of the defects over all thresholds.

    Chosen and measured on the same samples: optimistic for new ones.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.

    Returns:
        The value and its threshold; of equal values the largest threshold.

    Raises:
        ValueError: NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).best_f1()


def roc_curve(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, at_most: int = 0) -> RocCurve:
    """The ROC curve; points inside a vertical or horizontal run are dropped.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.
        at_most: More than 0 thins to about that number of points, evenly along the curve.

    Returns:
        Points by rising rates.

    Raises:
        ValueError: at_most is negative, NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).roc_curve(at_most=at_most)


def precision_recall_curve(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, at_most: int = 0, prevalence: float | None = None) -> PrecisionRecallCurve:
    """The precision-recall curve, one point for each distinct score of a defect.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        weights: [n] float32 or float64, finite and not negative; None: all 1.
        at_most: More than 0 thins to about that number of points, evenly in recall.
        prevalence: Share of defects on the line, in (0, 1); None: that of the sample.

    Returns:
        Points by rising recall.

    Raises:
        ValueError: An option out of range, NaN, infinite, lengths that differ, other labels, one class only, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Ranking(scores, labels, weights).precision_recall_curve(at_most=at_most, prevalence=prevalence)


def precision_at_prevalence(true_positive_rate: float, false_positive_rate: float, prevalence: float) -> float:
    """Precision of the flagged parts on a line with this share of defects: pi TPR / (pi TPR + (1 - pi) FPR).

    Args:
        true_positive_rate: Share of defects flagged, in [0, 1].
        false_positive_rate: Share of good flagged, in [0, 1].
        prevalence: Share of defects on the line, in [0, 1].

    Returns:
        In [0, 1], large is good; NaN when nothing is flagged. The rates carry the uncertainty: see intervals.

    Raises:
        ValueError: An argument out of range.
        TypeError: An argument that is no real number.
    """
    function = "precision_at_prevalence"
    rates = real(function, "true_positive_rate", true_positive_rate), real(function, "false_positive_rate", false_positive_rate)
    return float(_compiled.precision_at_prevalence(*rates, real(function, "prevalence", prevalence)))
