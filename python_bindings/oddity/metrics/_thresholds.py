"""Thresholds on raw scores that make a line cheapest; see oddity.metrics.decisions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import decisions as _compiled

from ._arguments import ArrayLike, count, optional, real
from ._cost_model import BaselineCosts, CostModel, LineCost, LineRates, numbers_of
from ._measured import MeasuredRate, measured

__all__ = [
    "CostEstimate",
    "OptimalThresholds",
    "ThresholdCosts",
    "Thresholds",
    "best_thresholds",
    "cost_by_threshold",
    "optimal_thresholds",
    "rates_at",
    "threshold_interval",
]


@dataclass(frozen=True)
class Thresholds:
    """Reject when score > upper, ask when lower < score <= upper, accept when score <= lower.

    Attributes:
        lower: At most upper; equal to it with two actions.
        upper: inf rejects nothing.
    """

    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class ThresholdCosts:
    """Two-way rates and cost when parts with score > threshold are rejected.

    Attributes:
        threshold: [rows] float64, inf and then the numbers just below the distinct scores (float32 where one lies between two scores), falling.
        escape: [rows] share of the defects up to the threshold.
        overkill: [rows] share of the good parts above it.
        cost: [rows] cost per part.
    """

    threshold: NDArray[np.float64]
    escape: NDArray[np.float64]
    overkill: NDArray[np.float64]
    cost: NDArray[np.float64]


@dataclass(frozen=True)
class CostEstimate:
    """A cost per part, or a difference of two.

    Attributes:
        value: In the sample whose cheapest thresholds these are: too good.
        corrected: With the optimism taken out.
        low: Lower end of the two-sided interval of what these thresholds cost in production; NaN without resamples.
        high: Upper end.
    """

    value: float
    corrected: float
    low: float
    high: float


@dataclass(frozen=True)
class OptimalThresholds:
    """The cheapest thresholds with what is known about them.

    Attributes:
        model: With measured rates in place: what break_even and tornado take.
        thresholds: Scores of the sample, or inf.
        lower_interval: (low, high) for the score where asking (or, where it never pays, rejecting) becomes the cheapest; NaN with groups; does not know of max_escape.
        upper_interval: The same for rejecting.
        rates: In the sample.
        line: Cost by its causes at these rates.
        baselines: Costs without the model.
        cost: Of the line.
        benefit_over_operator: Cost of the operator alone less that of the line; large is good.
        benefit_over_accept_all: The same for accepting everything.
        optimism: How much cheaper thresholds look in the sample that chose them.
        most_accepted_defects: Of max_escape; n_defect without it.
        n_defect: Defective parts.
        n_good: Good parts.
        groups: Number of groups, 0 without.
        resamples: Number of resamples.
    """

    model: CostModel
    thresholds: Thresholds
    lower_interval: tuple[float, float]
    upper_interval: tuple[float, float]
    rates: LineRates
    line: LineCost
    baselines: BaselineCosts
    cost: CostEstimate
    benefit_over_operator: CostEstimate
    benefit_over_accept_all: CostEstimate
    optimism: float
    most_accepted_defects: int
    n_defect: int
    n_good: int
    groups: int
    resamples: int


def rates_at(scores: ArrayLike, labels: ArrayLike, *, lower: float, upper: float, prevalence: float | None = None) -> LineRates:
    """Shares of accepted, asked and rejected parts at any thresholds.

    Args:
        scores: [n] finite float32 or float64, larger is more anomalous.
        labels: [n], 1 for a defect and 0 for good; both must occur.
        lower: Ask above it; may be infinite.
        upper: Reject above it, >= lower; may be infinite.
        prevalence: Share of defective parts in production, in (0, 1); None: that of the sample.

    Returns:
        What line_cost takes.

    Raises:
        ValueError: NaN, lengths that differ, no part, one class only, lower > upper, a prevalence out of range.
        TypeError: Another dtype.
    """
    name = "rates_at"
    return LineRates(**_compiled.rates_at(scores, labels, real(name, "lower", lower), real(name, "upper", upper), optional(name, "prevalence", prevalence)))


def best_thresholds(
    scores: ArrayLike, labels: ArrayLike, model: CostModel, *, actions: str = "three_way", prevalence: float | None = None
) -> Thresholds:
    """The cheapest thresholds of the sample among all, exactly: O(n) after one sort, also for pairs.

    Args:
        scores: [n] finite float32 or float64, larger is more anomalous.
        labels: [n], 1 for a defect and 0 for good; both must occur.
        model: Costs.
        actions: "three_way", or "two_way" without asking.
        prevalence: Share of defective parts in production, in (0, 1); None: that of the sample.

    Returns:
        Just below the smallest scores that are asked about and rejected, a float32 where one lies between two scores; or inf. Of thresholds that cost the same up to rounding the largest.

    Raises:
        ValueError: NaN, lengths that differ, no part, one class only, a cost or prevalence out of range.
        TypeError: Another dtype.
    """
    name = "best_thresholds"
    numbers = numbers_of(name, "model", CostModel, model)
    return Thresholds(*_compiled.best_thresholds(scores, labels, numbers, actions, optional(name, "prevalence", prevalence)))


def cost_by_threshold(
    scores: ArrayLike, labels: ArrayLike, model: CostModel, *, prevalence: float | None = None, at_most: int = 0
) -> ThresholdCosts:
    """Escape, overkill and cost at every distinct score, for a plot of cost over threshold.

    Args:
        scores: [n] finite float32 or float64, larger is more anomalous.
        labels: [n], 1 for a defect and 0 for good; both must occur.
        model: Costs.
        prevalence: Share of defective parts in production, in (0, 1); None: that of the sample.
        at_most: > 0 thins to about that number of rows, evenly, first and last included.

    Returns:
        One row for each distinct score, falling, behind one for inf.

    Raises:
        ValueError: As best_thresholds.
        TypeError: As best_thresholds.
    """
    name = "cost_by_threshold"
    numbers = numbers_of(name, "model", CostModel, model)
    return ThresholdCosts(**_compiled.cost_by_threshold(scores, labels, numbers, optional(name, "prevalence", prevalence), count(name, "at_most", at_most)))


def threshold_interval(
    scores: ArrayLike, labels: ArrayLike, *, probability: float, prevalence: float | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of the score at which the probability of a defect passes `probability` (Banerjee and Wellner 2001, 2005).

    The scores that the likelihood ratio test of isotonic regression does not exclude: no model of the scores, but the probability must not fall with the score
    and parts must be independent. Asymptotic: with 30 to 200 defects misses were 2 % to 5 % at a nominal 5 %, but 13 % where about ten parts lay beyond the
    threshold. Percentiles of resampled thresholds are no substitute (the bootstrap is inconsistent there); they missed up to 63 %.

    Args:
        scores: [n] finite float32 or float64, larger is more anomalous.
        labels: [n], 1 for a defect and 0 for good; both must occur.
        probability: In [0, 1], such as a field of probability_thresholds(model); 0 gives -inf, 1 gives inf.
        prevalence: Share of defective parts in production, in (0, 1); None: that of the sample.
        confidence: In [0.5, 0.999].

    Returns:
        (low, high), scores or infinite.

    Raises:
        ValueError: As rates_at, or a probability or confidence out of range.
        TypeError: As rates_at.
    """
    name = "threshold_interval"
    low, high = _compiled.threshold_interval(
        scores, labels, real(name, "probability", probability), optional(name, "prevalence", prevalence), real(name, "confidence", confidence)
    )
    return low, high


def optimal_thresholds(
    scores: ArrayLike,
    labels: ArrayLike,
    model: CostModel,
    *,
    actions: str = "three_way",
    prevalence: float | None = None,
    groups: ArrayLike | None = None,
    max_escape: float | None = None,
    escape_confidence: float = 0.95,
    measured_prevalence: MeasuredRate | None = None,
    measured_operator_escape: MeasuredRate | None = None,
    measured_operator_overkill: MeasuredRate | None = None,
    measured_check_detection: MeasuredRate | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> OptimalThresholds:
    """The cheapest thresholds with intervals of thresholds, cost and benefit.

    Intervals of costs: rates of the actions are drawn from Dirichlet distributions with one part more in the dearest (upper end) or cheapest (lower end) action,
    which melds Clopper-Pearson bounds (Fay, Proschan and Brittain 2015); the upper end is moved up by the optimism of the bootstrap (Efron 1983, Harrell). Not
    proven but simulated: misses were 1 % to 6 % at a nominal 5 %, where percentiles of resampled optima missed 22 % to 81 %.

    Args:
        scores: [n] finite float32 or float64, larger is more anomalous.
        labels: [n], 1 for a defect and 0 for good; both must occur.
        model: Costs.
        actions: "three_way", or "two_way" without asking.
        prevalence: Share of defective parts in production, in (0, 1), taken as known; None: that of the sample.
        groups: [n] integers (part, lot, camera) whose parts are not independent: drawn as a whole, counts divided by a design effect.
        max_escape: Escapes of the model, P(score <= lower | defective), are at most this with probability escape_confidence, exactly (an order statistic of the
            defects). Not with groups.
        escape_confidence: In (0, 1).
        measured_prevalence: (events, trials) in place of prevalence; its uncertainty goes into the intervals.
        measured_operator_escape: (events, trials) in place of model.operator_escape.
        measured_operator_overkill: (events, trials) in place of model.operator_overkill.
        measured_check_detection: (events, trials) in place of model.check_detection.
        resamples: 0: no intervals, NaN in their place.
        confidence: Of the two-sided intervals, in [0.5, 0.999].
        seed: Of the draws; results do not depend on the number of threads.

    Returns:
        Thresholds, rates, costs and benefits.

    Raises:
        ValueError: As best_thresholds, costs that turn decisions around, too few defects for max_escape (the message says how many are needed), less than two
            groups of a class, events > trials, or options out of range.
        TypeError: As best_thresholds.
    """
    name = "optimal_thresholds"
    rates = [
        None if value is None else measured(name, label, value)
        for label, value in (
            ("measured_prevalence", measured_prevalence),
            ("measured_operator_escape", measured_operator_escape),
            ("measured_operator_overkill", measured_operator_overkill),
            ("measured_check_detection", measured_check_detection),
        )
    ]
    result = _compiled.optimal_thresholds(
        scores,
        labels,
        numbers_of(name, "model", CostModel, model),
        groups,
        actions,
        optional(name, "prevalence", prevalence),
        optional(name, "max_escape", max_escape),
        real(name, "escape_confidence", escape_confidence),
        rates,
        count(name, "resamples", resamples),
        real(name, "confidence", confidence),
        count(name, "seed", seed),
    )
    return OptimalThresholds(
        model=CostModel(**result["model"]),
        thresholds=Thresholds(*result["thresholds"]),
        lower_interval=result["lower_interval"],
        upper_interval=result["upper_interval"],
        rates=LineRates(**result["rates"]),
        line=LineCost(**result["line"]),
        baselines=BaselineCosts(**result["baselines"]),
        cost=CostEstimate(**result["cost"]),
        benefit_over_operator=CostEstimate(**result["benefit_over_operator"]),
        benefit_over_accept_all=CostEstimate(**result["benefit_over_accept_all"]),
        **{key: result[key] for key in ("optimism", "most_accepted_defects", "n_defect", "n_good", "groups", "resamples")},
    )
