"""What decisions cost; see oddity.metrics.decisions."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields

from oddity._metrics import decisions as _compiled

from ._arguments import ArrayLike, optional, real

__all__ = [
    "ActionCosts",
    "BaselineCosts",
    "BreakEven",
    "CheckRatio",
    "CostModel",
    "LineCost",
    "LineRates",
    "ProbabilityThresholds",
    "TornadoBar",
    "action_costs",
    "baseline_costs",
    "break_even",
    "cost_gradient",
    "escape_cost",
    "line_cost",
    "optimal_check_ratio",
    "probability_thresholds",
    "tornado",
    "tornado_of_best",
]


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """What events cost, in one currency, in [0, 1e100]; ratios are in [0, 1].

    A model accepts a part, asks an operator, or rejects it; a share of what is accepted, by whomever, goes through a post-production check.

    Raises:
        ValueError: A number out of its range.
        TypeError: No real number.

    Attributes:
        check_ratio: s, share of the accepted parts that the post-production check looks at.
        check_detection: d, probability that the check finds a defect that it looks at.
        cost_recalled_escape: An escape that the check finds.
        cost_undetected_escape: An escape that nobody finds before the customer.
        cost_rework: A defective part that was rejected.
        cost_overkill: A good part that was rejected.
        cost_operator: One part judged by an operator.
        cost_inspection: One part looked at by the check.
        operator_escape: e = P(operator accepts | defective part that the operator is asked about).
        operator_overkill: o = P(operator rejects | good part that the operator is asked about).
        cost_fixed: Of having the model at all, per part.
    """

    check_ratio: float = 0.0
    check_detection: float = 1.0
    cost_recalled_escape: float = 0.0
    cost_undetected_escape: float = 0.0
    cost_rework: float = 0.0
    cost_overkill: float = 0.0
    cost_operator: float = 0.0
    cost_inspection: float = 0.0
    operator_escape: float = 0.0
    operator_overkill: float = 0.0
    cost_fixed: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = real("CostModel", field.name, getattr(self, field.name))
            most = 1e100 if field.name.startswith("cost") else 1.0
            if not 0 <= value <= most:
                raise ValueError(f"[metrics.CostModel] {field.name} is out of range; got {value!r}; expected a value in [0, {most:g}]")


@dataclass(frozen=True)
class ActionCosts:
    """Expected costs of the three actions on one part, without cost_fixed.

    Attributes:
        accept: p c_E + s cost_inspection.
        ask: cost_operator, and what the operator's decision costs.
        reject: p cost_rework + (1 - p) cost_overkill.
    """

    accept: float
    ask: float
    reject: float


@dataclass(frozen=True)
class ProbabilityThresholds:
    """Where the cheapest action changes with the probability of a defect.

    Attributes:
        two_way: t*, reject from here on; inf when accepting is never dearer.
        ask: t1, ask from here on; equal to two_way when asking never pays.
        reject: t2, reject from here on; equal to two_way when asking never pays.
        ask_pays: Whether asking is the cheapest somewhere.
        largest_operator_cost: Asking pays somewhere as long as cost_operator is below this.
    """

    two_way: float
    ask: float
    reject: float
    ask_pays: bool
    largest_operator_cost: float


@dataclass(frozen=True)
class LineRates:
    """What a line does with its parts; the remaining shares are rejected defects and accepted good parts.

    Attributes:
        prevalence: Share of defective parts in production, in [0, 1].
        accepted_defects: P(model accepts | defective).
        asked_defects: P(model asks | defective).
        rejected_good: P(model rejects | good).
        asked_good: P(model asks | good).
    """

    prevalence: float
    accepted_defects: float
    asked_defects: float
    rejected_good: float
    asked_good: float


@dataclass(frozen=True)
class LineCost:
    """Expected cost per part by its causes, and rates of the whole line (model and operator).

    Attributes:
        total: Sum of the following seven; small is good.
        fixed: cost_fixed.
        operation: Of asking the operator.
        inspection: Of the post-production check.
        recalled_escapes: Of escapes that the check finds.
        undetected_escapes: Of the others.
        rework: Of rejected defects.
        overkill_parts: Of rejected good parts.
        escape: P(accepted by model or operator | defective).
        overkill: P(rejected by model or operator | good).
        asked: Share of all parts.
        accepted: Share of all parts, by model or operator.
        escape_ppm: Defective parts per million accepted ones; NaN when nothing is accepted.
        undetected_escape_ppm: Of these, what the check does not find.
    """

    total: float
    fixed: float
    operation: float
    inspection: float
    recalled_escapes: float
    undetected_escapes: float
    rework: float
    overkill_parts: float
    escape: float
    overkill: float
    asked: float
    accepted: float
    escape_ppm: float
    undetected_escape_ppm: float


@dataclass(frozen=True)
class BaselineCosts:
    """Expected cost per part without the model, hence without cost_fixed.

    Attributes:
        operator_only: An operator judges every part.
        accept_all: Everything is accepted.
        reject_all: Everything is rejected.
    """

    operator_only: float
    accept_all: float
    reject_all: float


@dataclass(frozen=True)
class CheckRatio:
    """The best share of accepted parts to check.

    Attributes:
        ratio: 1 where checking pays, otherwise the floor.
        slope: d cost / d check_ratio.
        largest_inspection_cost: Checking pays below this: P(defective | accepted) d (cost_undetected_escape - cost_recalled_escape); NaN when nothing is accepted.
        cost: At `ratio`.
    """

    ratio: float
    slope: float
    largest_inspection_cost: float
    cost: LineCost


@dataclass(frozen=True)
class TornadoBar:
    """The cost per part with one parameter at both ends of its range.

    Attributes:
        parameter: Its name.
        low: Lower end of the parameter.
        high: Upper end of the parameter.
        cost_low: Cost of the line at the lower end.
        cost_high: Cost of the line at the upper end.
        benefit_low: Cost of the operator alone less that of the line, at the lower end; large is good.
        benefit_high: The same at the upper end.
        swing: abs(cost_high - cost_low).
    """

    parameter: str
    low: float
    high: float
    cost_low: float
    cost_high: float
    benefit_low: float
    benefit_high: float
    swing: float


@dataclass(frozen=True)
class BreakEven:
    """The value of one parameter at which the line costs as much as the operator alone.

    Attributes:
        parameter: Its name.
        exists: Whether there is such a value in the parameter's range.
        value: The value; NaN where none exists.
        better_above: The line is the cheaper one above `value`, else below; where none exists: everywhere, else nowhere.
        benefit: Cost of the operator alone less that of the line, as given.
        slope: d benefit / d parameter, constant.
    """

    parameter: str
    exists: bool
    value: float
    better_above: bool
    benefit: float
    slope: float


def numbers_of(function: str, what: str, kind: type[CostModel] | type[LineRates], value: object) -> tuple[float, ...]:
    """The fields of a dataclass as floats."""
    if not isinstance(value, kind):
        raise TypeError(f"[metrics.{function}] {what} must be a {kind.__name__}; got {type(value).__name__}")
    return tuple(real(function, field.name, number) for field, number in zip(fields(kind), astuple(value), strict=True))


def escape_cost(model: CostModel) -> float:
    """Expected cost of an escape, s d cost_recalled_escape + (1 - s d) cost_undetected_escape.

    Args:
        model: Costs.

    Returns:
        The cost.

    Raises:
        ValueError: NaN, a cost outside [0, 1e100] or a ratio outside [0, 1].
    """
    return float(_compiled.escape_cost(numbers_of("escape_cost", "model", CostModel, model)))


def action_costs(model: CostModel, probability: float) -> ActionCosts:
    """Expected costs of accepting, asking and rejecting a part that is defective with probability p.

    accept: p c_E + s cost_inspection. ask: cost_operator + p [e (c_E + s cost_inspection) + (1 - e) cost_rework] + (1 - p) [o cost_overkill + (1 - o) s
    cost_inspection]. reject: p cost_rework + (1 - p) cost_overkill. With s = check_ratio, e = operator_escape, o = operator_overkill and c_E = escape_cost(model).

    Args:
        model: Costs.
        probability: p in [0, 1].

    Returns:
        The three costs, without cost_fixed.

    Raises:
        ValueError: As escape_cost, or p out of range.
    """
    numbers = numbers_of("action_costs", "model", CostModel, model)
    return ActionCosts(**_compiled.action_costs(numbers, real("action_costs", "probability", probability)))


def probability_thresholds(model: CostModel) -> ProbabilityThresholds:
    """The probabilities of a defect at which the cheapest action changes (Bayes rule with costs; Chow 1970 for the reject option).

    With D = c_E + s cost_inspection - cost_rework and G = cost_overkill - s cost_inspection: t* = G / (G + D), t1 = (cost_operator + o G) / ((1 - e) D + o G),
    t2 = ((1 - o) G - cost_operator) / ((1 - o) G + e D). Asking pays somewhere if and only if cost_operator < (1 - e - o) D G / (D + G). Probabilities must be
    calibrated and hold for the production's prevalence; for raw scores use optimal_thresholds.

    Args:
        model: Costs.

    Returns:
        The thresholds.

    Raises:
        ValueError: As escape_cost, or D < 0 and G < 0: the model would turn decisions around.
    """
    return ProbabilityThresholds(**_compiled.probability_thresholds(numbers_of("probability_thresholds", "model", CostModel, model)))


def line_cost(model: CostModel, rates: LineRates) -> LineCost:
    """Expected cost per part of a line, in closed form; a simulation of the line part by part agrees with it in the tests.

    Args:
        model: Costs.
        rates: What the line does; rates_at and optimal_thresholds compute them from scores.

    Returns:
        The cost by its causes; small is good.

    Raises:
        ValueError: As escape_cost, a rate outside [0, 1], or shares of a class that sum to more than 1.
    """
    return LineCost(**_compiled.line_cost(numbers_of("line_cost", "model", CostModel, model), numbers_of("line_cost", "rates", LineRates, rates)))


def baseline_costs(model: CostModel, prevalence: float) -> BaselineCosts:
    """Expected cost per part of doing without the model.

    Args:
        model: Costs; cost_fixed does not count here.
        prevalence: Share of defective parts, in [0, 1].

    Returns:
        The costs of an operator alone, of accepting and of rejecting everything.

    Raises:
        ValueError: As escape_cost, or a prevalence out of range.
    """
    numbers = numbers_of("baseline_costs", "model", CostModel, model)
    return BaselineCosts(**_compiled.baseline_costs(numbers, real("baseline_costs", "prevalence", prevalence)))


def optimal_check_ratio(model: CostModel, rates: LineRates, *, floor: float) -> CheckRatio:
    """The cheapest share of accepted parts to check: always an end of [floor, 1], because the cost is linear in it.

    Args:
        model: Costs; its own check_ratio does not matter.
        rates: What the line does.
        floor: What must be checked to know the escape rate at all, in [0, 1]; projection.verification_plan says how much. With 0 it cannot be estimated later.

    Returns:
        The ratio, why, and what the line costs with it.

    Raises:
        ValueError: As line_cost, or a floor out of range.
    """
    name = "optimal_check_ratio"
    result = _compiled.optimal_check_ratio(
        numbers_of(name, "model", CostModel, model), numbers_of(name, "rates", LineRates, rates), real(name, "floor", floor)
    )
    return CheckRatio(result["ratio"], result["slope"], result["largest_inspection_cost"], LineCost(**result["cost"]))


def cost_gradient(model: CostModel, rates: LineRates) -> dict[str, float]:
    """Derivatives of line_cost(model, rates).total by each cost, each ratio and the prevalence, while decisions stay as they are.

    Args:
        model: Costs.
        rates: What the line does.

    Returns:
        A derivative for each name: those of CostModel, and "prevalence". Exact: the cost is linear in each of them alone.

    Raises:
        ValueError: As line_cost.
    """
    name = "cost_gradient"
    gradient: dict[str, float] = _compiled.cost_gradient(numbers_of(name, "model", CostModel, model), numbers_of(name, "rates", LineRates, rates))
    return gradient


def _ranges(ranges: Mapping[str, tuple[float, float]]) -> list[tuple[str, float, float]]:
    if not isinstance(ranges, Mapping):
        raise TypeError(f"[metrics.tornado] ranges must be a dictionary of (low, high); got {type(ranges).__name__}")
    listed = []
    for name, ends in ranges.items():
        if not isinstance(ends, (tuple, list)) or len(ends) != 2:
            raise TypeError(f"[metrics.tornado] the range of {name} must be a pair (low, high); got {ends!r}")
        listed.append((str(name), real("tornado", f"low end of {name}", ends[0]), real("tornado", f"high end of {name}", ends[1])))
    return listed


def tornado(model: CostModel, rates: LineRates, ranges: Mapping[str, tuple[float, float]]) -> list[TornadoBar]:
    """Cost of a line with one parameter at a time at the ends of its range, while decisions stay as they are: the bars of a tornado chart.

    Args:
        model: Costs.
        rates: What the line does.
        ranges: (low, high) by name: the names of CostModel, and "prevalence".

    Returns:
        A bar for each range, by falling swing.

    Raises:
        ValueError: As line_cost, no range, an unknown name, or ends that do not ascend in the parameter's range.
        TypeError: Ranges that are no pairs of numbers.
    """
    bars = _compiled.tornado(numbers_of("tornado", "model", CostModel, model), numbers_of("tornado", "rates", LineRates, rates), _ranges(ranges))
    return [TornadoBar(**bar) for bar in bars]


def tornado_of_best(
    scores: ArrayLike,
    labels: ArrayLike,
    model: CostModel,
    ranges: Mapping[str, tuple[float, float]],
    *,
    actions: str = "three_way",
    prevalence: float | None = None,
) -> list[TornadoBar]:
    """The same with thresholds that are chosen anew at each end: what a change costs when everybody adapts.

    Args:
        scores: [n] finite float32 or float64, larger is more anomalous.
        labels: [n], 1 for a defect and 0 for good.
        model: Costs.
        ranges: As tornado.
        actions: "three_way", or "two_way" without asking.
        prevalence: Share of defective parts in production, in (0, 1); None: that of the sample.

    Returns:
        A bar for each range, by falling swing.

    Raises:
        ValueError: As tornado and best_thresholds.
        TypeError: As tornado and best_thresholds.
    """
    share = optional("tornado", "prevalence", prevalence)
    bars = _compiled.tornado_of_best(scores, labels, numbers_of("tornado", "model", CostModel, model), actions, _ranges(ranges), share)
    return [TornadoBar(**bar) for bar in bars]


def break_even(model: CostModel, rates: LineRates, parameter: str) -> BreakEven:
    """The value of one parameter at which the line costs as much as an operator alone, while decisions stay as they are.

    The benefit is linear in each parameter, so its root is exact. cost_fixed is the line's alone; the other parameters apply to both.

    Args:
        model: Costs.
        rates: What the line does.
        parameter: A name of CostModel, such as "cost_undetected_escape", or "prevalence".

    Returns:
        The value, and on which side of it the line is cheaper.

    Raises:
        ValueError: As line_cost, or an unknown name.
    """
    name = "break_even"
    return BreakEven(**_compiled.break_even(numbers_of(name, "model", CostModel, model), numbers_of(name, "rates", LineRates, rates), str(parameter)))
