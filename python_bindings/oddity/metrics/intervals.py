"""Intervals of proportions and of the AUROC, and how many parts a claim needs.

- A rate that must be certified: `clopper_pearson` (two-sided), `clopper_pearson_upper` (at most so much) and `clopper_pearson_lower`; exact, never too short.
- A rate to report: `wilson` or `jeffreys`; shorter, right on average over rates.
- No error among n: `rule_of_three(n)` in the head, `clopper_pearson_upper(0, n)` exactly.
- AUROC: `delong_auroc`. Any other value: `oddity.metrics.bootstrap`. Two models: `oddity.metrics.comparison`.
- Before the test: `parts_for_bound`, `acceptance_plan`, `parts_for_width`.

All of them take parts as independent. Several photographs of one part are not: count parts, or draw them as groups in `oddity.metrics.bootstrap`.

>>> from oddity.metrics import intervals
>>> intervals.parts_for_bound(0.01)  # without an error they certify 1 % at 95 %
299
>>> round(intervals.clopper_pearson_upper(0, 299), 6)
0.009969
>>> plan = intervals.acceptance_plan(0.01, rate=0.002)  # a model with 0.2 % passes it with 90 %
>>> plan.parts, plan.errors_allowed
(773, 3)
"""

from dataclasses import dataclass

from oddity._metrics import intervals as _compiled

from ._arguments import ArrayLike, count, real

__all__ = [
    "AcceptancePlan",
    "DelongAuroc",
    "Interval",
    "acceptance_plan",
    "clopper_pearson",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "delong_auroc",
    "jeffreys",
    "parts_for_bound",
    "parts_for_width",
    "rule_of_three",
    "wilson",
]


@dataclass(frozen=True)
class Interval:
    """A two-sided interval.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


@dataclass(frozen=True)
class DelongAuroc:
    """An AUROC with DeLong's standard error.

    Attributes:
        auroc: P(defect above good) + P(equal) / 2, in [0, 1]; large is good, 0.5 is chance.
        standard_error: Its standard error; 0 for separated classes, NaN with one part in a class.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n_good: Number of good parts.
        n_defect: Number of defective parts.
    """

    auroc: float
    standard_error: float
    low: float
    high: float
    n_good: int
    n_defect: int


@dataclass(frozen=True)
class AcceptancePlan:
    """A test to plan: take `parts`, pass when at most `errors_allowed` of them are errors.

    Attributes:
        parts: Number of parts to test.
        errors_allowed: Largest number of errors that passes.
        confidence: That is reached: 1 - P(pass) at the bound.
        power: That is reached: P(pass) at the expected rate.
    """

    parts: int
    errors_allowed: int
    confidence: float
    power: float


def _counts(function: str, k: int, n: int, confidence: float) -> tuple[int, int, float]:
    return count(function, "k", k), count(function, "n", n), real(function, "confidence", confidence)


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
    return Interval(**_compiled.clopper_pearson(*_counts("clopper_pearson", k, n, confidence)))


def clopper_pearson_upper(k: int, n: int, *, confidence: float = 0.95) -> float:
    """Exact one-sided bound: the proportion is at most this, at `confidence` (Clopper and Pearson 1934).

    With k = 0 it is 1 - (1 - confidence)^(1 / n). Together with the lower bound it holds at 2 confidence - 1 only.

    Args:
        k: Number of events, 0 <= k <= n.
        n: Number of trials; 0 gives 1.
        confidence: In (0, 1).

    Returns:
        The bound, in [0, 1]. For escapes and overkill small is good.

    Raises:
        ValueError: k > n, or confidence out of range.
    """
    return float(_compiled.clopper_pearson_upper(*_counts("clopper_pearson_upper", k, n, confidence)))


def clopper_pearson_lower(k: int, n: int, *, confidence: float = 0.95) -> float:
    """Exact one-sided bound: the proportion is at least this, at `confidence` (Clopper and Pearson 1934).

    Args:
        k: Number of events, 0 <= k <= n.
        n: Number of trials; 0 gives 0.
        confidence: In (0, 1).

    Returns:
        The bound, in [0, 1].

    Raises:
        ValueError: k > n, or confidence out of range.
    """
    return float(_compiled.clopper_pearson_lower(*_counts("clopper_pearson_lower", k, n, confidence)))


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
    return Interval(**_compiled.wilson(*_counts("wilson", k, n, confidence)))


def jeffreys(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Equal-tailed interval of Beta(k + 1/2, n - k + 1/2), with ends 0 at k = 0 and 1 at k = n (Brown, Cai and DasGupta 2001).

    About `confidence` on average; its coverage is not guaranteed for every proportion.

    Args:
        k: Number of events, 0 <= k <= n.
        n: Number of trials; 0 gives [0, 1].
        confidence: In (0, 1).

    Returns:
        The interval, within [0, 1].

    Raises:
        ValueError: k > n, or confidence out of range.
    """
    return Interval(**_compiled.jeffreys(*_counts("jeffreys", k, n, confidence)))


def rule_of_three(n: int) -> float:
    """min(1, 3 / n): no event among n bounds the proportion at 95 %, one-sided (Hanley and Lippman-Hand 1983).

    A little above the exact `clopper_pearson_upper(0, n)`, as -log 0.05 = 2.996.

    Args:
        n: Number of trials; 0 gives 1.

    Returns:
        The bound.

    Raises:
        ValueError: A negative n.
    """
    return float(_compiled.rule_of_three(count("rule_of_three", "n", n)))


def delong_auroc(scores: ArrayLike, labels: ArrayLike, *, confidence: float = 0.95) -> DelongAuroc:
    """AUROC with the variance of DeLong, DeLong and Clarke-Pearson (1988), in O(n log n) (Sun and Xu 2014).

    The interval is symmetric on the logit scale, so that it stays within [0, 1]. Where the variance is 0 (separated classes) or unknown (one part in a class) it rests
    on the k = min(n_good, n_defect) disjoint pairs: [(alpha / 2)^(1 / k), 1] for an AUROC of 1, Hoeffding's bound otherwise; both conservative. DeLong itself is asymptotic: with normal scores
    a nominal 5 % was missed in 31 % of draws with 2 defects and 200 good parts, in 11 % with 3 and 50. Below about 10 parts in a class take it as a hint.

    Args:
        scores: [n] float32 or float64, finite, larger is more anomalous; ties take mid-ranks.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both must occur.
        confidence: Of the two-sided interval, in (0, 1).

    Returns:
        The AUROC with its error and interval.

    Raises:
        ValueError: NaN, infinite, lengths that differ, other labels, a class that is empty, confidence out of range.
        TypeError: Another dtype.
    """
    return DelongAuroc(**_compiled.delong_auroc(scores, labels, real("delong_auroc", "confidence", confidence)))


def parts_for_bound(bound: float, *, confidence: float = 0.95, errors_allowed: int = 0) -> int:
    """Smallest number of parts with which at most `errors_allowed` errors certify an error rate of at most `bound`.

    The smallest n with P(Binomial(n, bound) <= errors_allowed) <= 1 - confidence, exactly: 299 without an error for 1 % at 95 %, 2995 for 0.1 %.

    Args:
        bound: Error rate to certify, in (0, 1).
        confidence: One-sided, in (0, 1).
        errors_allowed: Errors that may be among the parts, >= 0.

    Returns:
        Number of parts.

    Raises:
        ValueError: Arguments out of range, or more than 10^12 parts.
    """
    function = "parts_for_bound"
    return int(_compiled.parts_for_bound(real(function, "bound", bound), real(function, "confidence", confidence), count(function, "errors_allowed", errors_allowed)))


def acceptance_plan(bound: float, rate: float, *, confidence: float = 0.95, power: float = 0.9) -> AcceptancePlan:
    """The test with the fewest parts that certifies `bound` and is passed by a model with error rate `rate`.

    A test that allows no error is the shortest and often fails good models: at a true 0.2 %, 299 parts without an error come with a probability of 55 % only.

    Args:
        bound: Error rate to certify, in (0, 1).
        rate: Expected error rate, in (0, bound).
        confidence: That a model at or beyond the bound fails, in (0, 1).
        power: Probability that a model with error rate `rate` passes, in (0, 1).

    Returns:
        Number of parts and of allowed errors, with the confidence and power that they reach (exact binomial sums).

    Raises:
        ValueError: Arguments out of range, rate not below bound, or more than 10^12 parts.
    """
    function = "acceptance_plan"
    return AcceptancePlan(
        **_compiled.acceptance_plan(
            real(function, "bound", bound), real(function, "rate", rate), real(function, "confidence", confidence), real(function, "power", power)
        )
    )


def parts_for_width(share: float, width: float, *, confidence: float = 0.95) -> int:
    """Smallest number of parts whose Clopper-Pearson interval is at most `width` wide, whatever is observed up to a share of errors.

    Args:
        share: Largest share of errors for which the width must hold, in (0, 0.5]; 0.5 covers every outcome.
        width: high - low, in (0, 1).
        confidence: Two-sided, in (0, 1).

    Returns:
        Number of parts; where share * n is no integer a slightly smaller n may do.

    Raises:
        ValueError: Arguments out of range, or more than 10^12 parts.
    """
    function = "parts_for_width"
    return int(_compiled.parts_for_width(real(function, "share", share), real(function, "width", width), real(function, "confidence", confidence)))
