"""Decisions: what accepting, asking and rejecting cost, and the thresholds that make a line cheapest.

A `CostModel` says what events cost. With calibrated probabilities of a defect, `probability_thresholds` says what to do with each part. With raw scores and labels,
`optimal_thresholds` finds the cheapest pair of thresholds, exactly, and what these will cost in production; `best_thresholds` is its fast core. `line_cost`
takes the cost of any line apart; `break_even`, `tornado` and `cost_gradient` say on which numbers it hangs, `optimal_check_ratio` how many accepted parts should
be looked at again. `cost_curve` compares rankings at all costs and prevalences at once. `risk_coverage` and `selective_risk` judge how well a certainty picks the
parts to hand over.

>>> import numpy as np
>>> from oddity.metrics import decisions
>>> random = np.random.default_rng(0)
>>> labels = np.repeat([0, 1], [2000, 100])
>>> scores = random.normal(size=2100) + 2.5 * labels
>>> model = decisions.CostModel(cost_undetected_escape=200, cost_rework=5, cost_overkill=8, cost_operator=0.5, operator_escape=0.05, operator_overkill=0.02)
>>> decisions.probability_thresholds(model).ask_pays
True
>>> best = decisions.optimal_thresholds(scores, labels, model, prevalence=0.01)
>>> bool(best.thresholds.lower < best.thresholds.upper and best.benefit_over_operator.low > 0)
True
>>> decisions.break_even(best.model, best.rates, "cost_operator").better_above
True
"""

from ._cost_model import (
    ActionCosts,
    BaselineCosts,
    BreakEven,
    CheckRatio,
    CostModel,
    LineCost,
    LineRates,
    ProbabilityThresholds,
    TornadoBar,
    action_costs,
    baseline_costs,
    break_even,
    cost_gradient,
    escape_cost,
    line_cost,
    optimal_check_ratio,
    probability_thresholds,
    tornado,
    tornado_of_best,
)
from ._selective import (
    CostCurve,
    RiskCoverage,
    SelectiveEstimate,
    SelectiveRisk,
    cost_curve,
    probability_cost,
    risk_coverage,
    selective_risk,
)
from ._thresholds import (
    CostEstimate,
    OptimalThresholds,
    ThresholdCosts,
    Thresholds,
    best_thresholds,
    cost_by_threshold,
    optimal_thresholds,
    rates_at,
    threshold_interval,
)

__all__ = [
    "ActionCosts",
    "BaselineCosts",
    "BreakEven",
    "CheckRatio",
    "CostCurve",
    "CostEstimate",
    "CostModel",
    "LineCost",
    "LineRates",
    "OptimalThresholds",
    "ProbabilityThresholds",
    "RiskCoverage",
    "SelectiveEstimate",
    "SelectiveRisk",
    "ThresholdCosts",
    "Thresholds",
    "TornadoBar",
    "action_costs",
    "baseline_costs",
    "best_thresholds",
    "break_even",
    "cost_by_threshold",
    "cost_curve",
    "cost_gradient",
    "escape_cost",
    "line_cost",
    "optimal_check_ratio",
    "optimal_thresholds",
    "probability_cost",
    "probability_thresholds",
    "rates_at",
    "risk_coverage",
    "selective_risk",
    "threshold_interval",
    "tornado",
    "tornado_of_best",
]
