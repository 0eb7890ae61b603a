"""StreamingRanking and what it returns; public in oddity.metrics.ranking."""

import threading
from dataclasses import dataclass

from oddity._metrics import ranking as _compiled

from ._arguments import ArrayLike, count, optional, real
from ._ranking import PrecisionRecallCurve, RocCurve

__all__ = ["Bounded", "BoundedBestF1", "StreamingRanking"]


@dataclass(frozen=True)
class Bounded:
    """A value of a stream with the bounds of what the exact scores give; deterministic, not statistical.

    Attributes:
        value: The value of the scores rounded down to their buckets' smallest.
        low: Not above the exact value.
        high: Not below the exact value.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class BoundedBestF1:
    """The largest F1 of a stream.

    Attributes:
        f1: Its value is what `threshold` reaches exactly; `high` bounds what any threshold reaches.
        threshold: Flag when score > threshold, as in `oddity.metrics.confusion`.
    """

    f1: Bounded
    threshold: float


class StreamingRanking:
    """Ranking metrics of samples that come in pieces and are not kept, such as the pixels of many maps.

    Scores are counted in buckets of equal sign, exponent and leading `mantissa_bits` bits of their float32 form, with 64-bit integers. Each value comes with
    bounds that hold for the samples as they were, in any order. While no score has further bits (8-bit maps, bfloat16; any float32 with 23) it is exact.
    Memory: 0.5 MB, and 2^(mantissa_bits + 4) bytes for each power of two that scores reach, at most 2^(mantissa_bits + 13) bytes (256 MB by default).
    No result depends on the order or on how samples were cut into pieces. Methods may be called from several threads.

    Args:
        mantissa_bits: 7 to 23; a bucket is as wide as 2^-mantissa_bits times its scores.

    Raises:
        ValueError: mantissa_bits out of range.
    """

    def __init__(self, *, mantissa_bits: int = 15) -> None:
        self._compiled = _compiled.StreamingRanking(min(count("streaming_ranking", "mantissa_bits", mantissa_bits), 99))
        self._lock = threading.RLock()

    def add(self, scores: ArrayLike, labels: ArrayLike, counts: ArrayLike | None = None) -> None:
        """Adds samples; nothing is added when an argument is refused.

        Args:
            scores: [n] float32, or float64 within the range of float32, finite.
            labels: [n] bool or integers, 1 for a defect and 0 for good.
            counts: [n] integers of at least 0, how often each sample counts; None: once.

        Raises:
            ValueError: NaN, infinite, lengths that differ, other labels, negative counts.
            TypeError: Another dtype.
        """
        with self._lock:
            self._compiled.add(scores, labels, counts)

    def add_maps(self, maps: ArrayLike, masks: ArrayLike) -> None:
        """Adds all pixels of anomaly maps.

        Args:
            maps: [images, height, width] float32, or a list of [height, width].
            masks: The same shapes, bool or uint8; not zero is a defect pixel.

        Raises:
            ValueError: NaN, infinite, shapes that differ, no map.
            TypeError: Another dtype.
        """
        with self._lock:
            self._compiled.add_maps(maps, masks)

    def merge(self, other: "StreamingRanking") -> None:
        """Adds the samples of another stream.

        Args:
            other: With the same mantissa_bits.

        Raises:
            ValueError: mantissa_bits differ.
            TypeError: Not a StreamingRanking.
        """
        if not isinstance(other, StreamingRanking):
            raise TypeError(f"[metrics.streaming_ranking] other must be a StreamingRanking; got {type(other).__name__}")
        first, second = sorted((self, other), key=id)  # one order of locks for a.merge(b) and b.merge(a)
        with first._lock, second._lock:
            self._compiled.merge(other._compiled)

    @property
    def n_good(self) -> int:
        """Number of good samples so far."""
        return int(self._compiled.negatives())

    @property
    def n_defect(self) -> int:
        """Number of defect samples so far."""
        return int(self._compiled.positives())

    @property
    def mantissa_bits(self) -> int:
        """Leading bits that tell scores apart."""
        return int(self._compiled.mantissa_bits())

    @property
    def bytes(self) -> int:
        """Memory in use."""
        return int(self._compiled.bytes())

    def auroc(self) -> Bounded:
        """Area under the ROC curve, see Ranking.auroc; value is the middle of the bounds.

        Returns:
            In [0, 1]; large is good.

        Raises:
            ValueError: A class is empty so far.
        """
        with self._lock:
            return Bounded(*self._compiled.auroc())

    def partial_auroc(self, *, high: float, low: float = 0.0) -> Bounded:
        """Area between two false positive rates, see Ranking.partial_auroc.

        Args:
            high: Upper false positive rate, in (0, 1].
            low: Lower false positive rate, in [0, high).

        Returns:
            In [0, high - low]; large is good.

        Raises:
            ValueError: Rates out of range, or a class is empty so far.
        """
        with self._lock:
            return Bounded(*self._compiled.partial_auroc(real("partial_auroc", "high", high), real("partial_auroc", "low", low)))

    def average_precision(self, *, prevalence: float | None = None) -> Bounded:
        """Average precision in its step form, see Ranking.average_precision.

        Args:
            prevalence: Share of defects on the line, in (0, 1); None: that of the samples.

        Returns:
            In (0, 1]; large is good.

        Raises:
            ValueError: prevalence out of range, or a class is empty so far.
        """
        with self._lock:
            return Bounded(*self._compiled.average_precision(optional("average_precision", "prevalence", prevalence)))

    def true_positive_rate_at(self, false_positive_rate: float) -> Bounded:
        """Largest share of defects flagged among thresholds that flag at most this share of good.

        Args:
            false_positive_rate: In [0, 1].

        Returns:
            In [0, 1]; large is good.

        Raises:
            ValueError: The rate is out of range, or a class is empty so far.
        """
        with self._lock:
            return Bounded(*self._compiled.true_positive_rate_at(real("true_positive_rate_at", "false_positive_rate", false_positive_rate)))

    def good_flagged_at_defects_flagged(self, share: float = 0.95) -> Bounded:
        """Smallest share of good flagged among thresholds that flag at least this share of defects.

        Args:
            share: Of defects flagged, in [0, 1].

        Returns:
            In [0, 1]; small is good.

        Raises:
            ValueError: The share is out of range, or a class is empty so far.
        """
        with self._lock:
            return Bounded(*self._compiled.good_flagged_at_defects_flagged(real("good_flagged_at_defects_flagged", "share", share)))

    def defects_passed_at_good_passed(self, share: float = 0.95) -> Bounded:
        """Smallest share of defects passed among thresholds that pass at least this share of good.

        Args:
            share: Of good parts passed, in [0, 1].

        Returns:
            In [0, 1]; small is good.

        Raises:
            ValueError: The share is out of range, or a class is empty so far.
        """
        with self._lock:
            return Bounded(*self._compiled.defects_passed_at_good_passed(real("defects_passed_at_good_passed", "share", share)))

    def best_f1(self) -> BoundedBestF1:
        """The largest F1 of the defects over the thresholds at bucket edges.

        Returns:
            What the threshold reaches, with a bound on what any other could.

        Raises:
            ValueError: A class is empty so far.
        """
        with self._lock:
            f1, threshold = self._compiled.best_f1()
        return BoundedBestF1(Bounded(*f1), threshold)

    def roc_curve(self, *, at_most: int = 0) -> RocCurve:
        """Exact points of the ROC curve, one for each bucket in use.

        Args:
            at_most: More than 0 thins to about that number of points, evenly along the curve.

        Returns:
            Points by rising rates.

        Raises:
            ValueError: at_most is negative, or a class is empty so far.
        """
        with self._lock:
            return RocCurve(*self._compiled.roc(count("roc_curve", "at_most", at_most)))

    def precision_recall_curve(self, *, at_most: int = 0, prevalence: float | None = None) -> PrecisionRecallCurve:
        """Exact points of the precision-recall curve, one for each bucket with a defect.

        Args:
            at_most: More than 0 thins to about that number of points, evenly in recall.
            prevalence: Share of defects on the line, in (0, 1); None: that of the samples.

        Returns:
            Points by rising recall.

        Raises:
            ValueError: An option out of range, or a class is empty so far.
        """
        at_most = count("precision_recall_curve", "at_most", at_most)
        with self._lock:
            return PrecisionRecallCurve(*self._compiled.precision_recall(at_most, optional("precision_recall_curve", "prevalence", prevalence)))
