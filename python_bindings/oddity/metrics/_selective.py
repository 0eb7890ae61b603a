"""Cost curves and selective prediction; see oddity.metrics.decisions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import decisions as _compiled

from ._arguments import ArrayLike, count, real
from ._cost_model import CostModel, numbers_of

__all__ = [
    "CostCurve",
    "RiskCoverage",
    "SelectiveEstimate",
    "SelectiveRisk",
    "cost_curve",
    "probability_cost",
    "risk_coverage",
    "selective_risk",
]


@dataclass(frozen=True, eq=False)
class CostCurve:
    """The lower envelope of the cost lines escape x + overkill (1 - x) of all thresholds.

    np.interp(x, curve.probability_cost, curve.cost) evaluates it.

    Attributes:
        thresholds: [lines] float64, falling from inf (accept all) to just below the smallest score (reject all): the vertices of the ROC curve's convex hull.
        escape: [lines] escape rates.
        overkill: [lines] overkill rates; (overkill, 1 - escape) is the hull.
        probability_cost: [lines + 1] corners x of the envelope, ascending from 0 to 1; line i is the cheapest from corner i to corner i + 1.
        cost: [lines + 1] normalised expected cost at the corners.
        area: Under the envelope, in [0, 1/4]; small is good, 1/4 is no better than accepting or rejecting everything.
        n_good: Good parts.
        n_defect: Defective parts.
    """

    thresholds: NDArray[np.float64]
    escape: NDArray[np.float64]
    overkill: NDArray[np.float64]
    probability_cost: NDArray[np.float64]
    cost: NDArray[np.float64]
    area: float
    n_good: int
    n_defect: int


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """One row for each distinct certainty, falling: what is kept when everything at least that sure is kept.

    Attributes:
        certainty: [rows] float64.
        coverage: [rows] share of the parts that are kept.
        selective_risk: [rows] mean loss of the kept parts.
        generalized_risk: [rows] loss of the kept parts over all parts, coverage * selective_risk.
    """

    certainty: NDArray[np.float64]
    coverage: NDArray[np.float64]
    selective_risk: NDArray[np.float64]
    generalized_risk: NDArray[np.float64]


@dataclass(frozen=True)
class SelectiveEstimate:
    """An area under a curve.

    Attributes:
        value: Small is good.
        standard_error: Of the linearised statistic.
        low: Lower end of the two-sided interval.
        high: Upper end.
    """

    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True)
class SelectiveRisk:
    """Areas under risk-coverage curves.

    Attributes:
        aurc: Mean over k of the selective risk of the k surest parts.
        excess_aurc: aurc less that of the best order for these losses.
        augrc: Area under the generalised risk.
        risk: Mean loss at full coverage.
        n: Parts.
        units: Groups, or parts without groups.
    """

    aurc: SelectiveEstimate
    excess_aurc: SelectiveEstimate
    augrc: SelectiveEstimate
    risk: float
    n: int
    units: int


def probability_cost(model: CostModel, prevalence: float) -> float:
    """Where a line stands on the axis of a cost curve: x = p D / (p D + (1 - p) G) (Drummond and Holte 2006).

    D is what an escape costs above rework, G what an overkill costs above an acceptance, as in probability_thresholds.

    Args:
        model: Costs.
        prevalence: p in [0, 1].

    Returns:
        x in [0, 1]. The best two-way cost is p cost_rework + (1 - p) s cost_inspection + envelope(x) (p D + (1 - p) G).

    Raises:
        ValueError: Costs out of range, or errors that are cheaper than right decisions.
    """
    name = "probability_cost"
    return float(_compiled.probability_cost(numbers_of(name, "model", CostModel, model), real(name, "prevalence", prevalence)))


def cost_curve(scores: ArrayLike, labels: ArrayLike) -> CostCurve:
    """Cost curve of a ranking: its best normalised cost at every prevalence and ratio of costs at once (Drummond and Holte 2006).

    Args:
        scores: [n] finite float32 or float64, larger is more anomalous.
        labels: [n], 1 for a defect and 0 for good; both must occur.

    Returns:
        The lower envelope, exactly (integer cross products on the ROC curve). No interval: it chooses its threshold at each x; optimal_thresholds says at one x
        how much better that looks than it is.

    Raises:
        ValueError: NaN, lengths that differ, no part or one class only.
        TypeError: Another dtype.
    """
    return CostCurve(**_compiled.cost_curve(scores, labels))


def risk_coverage(certainty: ArrayLike, losses: ArrayLike, *, largest_loss: float = 1.0, at_most: int = 0) -> RiskCoverage:
    """Risk over coverage when a model keeps the parts that it is surest of.

    Args:
        certainty: [n] finite float32 or float64, larger is surer.
        losses: [n] float32 or float64, 0 or in [1e-100, largest_loss], such as 1 for a wrong and 0 for a right verdict.
        largest_loss: In [1e-100, 1e100].
        at_most: > 0 thins to about that number of rows, evenly, first and last included.

    Returns:
        A row for each distinct certainty; parts of equal certainty are kept together.

    Raises:
        ValueError: NaN, lengths that differ, no part, a loss out of range.
        TypeError: Another dtype.
    """
    name = "risk_coverage"
    return RiskCoverage(**_compiled.risk_coverage(certainty, losses, real(name, "largest_loss", largest_loss), count(name, "at_most", at_most)))


def selective_risk(
    certainty: ArrayLike, losses: ArrayLike, *, groups: ArrayLike | None = None, largest_loss: float = 1.0, confidence: float = 0.95
) -> SelectiveRisk:
    """AURC (Geifman, Uziel and El-Yaniv 2019), excess AURC and AUGRC (Traub et al. 2024) with intervals.

    Parts of equal certainty are kept in random order; every value is the expectation over these orders. With losses of 0 and 1 and accuracy a, AUGRC is exactly
    (1 - AUROC) a (1 - a) + (1 - a)^2 / 2 with the AUROC of certainty for right verdicts. AURC gives parts that come first a large weight; AUGRC is the
    probability-weighted loss of what is kept, and ranks models otherwise.

    Args:
        certainty: [n] finite float32 or float64, larger is surer; n >= 2.
        losses: [n] float32 or float64, 0 or in [1e-100, largest_loss].
        groups: [n] integers (part, lot) whose parts are not independent: at least 2 groups.
        largest_loss: In [1e-100, 1e100]; it bounds the interval where all losses are the same.
        confidence: In (0, 1), two-sided. Asymptotic: misses were 5 % to 7 % at a nominal 5 % from 36 losses on, and up to 11 % with 12 losses.

    Returns:
        Areas; small is good.

    Raises:
        ValueError: NaN, lengths that differ, less than 2 parts or groups, a loss or option out of range.
        TypeError: Another dtype.
    """
    name = "selective_risk"
    result = _compiled.selective_risk(certainty, losses, groups, real(name, "largest_loss", largest_loss), real(name, "confidence", confidence))
    for key in ("aurc", "excess_aurc", "augrc"):
        result[key] = SelectiveEstimate(**result[key])
    return SelectiveRisk(**result)
