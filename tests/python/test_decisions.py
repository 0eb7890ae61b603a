"""oddity.metrics.decisions against scikit-learn, closed forms and definitions."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from oddity.metrics import decisions

RANDOM = np.random.default_rng(5)
LABELS = (np.arange(400) % 5 == 0).astype(np.uint8)
SCORES = np.round(RANDOM.normal(size=400) + 1.8 * LABELS, 1)
MODEL = decisions.CostModel(
    check_ratio=0.2, check_detection=0.8, cost_recalled_escape=10, cost_undetected_escape=50, cost_rework=2, cost_overkill=3, cost_operator=0.3,
    cost_inspection=0.1, operator_escape=0.1, operator_overkill=0.05, cost_fixed=0.01,
)  # fmt: skip
RATES = decisions.LineRates(0.05, 0.1, 0.2, 0.02, 0.1)
CERTAINTY = np.round(RANDOM.normal(size=300), 1)
LOSSES = (RANDOM.random(300) < 0.3 - 0.1 * CERTAINTY).astype(np.float64)


def cost_at(lower, upper, prevalence, model=MODEL):
    return decisions.line_cost(model, decisions.rates_at(SCORES, LABELS, lower=lower, upper=upper, prevalence=prevalence)).total


def test_closed_forms_of_the_check_ratio():
    never = dataclasses.replace(MODEL, check_ratio=0)
    always = dataclasses.replace(MODEL, check_ratio=1)
    assert decisions.escape_cost(never) == 50
    assert decisions.escape_cost(always) == pytest.approx(0.8 * 10 + 0.2 * 50)
    assert decisions.probability_thresholds(never).two_way == pytest.approx(3 / (3 + 50 - 2))
    assert decisions.probability_thresholds(always).two_way == pytest.approx(2.9 / (2.9 + 18.1 - 2))
    best = decisions.optimal_check_ratio(MODEL, RATES, floor=0.05)
    ends = [decisions.line_cost(dataclasses.replace(MODEL, check_ratio=s), RATES).total for s in (0.05, 1)]
    assert best.cost.total == pytest.approx(min(ends)) and best.slope == pytest.approx((ends[1] - ends[0]) / 0.95)


def test_actions_agree_with_the_thresholds():
    at = decisions.probability_thresholds(MODEL)
    assert at.ask_pays and at.ask < at.two_way < at.reject
    for p in np.linspace(0, 1, 101):
        costs = dataclasses.asdict(decisions.action_costs(MODEL, p))
        chosen = "reject" if p >= at.reject else "ask" if p >= at.ask else "accept"
        assert costs[chosen] == pytest.approx(min(costs.values()))
    baselines = decisions.baseline_costs(MODEL, 0.05)
    assert dataclasses.astuple(baselines) == pytest.approx([decisions.action_costs(MODEL, 0.05).ask, *(getattr(decisions.action_costs(MODEL, 0.05), a) for a in ("accept", "reject"))])


def test_gradient_tornado_and_break_even_agree():
    gradient = decisions.cost_gradient(MODEL, RATES)
    assert list(gradient) == [f.name for f in dataclasses.fields(MODEL)] + ["prevalence"]
    bars = decisions.tornado(MODEL, RATES, {name: (0.2, 0.6) for name in gradient})
    for bar in bars:
        assert gradient[bar.parameter] == pytest.approx((bar.cost_high - bar.cost_low) / 0.4, abs=1e-12)
    assert [bar.swing for bar in bars] == sorted((bar.swing for bar in bars), reverse=True)
    even = decisions.break_even(MODEL, RATES, "cost_fixed")
    at = dataclasses.replace(MODEL, cost_fixed=even.value)
    assert even.exists and not even.better_above and even.value == pytest.approx(0.01 + even.benefit)
    assert decisions.baseline_costs(at, 0.05).operator_only == pytest.approx(decisions.line_cost(at, RATES).total)


@pytest.mark.parametrize("prevalence", [0.02, 0.2])
def test_two_way_is_that_of_scikit_learn(prevalence):
    model_selection = pytest.importorskip("sklearn.model_selection")
    base, metrics = pytest.importorskip("sklearn.base"), pytest.importorskip("sklearn.metrics")

    class Scores(base.ClassifierMixin, base.BaseEstimator):
        classes_ = np.array([0, 1])

        def fit(self, x, y):
            return self

        def decision_function(self, x):
            return x[:, 0]

        def __sklearn_is_fitted__(self):
            return True

    def value(truth, rejected):
        escape, overkill = (rejected[truth == 1] == 0).mean(), rejected[truth == 0].mean()
        return -decisions.line_cost(MODEL, decisions.LineRates(prevalence, escape, 0, overkill, 0)).total

    tuned = model_selection.TunedThresholdClassifierCV(
        Scores(), scoring=metrics.make_scorer(value), thresholds=np.unique(SCORES), cv="prefit", refit=False, response_method="decision_function"
    ).fit(SCORES[:, None], LABELS)
    best = decisions.best_thresholds(SCORES, LABELS, MODEL, actions="two_way", prevalence=prevalence)
    assert best.lower == best.upper
    assert cost_at(best.lower, best.upper, prevalence) == pytest.approx(-tuned.best_score_, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_three_way_is_the_cheapest_of_all_pairs(dtype):
    candidates = [*np.nextafter(np.unique(SCORES), -math.inf), math.inf]
    costs = {(a, b): cost_at(a, b, 0.03) for a, b in itertools.product(candidates, candidates) if a <= b}
    scores = SCORES.astype(dtype)
    best = decisions.best_thresholds(scores, LABELS, MODEL, prevalence=0.03)
    rates = decisions.rates_at(scores, LABELS, lower=best.lower, upper=best.upper, prevalence=0.03)
    assert decisions.line_cost(MODEL, rates).total == pytest.approx(min(costs.values()), rel=1e-12)
    table = decisions.cost_by_threshold(scores, LABELS, MODEL, prevalence=0.03)
    assert len(table.cost) == len(candidates) and table.threshold[0] == math.inf
    assert table.cost == pytest.approx([costs[c, c] for c in candidates[::-1]])
    assert len(decisions.cost_by_threshold(scores, LABELS, MODEL, at_most=7).cost) == 7
    bars = decisions.tornado_of_best(scores, LABELS, MODEL, {"cost_overkill": (3, 3)}, prevalence=0.03)
    assert bars[0].cost_low == pytest.approx(min(costs.values()))


def test_optimal_thresholds_carry_their_intervals():
    best = decisions.optimal_thresholds(SCORES, LABELS, MODEL, prevalence=0.03, resamples=300, seed=3)
    assert best.thresholds == decisions.best_thresholds(SCORES, LABELS, MODEL, prevalence=0.03)
    assert best.cost.low < best.cost.value < best.cost.corrected < best.cost.high
    assert best.benefit_over_operator.value == pytest.approx(best.baselines.operator_only - best.cost.value)
    at = decisions.probability_thresholds(MODEL)
    assert best.lower_interval == decisions.threshold_interval(SCORES, LABELS, probability=at.ask, prevalence=0.03)
    assert best == decisions.optimal_thresholds(SCORES, LABELS, MODEL, prevalence=0.03, resamples=300, seed=3)
    grouped = decisions.optimal_thresholds(SCORES, LABELS, MODEL, groups=np.arange(400) // 10, resamples=100)
    assert grouped.groups == 40 and all(np.isnan(grouped.lower_interval))
    measured = decisions.optimal_thresholds(
        SCORES, LABELS, MODEL, measured_prevalence=(3, 100), measured_operator_escape=(5, 50), measured_operator_overkill=(1, 40),
        measured_check_detection=(9, 10), resamples=100,
    )  # fmt: skip
    assert (measured.model.operator_escape, measured.model.check_detection, measured.rates.prevalence) == (0.1, 0.9, 0.03)
    assert measured.model.operator_overkill == 0.025
    limited = decisions.optimal_thresholds(SCORES, LABELS, dataclasses.replace(MODEL, cost_undetected_escape=3, cost_operator=9), max_escape=0.1, resamples=0)
    beta = pytest.importorskip("scipy.stats").beta
    k = max(k for k in range(1, 81) if beta.cdf(0.1, k, 81 - k) >= 0.95)
    assert limited.most_accepted_defects == k - 1 and limited.rates.accepted_defects <= (k - 1) / 80
    assert np.isnan(limited.cost.high)


def test_cost_curve_is_the_hull_of_the_roc_curve():
    spatial, metrics = pytest.importorskip("scipy.spatial"), pytest.importorskip("sklearn.metrics")
    curve = decisions.cost_curve(SCORES, LABELS)
    false, true, _ = metrics.roc_curve(LABELS, SCORES, drop_intermediate=False)
    corners = spatial.ConvexHull(np.c_[np.r_[false, 1], np.r_[true, 0]]).vertices
    expected = sorted((x, y) for x, y in zip(np.r_[false, 1][corners], np.r_[true, 0][corners], strict=True) if (x, y) != (1, 0))
    assert np.c_[curve.overkill, 1 - curve.escape] == pytest.approx(np.array(expected))
    x = np.linspace(0, 1, 501)
    least = np.min((1 - true)[:, None] * x + false[:, None] * (1 - x), axis=0)
    assert np.interp(x, curve.probability_cost, curve.cost) == pytest.approx(least, abs=1e-12)
    assert curve.area == pytest.approx(np.trapezoid(least, x), abs=1e-5)
    best = decisions.best_thresholds(SCORES, LABELS, MODEL, actions="two_way", prevalence=0.03)
    D, G = decisions.escape_cost(MODEL) + 0.02 - 2, 3 - 0.02
    place = decisions.probability_cost(MODEL, 0.03)
    envelope = np.interp(place, curve.probability_cost, curve.cost)
    assert cost_at(best.lower, best.upper, 0.03) == pytest.approx(0.01 + 0.03 * 2 + 0.97 * 0.02 + envelope * (0.03 * D + 0.97 * G))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_augrc_is_that_of_the_auroc(dtype):
    metrics = pytest.importorskip("sklearn.metrics")
    result = decisions.selective_risk(CERTAINTY.astype(dtype), LOSSES.astype(dtype))
    accuracy = 1 - LOSSES.mean()
    auroc = metrics.roc_auc_score(1 - LOSSES, CERTAINTY.astype(dtype))
    assert result.augrc.value == pytest.approx((1 - auroc) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2, rel=1e-12)
    assert result.augrc.low < result.augrc.value < result.augrc.high


def test_aurc_without_ties_is_the_mean_selective_risk():
    certainty = CERTAINTY + 1e-6 * np.arange(300)
    risks = np.cumsum(LOSSES[np.argsort(-certainty)]) / np.arange(1, 301)
    best = np.cumsum(np.sort(LOSSES)) / np.arange(1, 301)
    result = decisions.selective_risk(certainty, LOSSES)
    assert result.aurc.value == pytest.approx(risks.mean(), rel=1e-12)
    assert result.excess_aurc.value == pytest.approx(risks.mean() - best.mean(), rel=1e-10)
    curve = decisions.risk_coverage(certainty, LOSSES)
    assert curve.selective_risk == pytest.approx(risks)
    assert curve.generalized_risk == pytest.approx(risks * curve.coverage)
    assert len(decisions.risk_coverage(certainty, LOSSES, at_most=10).coverage) == 10
    lots = decisions.selective_risk(certainty, LOSSES, groups=np.arange(300) // 3)
    assert (lots.n, lots.units) == (300, 100)


def test_torch_tensors_and_lists_are_read():
    small = decisions.best_thresholds([1, 2, 3.5], [0, 1, 1], MODEL)
    assert small.lower <= small.upper
    assert decisions.selective_risk([3, 2, 1], [0, 0, 1]).risk == pytest.approx(1 / 3)
    torch = pytest.importorskip("torch")
    assert decisions.best_thresholds(torch.tensor(SCORES), torch.tensor(LABELS), MODEL) == decisions.best_thresholds(SCORES, LABELS, MODEL)
    assert decisions.selective_risk(torch.tensor(CERTAINTY), torch.tensor(LOSSES)) == decisions.selective_risk(CERTAINTY, LOSSES)


NAN = SCORES.copy()
NAN[7] = np.nan
INFINITE = SCORES.astype(np.float32)
INFINITE[7] = np.inf
GOOD = np.zeros_like(LABELS)
BAD_SCORES = [
    (NAN, LABELS, ValueError, "scores must be finite; got NaN at index 7"),
    (INFINITE, LABELS, ValueError, "scores must be finite; got infinity at index 7"),
    (SCORES[:0], LABELS[:0], ValueError, "scores is empty"),
    (SCORES, LABELS[:5], ValueError, "scores and labels differ in length; got 400 and 5"),
    (SCORES, GOOD, ValueError, "labels must hold good parts and defects; got 400 good and 0 defective"),
    (SCORES, LABELS + 1, ValueError, "labels must be 0 (good) or 1 (defect); got"),
    (SCORES[::2], LABELS[::2].copy(), ValueError, "scores is not contiguous"),
    (SCORES.astype(int), LABELS, TypeError, "scores has dtype int64; expected float32 or float64"),
    (SCORES, LABELS.astype(float), TypeError, "labels has dtype float64"),
    (SCORES[:, None], LABELS, ValueError, "scores must have 1 dimension"),
    ("scores", LABELS, TypeError, "scores must be a numpy array"),
]
OF_SCORES = {
    "best_thresholds": lambda s, y: decisions.best_thresholds(s, y, MODEL),
    "cost_by_threshold": lambda s, y: decisions.cost_by_threshold(s, y, MODEL),
    "cost_curve": decisions.cost_curve,
    "optimal_thresholds": lambda s, y: decisions.optimal_thresholds(s, y, MODEL, resamples=5),
    "rates_at": lambda s, y: decisions.rates_at(s, y, lower=0, upper=1),
    "threshold_interval": lambda s, y: decisions.threshold_interval(s, y, probability=0.1),
    "tornado": lambda s, y: decisions.tornado_of_best(s, y, MODEL, {"prevalence": (0.1, 0.2)}),
}


@pytest.mark.parametrize("name", OF_SCORES)
@pytest.mark.parametrize("scores, labels, kind, part", BAD_SCORES, ids=[part for *_, part in BAD_SCORES])
def test_bad_scores_are_refused_with_a_message(name, scores, labels, kind, part):
    with pytest.raises(kind) as caught:
        OF_SCORES[name](scores, labels)
    assert f"[metrics.{name}] {part}" in str(caught.value)


BAD_INPUT = [
    (lambda: decisions.escape_cost(decisions.CostModel(cost_rework=-1)), "[metrics.CostModel] cost_rework is out of range; got -1.0; expected a value in [0, 1e+100]"),
    (lambda: decisions.escape_cost(decisions.CostModel(check_ratio=np.nan)), "check_ratio is out of range; got nan; expected a value in [0, 1]"),
    (lambda: decisions.escape_cost(decisions.CostModel(cost_operator="dear")), "[metrics.CostModel] cost_operator must be a real number; got 'dear'"),
    (lambda: decisions.escape_cost({"cost_rework": 1}), "[metrics.escape_cost] model must be a CostModel; got dict"),
    (lambda: decisions.action_costs(MODEL, 1.5), "[metrics.action_costs] probability is out of range; got 1.5"),
    (lambda: decisions.probability_thresholds(decisions.CostModel(check_ratio=1, cost_rework=9, cost_inspection=5)), "model turns decisions around"),
    (lambda: decisions.line_cost(MODEL, decisions.LineRates(0.1, 0.7, 0.4, 0, 0)), "must not sum to more than 1"),
    (lambda: decisions.line_cost(MODEL, MODEL), "[metrics.line_cost] rates must be a LineRates; got CostModel"),
    (lambda: decisions.baseline_costs(MODEL, -0.1), "[metrics.baseline_costs] prevalence is out of range"),
    (lambda: decisions.optimal_check_ratio(MODEL, RATES, floor=2), "[metrics.optimal_check_ratio] floor is out of range; got 2"),
    (lambda: decisions.tornado(MODEL, RATES, {}), "[metrics.tornado] ranges are empty"),
    (lambda: decisions.tornado(MODEL, RATES, {"cost": (0, 1)}), "[metrics.tornado] parameter is not known; got 'cost'; expected one of 'check_ratio', "),
    (lambda: decisions.tornado(MODEL, RATES, {"check_ratio": (0.5, 0.1)}), "the range of check_ratio must ascend"),
    (lambda: decisions.tornado(MODEL, RATES, {"check_ratio": 0.5}), "the range of check_ratio must be a pair (low, high); got 0.5"),
    (lambda: decisions.tornado(MODEL, RATES, ["check_ratio"]), "ranges must be a dictionary of (low, high); got list"),
    (lambda: decisions.break_even(MODEL, RATES, "profit"), "[metrics.break_even] parameter is not known; got 'profit'"),
    (lambda: decisions.best_thresholds(SCORES, LABELS, MODEL, prevalence=0), "[metrics.best_thresholds] prevalence is out of range; got 0; expected a value in (0, 1)"),
    (lambda: decisions.best_thresholds(SCORES, LABELS, MODEL, actions="four_way"), "actions is not known; got 'four_way'; expected one of 'two_way', 'three_way'"),
    (lambda: decisions.rates_at(SCORES, LABELS, lower=2, upper=1), "[metrics.rates_at] thresholds must ascend; got lower = 2, upper = 1"),
    (lambda: decisions.rates_at(SCORES, LABELS, lower=np.nan, upper=1), "thresholds must ascend; got lower = nan"),
    (lambda: decisions.cost_by_threshold(SCORES, LABELS, MODEL, at_most=-1), "at_most is out of range; got -1"),
    (lambda: decisions.threshold_interval(SCORES, LABELS, probability=1.5), "probability is out of range; got 1.5"),
    (lambda: decisions.threshold_interval(SCORES, LABELS, probability=0.5, confidence=0.9999), "confidence is out of range; got 0.9999"),
    (lambda: decisions.optimal_thresholds(SCORES, LABELS, MODEL, confidence=1.0), "confidence is out of range; got 1"),
    (lambda: decisions.optimal_thresholds(SCORES, LABELS, MODEL, max_escape=0.001), "max_escape needs more defects; got 80; expected at least 2995"),
    (lambda: decisions.optimal_thresholds(SCORES, LABELS, MODEL, measured_prevalence=0.1), "measured_prevalence must be a pair (events, trials); got 0.1"),
    (lambda: decisions.optimal_thresholds(SCORES, LABELS, MODEL, measured_prevalence=(5, 2)), "measured_prevalence has more events than trials; got 5 of 2"),
    (lambda: decisions.optimal_thresholds(SCORES, LABELS, MODEL, measured_prevalence=(-5, 2)), "events of measured_prevalence is out of range; got -5"),
    (lambda: decisions.optimal_thresholds(SCORES, LABELS, MODEL, groups=np.zeros(400, int)), "groups are too few; got 1 with defects"),
    (lambda: decisions.optimal_thresholds(SCORES, LABELS, MODEL, groups=np.arange(3)), "groups and labels differ in length; got 3 and 400"),
    (lambda: decisions.probability_cost(decisions.CostModel(), 0.5), "[metrics.probability_cost] errors must not be cheaper than right decisions"),
    (lambda: decisions.selective_risk(NAN, np.abs(SCORES) * 0), "[metrics.selective_risk] certainty must be finite; got NaN at index 7"),
    (lambda: decisions.selective_risk(SCORES, NAN), "[metrics.selective_risk] losses must be 0 or in [1e-100, largest_loss]; got"),
    (lambda: decisions.selective_risk(CERTAINTY, LOSSES[:4]), "certainty and losses differ in length; got 300 and 4"),
    (lambda: decisions.selective_risk(CERTAINTY[:0], LOSSES[:0]), "certainty is empty"),
    (lambda: decisions.selective_risk(CERTAINTY[:1], LOSSES[:1]), "certainty needs at least 2 parts; got 1"),
    (lambda: decisions.selective_risk(CERTAINTY, LOSSES * 3), "losses must be 0 or in [1e-100, largest_loss]; got 3"),
    (lambda: decisions.selective_risk(CERTAINTY, LOSSES, largest_loss=0), "largest_loss is out of range; got 0"),
    (lambda: decisions.selective_risk(CERTAINTY, LOSSES, confidence=0), "confidence is out of range; got 0"),
    (lambda: decisions.selective_risk(CERTAINTY, LOSSES, groups=np.zeros(300, int)), "groups are too few; got 1"),
    (lambda: decisions.selective_risk(CERTAINTY[::2], LOSSES[:150]), "certainty is not contiguous"),
    (lambda: decisions.selective_risk(CERTAINTY.astype(int), LOSSES), "certainty has dtype int64"),
    (lambda: decisions.risk_coverage(CERTAINTY, LOSSES + np.inf), "[metrics.risk_coverage] losses must be 0 or in [1e-100, largest_loss]; got"),
    (lambda: decisions.risk_coverage(CERTAINTY, LOSSES, at_most=1.5), "at_most must be an integer; got 1.5"),
]


@pytest.mark.parametrize("call, part", BAD_INPUT, ids=[part for _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, part):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert part in str(caught.value) and str(caught.value).startswith("[metrics.")
