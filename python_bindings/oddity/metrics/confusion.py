"""What was decided beside what is true: tables, escapes and overkill, rates of classes with intervals.

- Accept or reject at a threshold: `confusion_at_threshold(scores, labels, threshold=t)`, then `inspection(table)` names the four outcomes and their rates.
- Several classes: `confusion_matrix(truth, predicted)`; `.rates(c)` gives precision, recall and F1 of a class.
- By camera, lot or shift: the functions that end in `_by_group`.
- Data that come in pieces: `Confusion(classes)` with `.add` and `.merge`.

A part is rejected when score > threshold, as by the engine. Points of the curves of `oddity.metrics.ranking` flag when score >= threshold: for the
same decisions give `numpy.nextafter(threshold, -numpy.inf)` here. An *escape* is a defective part that was accepted, an *overkill* a good part that was rejected. Rates carry an exact interval and a flag: a class without a
sample has value NaN, interval [0, 1] and supported = False, never a silent 0.

>>> from oddity.metrics import confusion
>>> table = confusion.confusion_at_threshold([0.1, 0.7, 0.4, 0.9], [0, 0, 1, 1], threshold=0.5)
>>> result = confusion.inspection(table)
>>> result.escape, result.overkill, result.escape_rate.value
(1, 1, 0.5)
>>> round(result.escape_rate.high, 3)
0.987
"""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import confusion as _compiled

from ._arguments import ArrayLike, count, real

__all__ = [
    "ClassRates",
    "Confusion",
    "Inspection",
    "MacroRates",
    "Mean",
    "Rate",
    "TopK",
    "confusion_at_threshold",
    "confusion_at_threshold_by_group",
    "confusion_matrix",
    "confusion_matrix_by_group",
    "inspection",
    "top_k_accuracy",
]


@dataclass(frozen=True)
class Rate:
    """A share of trials with a two-sided interval.

    Without weights the interval is Clopper and Pearson's (1934): it covers the true rate at least as often as the confidence says when parts are drawn
    independently from one population. F1 is 2 J / (1 + J) with J = hit / (hit + missed + wrongly predicted), a share of parts; its interval is that of J,
    transformed, and as exact. With weights it is Hoeffding's (1963) at the effective number of trials (sum w)^2 / sum w^2: valid for any weights, wide.

    Attributes:
        value: events / trials (of the sums of weights, with weights); NaN without support.
        low: Lower end; 0 without support.
        high: Upper end; 1 without support.
        events: Number of samples that count; for F1 those of J.
        trials: Number of samples they are a part of; for F1 those of J.
        supported: False when there is no trial, or none of positive weight.
    """

    value: float
    low: float
    high: float
    events: int
    trials: int
    supported: bool


@dataclass(frozen=True)
class ClassRates:
    """Rates of one class; large is good.

    Attributes:
        precision: Share of this class among the samples predicted as it.
        recall: Share predicted as it among the samples of this class.
        f1: Harmonic mean of both.
    """

    precision: Rate
    recall: Rate
    f1: Rate


@dataclass(frozen=True)
class Mean:
    """An unweighted mean over classes. It has no interval: classes differ in theirs.

    Attributes:
        value: Mean over the classes that have support; NaN when none has.
        classes: How many these are.
        left_out: How many have none; values with different left_out cannot be compared.
    """

    value: float
    classes: int
    left_out: int


@dataclass(frozen=True)
class MacroRates:
    """Means over classes; large is good.

    Attributes:
        precision: Mean precision.
        recall: Mean recall, the balanced accuracy.
        f1: Mean F1.
    """

    precision: Mean
    recall: Mean
    f1: Mean


@dataclass(frozen=True)
class Inspection:
    """A table of two classes in words. The last four rates hold for a line with the sample's share of defects.

    Attributes:
        true_accept: Good parts accepted.
        escape: Defective parts accepted.
        overkill: Good parts rejected.
        true_reject: Defective parts rejected.
        escape_rate: escape / defects; small is good.
        overkill_rate: overkill / good; small is good.
        defects_among_accepted: escape / accepted, what the customer sees; small is good.
        defects_among_rejected: true_reject / rejected, the precision of a rejection; large is good.
        f1: F1 of the defects; large is good.
        accuracy: Share of right decisions; large is good.
    """

    true_accept: int
    escape: int
    overkill: int
    true_reject: int
    escape_rate: Rate
    overkill_rate: Rate
    defects_among_accepted: Rate
    defects_among_rejected: Rate
    f1: Rate
    accuracy: Rate


@dataclass(frozen=True)
class TopK:
    """How often the true class is among the k classes of the largest scores.

    Attributes:
        accuracy: Of all samples; large is good.
        classes: Of the samples of each true class.
        undecided: Samples that another order of equal scores would have counted as hits; here they are misses.
        ignored: Samples left out.
    """

    accuracy: Rate
    classes: tuple[Rate, ...]
    undecided: int
    ignored: int


def _label(function: str, label: int | None) -> int | None:
    if label is None:
        return None
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
        raise TypeError(f"[metrics.{function}] ignored_label must be an integer or None; got {label!r}")
    if not -(2**63) <= int(label) < 2**63:
        raise ValueError(f"[metrics.{function}] ignored_label is out of range; got {label}; expected an int64")
    return int(label)


class Confusion:
    """A table of true class x predicted class with 64-bit counts, which samples can be added to.

    Tables of disjoint samples can be merged. Methods may be called from several threads.

    Args:
        classes: Number of classes, 2 to 16384; labels are integers in [0, classes).

    Raises:
        ValueError: classes out of range.
    """

    def __init__(self, classes: int) -> None:
        self._compiled = _compiled.Confusion(count("confusion", "classes", classes))
        self._lock = threading.RLock()

    @classmethod
    def _of(cls, compiled: Any) -> "Confusion":
        confusion = cls.__new__(cls)
        confusion._compiled = compiled
        confusion._lock = threading.RLock()
        return confusion

    @classmethod
    def of_counts(cls, counts: ArrayLike) -> "Confusion":
        """A table of given counts.

        Args:
            counts: [classes, classes] integers of at least 0, true class by row.

        Returns:
            The table.

        Raises:
            ValueError: Not square, negative, or a sum above 2^62.
            TypeError: Another dtype.
        """
        table = np.asarray(counts)
        if table.ndim != 2 or table.shape[0] != table.shape[1]:
            raise ValueError(f"[metrics.confusion] counts must be [classes, classes]; got shape {table.shape}")
        return cls._of(_compiled.Confusion.of_counts(np.ascontiguousarray(table).ravel(), table.shape[0]))

    def add(self, truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, ignored_label: int | None = None) -> None:
        """Adds samples; nothing is added when an argument is refused.

        Args:
            truth: [n] integers, the true classes.
            predicted: [n] integers, the decisions.
            weights: [n] float32 or float64, 0 or in [1e-100, 1e100]; None: all 1.
            ignored_label: Samples of this true label are left out and counted as ignored.

        Raises:
            ValueError: Labels or weights out of range, NaN, lengths that differ.
            TypeError: Another dtype.
        """
        label = _label("confusion", ignored_label)
        with self._lock:
            self._compiled.add(truth, predicted, weights, label)

    def merge(self, other: "Confusion") -> None:
        """Adds the samples of another table.

        Args:
            other: With the same number of classes.

        Raises:
            ValueError: classes differ, or the sum passes 2^62 samples.
            TypeError: Not a Confusion.
        """
        if not isinstance(other, Confusion):
            raise TypeError(f"[metrics.confusion] other must be a Confusion; got {type(other).__name__}")
        first, second = sorted((self, other), key=id)  # one order of locks for a.merge(b) and b.merge(a)
        with first._lock, second._lock:
            self._compiled.merge(other._compiled)

    def __repr__(self) -> str:
        return f"Confusion(classes={self.classes}, samples={self.samples}, ignored={self.ignored}{', weighted' if self.weighted else ''})"

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self._compiled.classes())

    @property
    def samples(self) -> int:
        """Number of samples, without the ignored ones."""
        with self._lock:
            return int(self._compiled.samples())

    @property
    def ignored(self) -> int:
        """Number of samples left out."""
        return int(self._compiled.ignored())

    @property
    def weighted(self) -> bool:
        """Whether a weight other than 1 was added."""
        return bool(self._compiled.weighted())

    @property
    def counts(self) -> NDArray[np.int64]:
        """[classes, classes] numbers of samples, true class by row; a copy."""
        with self._lock:
            return np.asarray(self._compiled.counts())

    def normalized(self, by: str = "none") -> NDArray[np.float64]:
        """The table of counts or, with weights, of their sums, as shares.

        Args:
            by: "none", "truth" (rows sum to 1), "predicted" (columns sum to 1) or "all".

        Returns:
            [classes, classes] float64; a row, column or table without support is NaN.

        Raises:
            ValueError: Another word.
        """
        with self._lock:
            return np.asarray(self._compiled.normalized(by))

    def rates(self, of_class: int, *, confidence: float = 0.95) -> ClassRates:
        """Precision, recall and F1 of one class.

        Args:
            of_class: In [0, classes).
            confidence: Of the two-sided intervals, in (0, 1).

        Returns:
            The rates with their intervals.

        Raises:
            ValueError: An argument out of range.
        """
        of_class, level = count("confusion", "class", of_class), real("confusion", "confidence", confidence)
        with self._lock:
            rates = self._compiled.rates(of_class, level)
        return ClassRates(**{name: Rate(**rate) for name, rate in rates.items()})

    def macro_rates(self) -> MacroRates:
        """Unweighted means of precision, recall and F1 over the classes.

        Returns:
            Each with the number of classes that were left out for want of support.
        """
        with self._lock:
            rates = self._compiled.macro_rates()
        return MacroRates(**{name: Mean(**mean) for name, mean in rates.items()})

    def accuracy(self, *, confidence: float = 0.95) -> Rate:
        """Share of the diagonal, which is also the micro-averaged precision, recall and F1.

        Args:
            confidence: Of the two-sided interval, in (0, 1).

        Returns:
            The rate; large is good.

        Raises:
            ValueError: confidence out of range.
        """
        level = real("confusion", "confidence", confidence)
        with self._lock:
            return Rate(**self._compiled.accuracy(level))


def confusion_matrix(
    truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None, *, classes: int | None = None, ignored_label: int | None = None
) -> Confusion:
    """The table of true class x predicted class.

    Args:
        truth: [n] integers in [0, classes), n > 0.
        predicted: [n] integers in [0, classes).
        weights: [n] float32 or float64, 0 or in [1e-100, 1e100], not all 0; None: all 1.
        classes: Number of classes, 2 to 16384; None: one more than the largest label.
        ignored_label: Samples of this true label are left out and counted as ignored.

    Returns:
        The table, which more samples can be added to.

    Raises:
        ValueError: Empty, lengths that differ, labels or weights out of range, NaN, every sample ignored, an array that is not contiguous.
        TypeError: Another dtype.
    """
    function = "confusion_matrix"
    number = 0 if classes is None else count(function, "classes", classes, least=2)
    return Confusion._of(_compiled.confusion_matrix(truth, predicted, weights, number, _label(function, ignored_label)))


def confusion_matrix_by_group(
    truth: ArrayLike,
    predicted: ArrayLike,
    groups: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    classes: int | None = None,
    ignored_label: int | None = None,
) -> dict[int, Confusion]:
    """One table for each group, all with the same classes.

    Args:
        truth: [n] integers in [0, classes), n > 0.
        predicted: [n] integers in [0, classes).
        groups: [n] integers, such as the number of the camera or lot.
        weights: [n] float32 or float64, 0 or in [1e-100, 1e100], not all 0; None: all 1.
        classes: Number of classes, 2 to 16384; None: one more than the largest label.
        ignored_label: Samples of this true label are left out and counted as ignored.

    Returns:
        The tables by group, in rising order.

    Raises:
        ValueError: As confusion_matrix.
        TypeError: Another dtype.
    """
    function = "confusion_matrix_by_group"
    number = 0 if classes is None else count(function, "classes", classes, least=2)
    tables = _compiled.confusion_matrix_by_group(truth, predicted, groups, weights, number, _label(function, ignored_label))
    return {group: Confusion._of(table) for group, table in tables}


def confusion_at_threshold(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, *, threshold: float) -> Confusion:
    """The table of good or defective x accepted or rejected; a part is rejected when score > threshold.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous, n > 0.
        labels: [n] bool or integers, 1 for a defect and 0 for good; a class may be empty.
        weights: [n] float32 or float64, 0 or in [1e-100, 1e100], not all 0; None: all 1.
        threshold: Any real number, may be infinite; the threshold itself is accepted.

    Returns:
        A table of two classes, for `inspection`.

    Raises:
        ValueError: Empty, NaN, infinite scores, lengths that differ, other labels, weights out of range, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Confusion._of(_compiled.confusion_at_threshold(scores, labels, weights, real("confusion_at_threshold", "threshold", threshold)))


def confusion_at_threshold_by_group(
    scores: ArrayLike, labels: ArrayLike, groups: ArrayLike, weights: ArrayLike | None = None, *, threshold: float
) -> dict[int, Confusion]:
    """One table for each group at one threshold.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous, n > 0.
        labels: [n] bool or integers, 1 for a defect and 0 for good; a class may be empty.
        groups: [n] integers, such as the number of the camera or lot.
        weights: [n] float32 or float64, 0 or in [1e-100, 1e100], not all 0; None: all 1.
        threshold: Any real number, may be infinite; the threshold itself is accepted.

    Returns:
        The tables by group, in rising order.

    Raises:
        ValueError: As confusion_at_threshold.
        TypeError: Another dtype.
    """
    level = real("confusion_at_threshold_by_group", "threshold", threshold)
    tables = _compiled.confusion_at_threshold_by_group(scores, labels, groups, weights, level)
    return {group: Confusion._of(table) for group, table in tables}


def inspection(confusion: Confusion, *, confidence: float = 0.95) -> Inspection:
    """The four outcomes of accepting and rejecting parts, and their rates.

    Args:
        confusion: A table of two classes: 0 is good or accepted, 1 a defect or rejected.
        confidence: Of the two-sided intervals, in (0, 1).

    Returns:
        Counts and rates.

    Raises:
        ValueError: Not two classes, or confidence out of range.
        TypeError: Not a Confusion.
    """
    if not isinstance(confusion, Confusion):
        raise TypeError(f"[metrics.inspection] confusion must be a Confusion; got {type(confusion).__name__}")
    level = real("inspection", "confidence", confidence)
    with confusion._lock:
        fields = _compiled.inspection(confusion._compiled, level)
    rates = {name: Rate(**field) for name, field in fields.items() if isinstance(field, dict)}
    return Inspection(**{**fields, **rates})


def top_k_accuracy(
    scores: ArrayLike,
    truth: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    k: int,
    ignored_label: int | None = None,
    confidence: float = 0.95,
) -> TopK:
    """How often the true class is among the k classes of the largest scores.

    A hit needs fewer than k other classes with a score as large or larger, so that a constant score earns nothing.

    Args:
        scores: [n, classes] float32 or float64, finite, such as logits or probabilities.
        truth: [n] integers in [0, classes).
        weights: [n] float32 or float64, 0 or in [1e-100, 1e100], not all 0; None: all 1.
        k: 1 to classes.
        ignored_label: Samples of this true label are left out and counted as ignored.
        confidence: Of the two-sided intervals, in (0, 1).

    Returns:
        Rates of all samples and of each true class.

    Raises:
        ValueError: Empty, NaN, lengths that differ, labels, weights or options out of range, an array that is not contiguous.
        TypeError: Another dtype.
    """
    function = "top_k_accuracy"
    label, level = _label(function, ignored_label), real(function, "confidence", confidence)
    result = _compiled.top_k_accuracy(scores, truth, weights, count(function, "k", k), label, level)
    return TopK(Rate(**result["accuracy"]), tuple(Rate(**rate) for rate in result["classes"]), result["undecided"], result["ignored"])
