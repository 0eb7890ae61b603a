"""Risk control: settings and thresholds whose error rate is certified from calibration data.

- `certified_threshold`: the one call for inspection. From scores of defective and good parts the threshold with the least overkill whose escape rate is at most a
  limit, with a stated confidence, exactly; or how many defective parts it takes.
- `rcps` and `ltt` do the same for any loss (missed area, size of a prediction set, ...) given for each sample and setting: `rcps` walks from the safest setting on,
  `ltt` tests settings of any order and shape of risk and lets the cheapest be chosen among those certified.
- `crc` bounds the mean loss over all calibration sets, without a confidence: less strict, fewer samples.
- `mean_upper_bound` and `mean_p_value` are what they rest on; `lossless_samples_needed` plans.

Samples must be independent draws of what the line will see. Small losses are good.

>>> import numpy as np
>>> from oddity.metrics import risk
>>> random = np.random.default_rng(0)
>>> scores = np.concatenate([random.normal(4, 1, 400), random.normal(0, 1, 2000)])
>>> labels = np.repeat([1, 0], [400, 2000])
>>> result = risk.certified_threshold(scores, labels, max_escape=0.02)
>>> result.certified, round(result.threshold, 2), round(result.escape_bound, 4), result.overkill.value
(True, 1.6, 0.0193, 0.0545)
>>> few = risk.certified_threshold(scores[300:], labels[300:], max_escape=0.01)
>>> few.certified, few.n_defect, few.defects_needed
(False, 100, 299)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import risk as _compiled

from ._arguments import ArrayLike, count, optional, real
from ._mean_bounds import (
    MeanUpperBound,
    MeanUpperBounds,
    betting_order,
    lossless_samples_needed,
    mean_p_value,
    mean_p_values,
    mean_upper_bound,
    mean_upper_bounds,
)

__all__ = [
    "CertifiedThreshold",
    "LearnThenTest",
    "MeanUpperBound",
    "MeanUpperBounds",
    "RateEstimate",
    "RiskControl",
    "betting_order",
    "certified_threshold",
    "crc",
    "family_wise_rejections",
    "lossless_samples_needed",
    "ltt",
    "mean_p_value",
    "mean_p_values",
    "mean_upper_bound",
    "mean_upper_bounds",
    "rcps",
]


@dataclass(frozen=True, eq=False)
class RiskControl:
    """What `crc` or `rcps` chose.

    Attributes:
        index: Column of the riskiest setting that keeps the limit; None when not even the safest does: n is below n_needed, or its loss is too large.
        risks: [settings] float64, mean losses of the calibration samples.
        bounds: [settings] float64, what was compared with the limit.
        n: Calibration samples.
        n_needed: The smallest n with which a setting without any loss keeps the limit.
    """

    index: int | None
    risks: NDArray[np.float64]
    bounds: NDArray[np.float64]
    n: int
    n_needed: int


@dataclass(frozen=True, eq=False)
class LearnThenTest:
    """What `ltt` certified and chose.

    Attributes:
        index: Column of the chosen setting; None when none is certified.
        certified: [settings] bool; all of them together keep the limit with the confidence.
        risks: [settings] float64, mean losses of the calibration samples.
        p_values: [settings] float64, of "the risk is the limit or more".
        n: Calibration samples.
        n_needed: The smallest n with which a setting without any loss is certified.
    """

    index: int | None
    certified: NDArray[np.bool_]
    risks: NDArray[np.float64]
    p_values: NDArray[np.float64]
    n: int
    n_needed: int


@dataclass(frozen=True)
class RateEstimate:
    """An observed rate with its exact two-sided interval.

    Attributes:
        value: Observed.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CertifiedThreshold:
    """A threshold with a certified escape rate; a part is rejected when its score is above it.

    Attributes:
        certified: All that was asked for: the escape rate, and the overkill rate if it has a limit.
        escape_certified: The escape rate alone.
        threshold: The largest with a certified escape rate, hence least overkill; -inf (reject everything) when there is none, because there are fewer than
            defects_needed defects.
        escape: Escape rate. The true one follows Beta(allowed_escapes + 1, n_defect - allowed_escapes) for continuous scores; ties only lower it (then low is 0).
        overkill: Overkill rate (Clopper-Pearson).
        escape_bound: One-sided upper bound of the escape rate, at most max_escape when certified.
        overkill_bound: One-sided upper bound of the overkill rate.
        allowed_escapes: So many escapes among n_defect the exact test permits.
        n_defect: Defective parts, or groups that hold one.
        n_good: Good parts, or groups that hold one.
        defects_needed: The smallest n_defect with which the escape rate can be certified.
        good_needed: The smallest n_good with which max_overkill can be certified, when none is rejected; 0 without max_overkill.
    """

    certified: bool
    escape_certified: bool
    threshold: float
    escape: RateEstimate
    overkill: RateEstimate
    escape_bound: float
    overkill_bound: float
    allowed_escapes: int
    n_defect: int
    n_good: int
    defects_needed: int
    good_needed: int


def certified_threshold(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    max_escape: float,
    max_overkill: float | None = None,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
) -> CertifiedThreshold:
    """The threshold with least overkill whose escape rate is at most `max_escape`, certified with `confidence`.

    It lies just below the (k + 1)-th smallest defect score, k the largest count of escapes for which the exact binomial test of "the escape rate is max_escape or
    more" rejects: a fixed sequence of exact tests from the safest threshold on (Bauer 1991; Angelopoulos et al. 2021, "Learn then test"). Over calibration sets
    P(escape rate > max_escape) <= 1 - confidence; for continuous scores it is exactly the probability of the binomial test. It takes 299 defects to certify 1 % at
    95 %.

    Args:
        scores: [n] float32 or float64, larger is more anomalous; a part is rejected when score > threshold.
        labels: [n] bool or integers, 1 for a defect and 0 for good; both are needed. Defects must be independent draws of those the line will see.
        groups: [n] integers, or None. Samples of one group (views of a part, parts of a lot) are not independent: the unit is then the group, with the smallest
            score among its defective samples (it escapes when any of them is accepted) and the largest among its good ones. Where the line rejects a part when any
            of its views is above the threshold, give the largest score of its views instead.
        max_escape: Limit of the escape rate (defective parts accepted, among defective parts), in (0, 1), from 1e-9 on.
        max_overkill: Also certify that the overkill rate (good parts rejected, among good parts) is at most this; each statement then gets half of 1 - confidence.
        confidence: In (0, 1).

    Returns:
        The threshold with both rates, their bounds, and what is needed when it cannot be certified.

    Raises:
        ValueError: NaN or infinite scores, other labels, no defect or no good part, lengths that differ, a rate or confidence out of range.
        TypeError: Another dtype.
    """
    function = "certified_threshold"
    overkill = optional(function, "max_overkill", max_overkill)
    result = _compiled.certified_threshold(
        scores, labels, groups, real(function, "max_escape", max_escape), overkill, real(function, "confidence", confidence)
    )
    result["escape"] = RateEstimate(**result["escape"])
    result["overkill"] = RateEstimate(**result["overkill"])
    return CertifiedThreshold(**result)


def crc(losses: ArrayLike, *, limit: float, maximum: float = 1.0, safest: str = "last") -> RiskControl:
    """Conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster 2022).

    The riskiest setting with n / (n + 1) risk + maximum / (n + 1) <= limit, compared exactly where sums of losses are integers. The mean loss of the next sample is
    then at most `limit`, over calibration sets and samples together; for one calibration set it may be more (`rcps` bounds that).

    Args:
        losses: [n, settings] float32 or float64 in [0, maximum], the loss of each sample at each setting. In every row losses fall from risky to safe.
        limit: Of the mean loss, in (0, maximum), from 1e-8 of the maximum on.
        maximum: The largest possible loss, known beforehand.
        safest: "last" or "first": the column with the smallest losses.

    Returns:
        The chosen setting, with risks and bounds of all.

    Raises:
        ValueError: Empty, NaN, losses outside [0, maximum], a row that rises towards the safest column, or limit out of range.
        TypeError: Another dtype.
    """
    return RiskControl(**_compiled.crc(losses, real("crc", "limit", limit), real("crc", "maximum", maximum), safest))


def rcps(
    losses: ArrayLike,
    *,
    limit: float,
    bound: str = "betting",
    confidence: float = 0.95,
    maximum: float = 1.0,
    safest: str = "last",
    seed: int = 0,
) -> RiskControl:
    """Risk-controlling prediction sets (Bates, Angelopoulos, Lei, Malik and Jordan 2021).

    From the safest setting on, as long as the upper confidence bound of the risk is at most `limit`. P(risk of the chosen setting > limit) <= 1 - confidence over
    calibration sets. The walk is a fixed sequence of tests, so that this holds for risks that are not monotone too.

    Args:
        losses: [n, settings] float32 or float64 in [0, maximum]; the settings and their order were not chosen by looking at them.
        limit: Of the risk, in (0, maximum), from 1e-8 of the maximum on.
        bound: As in `mean_upper_bound`.
        confidence: In (0, 1).
        maximum: The largest possible loss, known beforehand.
        safest: "last" or "first" column.
        seed: Of "betting", see `mean_upper_bound`.

    Returns:
        The chosen setting, with risks and bounds of all.

    Raises:
        ValueError: Empty, NaN, losses outside [0, maximum], not 0 or maximum with "binomial", limit or confidence out of range, an unknown bound.
        TypeError: Another dtype.
    """
    return RiskControl(
        **_compiled.rcps(
            losses,
            real("rcps", "limit", limit),
            bound,
            real("rcps", "confidence", confidence),
            real("rcps", "maximum", maximum),
            count("rcps", "seed", seed),
            safest,
        )
    )


def ltt(
    losses: ArrayLike,
    costs: ArrayLike | None = None,
    *,
    limit: float,
    method: str = "fixed_sequence",
    bound: str = "betting",
    confidence: float = 0.95,
    maximum: float = 1.0,
    safest: str = "last",
    starts: int = 1,
    seed: int = 0,
) -> LearnThenTest:
    """Learn then test (Angelopoulos, Bates, Candes, Jordan and Lei 2021).

    Tests "the risk is the limit or more" for every setting, corrected for their number: P(any certified setting has a risk above the limit) <= 1 - confidence, for
    risks of any shape. Which of the certified settings is taken is free: the cheapest, or the riskiest without `costs`.

    Args:
        losses: [n, settings] float32 or float64 in [0, maximum]; the settings and their order were not chosen by looking at them.
        costs: [settings] float32 or float64, small is good; may come from the same data. Of equal costs the safer setting is taken.
        limit: Of the risk, in (0, maximum), from 1e-8 of the maximum on.
        method: "bonferroni", "holm", or "fixed_sequence" from the safest setting on, see `family_wise_rejections`.
        bound: Which p-value, as in `mean_upper_bound`; "betting" bets for the level of the first test.
        confidence: In (0, 1).
        maximum: The largest possible loss, known beforehand.
        safest: "last" or "first" column.
        starts: Of fixed sequences, evenly spread over the settings.
        seed: Of "betting", see `mean_upper_bound`.

    Returns:
        The chosen setting and all that are certified.

    Raises:
        ValueError: As `rcps`; costs that are not finite or not one a setting, an unknown method, starts out of range.
        TypeError: Another dtype.
    """
    return LearnThenTest(
        **_compiled.ltt(
            losses,
            real("ltt", "limit", limit),
            costs,
            method,
            bound,
            real("ltt", "confidence", confidence),
            real("ltt", "maximum", maximum),
            count("ltt", "seed", seed),
            safest,
            count("ltt", "starts", starts),
        )
    )


def family_wise_rejections(p_values: ArrayLike, *, level: float = 0.05, method: str = "holm", starts: int = 1) -> NDArray[np.bool_]:
    """Which hypotheses are rejected so that any of these rejections is wrong with a probability of at most `level`.

    - "bonferroni": p <= level / m.
    - "holm": the smallest p-value at level / m, the next at level / (m - 1), ... until one is not rejected (Holm 1979). Rejects whatever "bonferroni" does.
    - "fixed_sequence": in the order given, which must not come from the same data, at the full level until one is not rejected (Bauer 1991); with several starts,
      evenly spread, each walks on at level / starts.

    Args:
        p_values: [m] float32 or float64 in [0, 1]; they may depend on each other in any way.
        level: In (0, 1).
        method: One of the above.
        starts: Of fixed sequences, 1 to m.

    Returns:
        [m] bool, True for rejected.

    Raises:
        ValueError: No p-values, NaN, values outside [0, 1], level or starts out of range, an unknown method.
        TypeError: Another dtype.
    """
    function = "family_wise_rejections"
    rejected: NDArray[np.bool_] = _compiled.family_wise_rejections(p_values, real(function, "level", level), method, count(function, "starts", starts))
    return rejected
