"""Two models on the same parts, and raters beside each other.

- Right or wrong: `paired_counts`, then `mcnemar` (is there a difference) and `newcombe_difference` (how large).
- AUROC: `delong_test`; for other ranking metrics `oddity.metrics.bootstrap.bootstrap_ranking_difference`.
- A loss for each part: `paired_permutation_test`, valid for every n and every distribution. Any other statistic: `permutation_test`.
- Operators, or a model beside operators: `cohen_kappa` for two raters, `fleiss_kappa` for more.

Pairing removes what the parts have in common; tests for independent samples must not be used. Photographs of one part belong together: pass `groups` where a function
takes them, otherwise reduce them to one value for each part.

>>> from oddity.metrics import comparison
>>> a_right = [1, 1, 1, 1, 1, 1, 1, 0, 1, 1]
>>> b_right = [1, 0, 0, 1, 0, 0, 1, 1, 0, 0]
>>> counts = comparison.paired_counts(a_right, b_right)
>>> counts
PairedCounts(both=3, only_a=6, only_b=1, neither=0)
>>> round(comparison.mcnemar(counts).exact, 6)
0.125
>>> interval = comparison.newcombe_difference(counts)
>>> round(interval.low, 3), round(interval.difference, 3), round(interval.high, 3)
(0.004, 0.5, 0.776)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import comparison as _compiled

from ._arguments import ArrayLike, count, real

__all__ = [
    "DelongTest",
    "Kappa",
    "McNemar",
    "PairedCounts",
    "PairedDifference",
    "PermutationTest",
    "cohen_kappa",
    "delong_test",
    "fleiss_kappa",
    "mcnemar",
    "newcombe_difference",
    "paired_counts",
    "paired_permutation_test",
    "permutation_test",
]


@dataclass(frozen=True)
class PairedCounts:
    """Parts by what two methods do with them; an event is whatever is counted, such as "judged correctly".

    Attributes:
        both: Event with both.
        only_a: Event with a only.
        only_b: Event with b only.
        neither: Event with neither.
    """

    both: int
    only_a: int
    only_b: int
    neither: int

    @property
    def n(self) -> int:
        """Number of parts."""
        return self.both + self.only_a + self.only_b + self.neither


@dataclass(frozen=True)
class McNemar:
    """Two-sided p-values of equal rates.

    Attributes:
        only_a: Discordant parts with the event in a.
        only_b: Discordant parts with the event in b.
        exact: Never rejects too often.
        mid_p: More powerful; its level is not guaranteed, and reaches 5.2 % at a nominal 5 %.
    """

    only_a: int
    only_b: int
    exact: float
    mid_p: float


@dataclass(frozen=True)
class PairedDifference:
    """A difference of two paired proportions.

    Attributes:
        rate_a: Share of parts with the event in a.
        rate_b: Share of parts with the event in b.
        difference: rate_a - rate_b.
        low: Lower end of the interval, >= -1.
        high: Upper end of the interval, <= 1.
        n: Number of parts.
    """

    rate_a: float
    rate_b: float
    difference: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class DelongTest:
    """Two AUROCs on the same parts.

    Attributes:
        auroc_a: AUROC of a.
        auroc_b: AUROC of b.
        difference: a - b; positive: a ranks better.
        standard_error: Of the difference; NaN with one part in a class.
        statistic: difference / standard_error, standard normal when the AUROCs are equal; NaN where the error is 0 or NaN.
        p_value: Two-sided.
        low: Lower end of the interval of the difference, >= -1.
        high: Upper end of the interval of the difference, <= 1.
        n_good: Number of good parts.
        n_defect: Number of defective parts.
    """

    auroc_a: float
    auroc_b: float
    difference: float
    standard_error: float
    statistic: float
    p_value: float
    low: float
    high: float
    n_good: int
    n_defect: int


@dataclass(frozen=True)
class PermutationTest:
    """A permutation test.

    Attributes:
        statistic: Observed value.
        p_value: Share of permutations as extreme, the observed one included.
        n: Number of parts.
        units: Groups or parts that are exchanged as a whole; for means those that differ.
        permutations: That p_value counts.
        exact: Whether these are all there are.
    """

    statistic: float
    p_value: float
    n: int
    units: int
    permutations: int
    exact: bool


@dataclass(frozen=True)
class Kappa:
    """Agreement beyond chance: (observed - expected) / (1 - expected).

    Attributes:
        kappa: 1 is full agreement, 0 what independent raters with the same habits reach.
        standard_error: For the interval.
        null_standard_error: Were the true kappa 0; for the test.
        low: Lower end of the asymptotic interval; NaN where the error is 0, as for full agreement.
        high: Upper end of the interval; NaN likewise.
        p_value: Two-sided, of kappa = 0; NaN where the error under the null is 0.
        observed: Weighted share of agreement.
        expected: The same by chance.
        n: Number of items.
        raters: Number of raters of each item.
        classes: Number of classes.
    """

    kappa: float
    standard_error: float
    null_standard_error: float
    low: float
    high: float
    p_value: float
    observed: float
    expected: float
    n: int
    raters: int
    classes: int


def paired_counts(a: ArrayLike, b: ArrayLike) -> PairedCounts:
    """The four cells of two binary outcomes of the same parts.

    Args:
        a: [n] bool or integers, 1 for an event (such as "judged correctly") and 0 otherwise.
        b: [n] likewise, of the same parts.

    Returns:
        The counts.

    Raises:
        ValueError: Empty, lengths that differ, values other than 0 and 1.
        TypeError: Another dtype.
    """
    return PairedCounts(**_compiled.paired_counts(a, b))


def _cells(function: str, counts: PairedCounts) -> tuple[int, int, int, int]:
    if not isinstance(counts, PairedCounts):
        raise TypeError(f"[metrics.{function}] counts must be PairedCounts; got {type(counts).__name__}; expected paired_counts(a, b) or PairedCounts(...)")
    return (
        count(function, "counts.both", counts.both),
        count(function, "counts.only_a", counts.only_a),
        count(function, "counts.only_b", counts.only_b),
        count(function, "counts.neither", counts.neither),
    )


def mcnemar(counts: PairedCounts) -> McNemar:
    """McNemar's exact test (1947) of equal rates, with its mid-p variant (Fagerland, Lydersen and Laake 2013).

    Given the number of discordant parts, those of a are binomial with probability 1/2: exact p = min(1, 2 P(X <= min)). Without discordant parts both p-values are 1.

    Args:
        counts: From `paired_counts`, or by hand; at most 2^51 in a cell.

    Returns:
        Both p-values.

    Raises:
        ValueError: No parts, or counts that are negative or too large.
        TypeError: Something else than PairedCounts.
    """
    return McNemar(**_compiled.mcnemar(*_cells("mcnemar", counts)))


def newcombe_difference(counts: PairedCounts, *, confidence: float = 0.95) -> PairedDifference:
    """Interval of the difference of two paired proportions (Newcombe 1998, Statistics in Medicine 17:2635, method 10).

    Square and add of Wilson intervals with the continuity-corrected correlation. About `confidence` also for small n, not guaranteed.

    Args:
        counts: From `paired_counts`, or by hand; at most 2^51 in a cell.
        confidence: Two-sided, in (0, 1).

    Returns:
        The difference with its interval, within [-1, 1].

    Raises:
        ValueError: No parts, counts that are negative or too large, or confidence out of range.
        TypeError: Something else than PairedCounts.
    """
    function = "newcombe_difference"
    return PairedDifference(**_compiled.newcombe_difference(*_cells(function, counts), real(function, "confidence", confidence)))


def delong_test(a: ArrayLike, b: ArrayLike, labels: ArrayLike, *, confidence: float = 0.95) -> DelongTest:
    """Test of two AUROCs on the same parts (DeLong, DeLong and Clarke-Pearson 1988), in O(n log n).

    Asymptotic: below about 30 parts in a class prefer `permutation_test`. Where the standard error is 0 or unknown, interval and p-value come from Hoeffding's bound on
    disjoint pairs of parts and are conservative.

    Args:
        a: [n] float32 or float64, finite scores of the first model, larger is more anomalous.
        b: [n] scores of the second model for the same parts; the scale may differ.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        confidence: Of the two-sided interval of the difference, in (0, 1).

    Returns:
        The difference with its error, interval and p-value.

    Raises:
        ValueError: NaN, infinite, lengths that differ, other labels, a class that is empty, confidence out of range.
        TypeError: Another dtype.
    """
    return DelongTest(**_compiled.delong_test(a, b, labels, real("delong_test", "confidence", confidence)))


def paired_permutation_test(
    a: ArrayLike,
    b: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    alternative: str = "two_sided",
    permutations: int = 9999,
    exact_up_to: int = 20,
    seed: int = 0,
) -> PermutationTest:
    """Sign-flip test of the mean of a - b (Fisher 1935).

    Under the null hypothesis a part's two values could have come in either order. P(p <= alpha) <= alpha for every n and every distribution.

    Args:
        a: [n] float32 or float64, finite, such as the loss of the first model for each part.
        b: [n] the same of the second model.
        groups: [n] integers or None; parts with the same number are flipped together.
        alternative: "two_sided", "greater" (a is larger) or "less".
        permutations: Drawn when there are too many to enumerate; then p = (1 + extreme) / (1 + permutations).
        exact_up_to: Up to so many units (parts or groups that differ) all 2^units permutations count, at most 40.
        seed: Of the draws.

    Returns:
        The p-value with what it rests on.

    Raises:
        ValueError: NaN, infinite, empty, lengths that differ, an unknown alternative, numbers out of range.
        TypeError: Another dtype.
    """
    function = "paired_permutation_test"
    return PermutationTest(
        **_compiled.paired_permutation_test(
            a, b, groups, alternative, count(function, "permutations", permutations), count(function, "exact_up_to", exact_up_to), count(function, "seed", seed)
        )
    )


def permutation_test(
    n: int,
    statistic: Callable[[NDArray[np.bool_]], Any],
    *,
    groups: ArrayLike | None = None,
    alternative: str = "two_sided",
    permutations: int = 999,
    exact_up_to: int = 10,
    seed: int = 0,
) -> PermutationTest:
    """Permutation test of any statistic of two models on the same parts, such as the difference of their F1.

    Args:
        n: Number of parts.
        statistic: Gets an array [n] of bool, true for parts whose results the two models exchange, and returns the difference a - b; all false is what was observed.
            Scores of models on different scales are not exchangeable: pass ranks.
        groups: [n] integers or None; parts with the same number are exchanged together.
        alternative: "two_sided" (by absolute value), "greater" or "less".
        permutations: Drawn when there are too many to enumerate; then p = (1 + extreme) / (1 + permutations).
        exact_up_to: Up to so many units all 2^units permutations count, at most 20.
        seed: Of the draws.

    Returns:
        The p-value with what it rests on.

    Raises:
        ValueError: n = 0, an unknown alternative, numbers out of range, or a statistic that is NaN or infinite.
        TypeError: A statistic that returns no number; groups of another dtype.
    """
    function = "permutation_test"
    return PermutationTest(
        **_compiled.permutation_test(
            count(function, "n", n),
            statistic,
            groups,
            alternative,
            count(function, "permutations", permutations),
            count(function, "exact_up_to", exact_up_to),
            count(function, "seed", seed),
        )
    )


def cohen_kappa(a: ArrayLike, b: ArrayLike, *, weights: str = "none", confidence: float = 0.95, classes: int = 0) -> Kappa:
    """Cohen's kappa of two raters of the same items (1960; weighted 1968), with errors by Fleiss, Cohen and Everitt (1969).

    kappa falls with prevalence: compare it between sets with similar shares of the classes only. The interval is asymptotic; below about 50 items or near 1 use
    `oddity.metrics.bootstrap`.

    Args:
        a: [n] integers, the class that the first rater gave, 0 .. classes - 1.
        b: [n] integers, that of the second.
        weights: "none", or for ordered classes "linear" (disagreement |i - j|) or "quadratic"; the distance is that of the numbers, whether or not those between occur.
        confidence: Two-sided, in (0, 1).
        classes: Number of classes, at most 4096; 0: the largest rating + 1.

    Returns:
        kappa with its errors.

    Raises:
        ValueError: Fewer than 2 items, lengths that differ, ratings out of range, every rating the same class (0 / 0), confidence out of range.
        TypeError: Another dtype.
    """
    function = "cohen_kappa"
    return Kappa(**_compiled.cohen_kappa(a, b, weights, real(function, "confidence", confidence), count(function, "classes", classes)))


def fleiss_kappa(ratings: ArrayLike, *, confidence: float = 0.95, classes: int = 0) -> Kappa:
    """Fleiss' kappa (1971) of two or more ratings of each item.

    The raters of an item need not be those of the next. Standard error by linearisation over items (Gwet 2021), under the null by Fleiss, Nee and Landis (1979).

    Args:
        ratings: [items, raters] integers, 0 .. classes - 1, at least two raters.
        confidence: Two-sided, in (0, 1).
        classes: Number of classes, at most 4096; 0: the largest rating + 1.

    Returns:
        kappa with its errors.

    Raises:
        ValueError: Fewer than 2 items or raters, ratings out of range, every rating the same class (0 / 0), confidence out of range.
        TypeError: Another dtype.
    """
    function = "fleiss_kappa"
    return Kappa(**_compiled.fleiss_kappa(ratings, real(function, "confidence", confidence), count(function, "classes", classes)))
