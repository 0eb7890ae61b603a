"""Intervals of proportions.

>>> from oddity.metrics import intervals
>>> round(intervals.clopper_pearson(0, 299, confidence=0.9).high, 6)  # no error among 299: at most 1 %, at 95 % one-sided
0.009969
"""

from dataclasses import dataclass

from oddity._metrics import intervals as _compiled

from ._arguments import count, real

__all__ = ["Interval", "clopper_pearson", "wilson"]


@dataclass(frozen=True)
class Interval:
    """A two-sided interval.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


def clopper_pearson(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Exact two-sided interval of a proportion, k events among n (Clopper and Pearson 1934).

    Its coverage is at least `confidence` for every true proportion.

    Args:
        k: Number of events, 0 <= k <= n.
        n: Number of trials; 0 gives [0, 1].
        confidence: In (0, 1).

    Returns:
        The interval, within [0, 1].

    Raises:
        ValueError: k > n, or confidence out of range.
    """
    return Interval(**_compiled.clopper_pearson(count("clopper_pearson", "k", k), count("clopper_pearson", "n", n), real("clopper_pearson", "confidence", confidence)))


def wilson(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion (Wilson 1927).

    Shorter than Clopper-Pearson and close to `confidence` on average; its coverage is not guaranteed for every proportion.

    Args:
        k: Number of events, 0 <= k <= n.
        n: Number of trials; 0 gives [0, 1].
        confidence: In (0, 1).

    Returns:
        The interval, within [0, 1].

    Raises:
        ValueError: k > n, or confidence out of range.
    """
    return Interval(**_compiled.wilson(count("wilson", "k", k), count("wilson", "n", n), real("wilson", "confidence", confidence)))
