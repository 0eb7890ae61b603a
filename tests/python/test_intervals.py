"""oddity.metrics.intervals against closed forms, SciPy and the definition by all pairs."""

import math

import numpy as np
import pytest

from oddity.metrics import intervals

RANDOM = np.random.default_rng(3)
LABELS = (RANDOM.random(150) < 0.3).astype(np.uint8)
SCORES = (RANDOM.normal(size=150) + LABELS).round(1)


def test_zero_events_in_299_certify_one_percent_one_sided():
    assert intervals.clopper_pearson(0, 299, confidence=0.90).high == pytest.approx(1 - 0.05 ** (1 / 299), rel=1e-12)
    assert intervals.clopper_pearson_upper(0, 299) == pytest.approx(1 - 0.05 ** (1 / 299), rel=1e-12)
    assert intervals.rule_of_three(300) == 0.01 and intervals.rule_of_three(0) == 1


@pytest.mark.parametrize("k, n", [(0, 10), (3, 10), (10, 10), (17, 1000)])
def test_clopper_pearson_and_wilson_agree_with_scipy(k, n):
    stats = pytest.importorskip("scipy.stats")
    for name, ours in (("exact", intervals.clopper_pearson), ("wilson", intervals.wilson)):
        theirs = stats.binomtest(k, n).proportion_ci(0.95, method=name)
        assert (ours(k, n).low, ours(k, n).high) == pytest.approx((theirs.low, theirs.high), abs=1e-10)
    jeffreys = intervals.jeffreys(k, n, confidence=0.9)
    low, high = stats.beta.ppf([0.05, 0.95], k + 0.5, n - k + 0.5)
    assert (jeffreys.low, jeffreys.high) == pytest.approx((low if k > 0 else 0, high if k < n else 1), abs=1e-10)
    one_sided = stats.binomtest(k, n, alternative="less").proportion_ci(0.95, method="exact")
    assert intervals.clopper_pearson_upper(k, n) == pytest.approx(one_sided.high, abs=1e-10)
    other_side = stats.binomtest(k, n, alternative="greater").proportion_ci(0.95, method="exact")
    assert intervals.clopper_pearson_lower(k, n) == pytest.approx(other_side.low, abs=1e-10)


def test_delong_by_all_pairs():
    good, defect = SCORES[LABELS == 0], SCORES[LABELS == 1]
    wins = (defect[:, None] > good) + 0.5 * (defect[:, None] == good)
    variance = wins.mean(1).var(ddof=1) / len(defect) + wins.mean(0).var(ddof=1) / len(good)
    for dtype in (np.float32, np.float64):
        ours = intervals.delong_auroc(SCORES.astype(dtype), LABELS)
        assert (ours.auroc, ours.standard_error) == pytest.approx((wins.mean(), math.sqrt(variance)), abs=1e-12)
        assert (ours.n_good, ours.n_defect) == (len(good), len(defect))
        assert ours.low < ours.auroc < ours.high
    perfect = intervals.delong_auroc([1, 2, 3, 4], [0, 0, 1, 1])
    assert perfect.low == pytest.approx(math.sqrt(0.025)) and perfect.high == 1


def test_torch_tensors_and_lists_are_read():
    torch = pytest.importorskip("torch")
    assert intervals.delong_auroc(torch.tensor(SCORES), torch.tensor(LABELS)) == intervals.delong_auroc(SCORES, LABELS)
    assert intervals.delong_auroc(SCORES.tolist(), LABELS.tolist()) == intervals.delong_auroc(SCORES, LABELS)


def test_plans():
    assert [intervals.parts_for_bound(b) for b in (0.01, 0.001, 0.0001)] == [299, 2995, 29956]
    assert intervals.parts_for_bound(0.05, errors_allowed=1) == 93
    plan = intervals.acceptance_plan(0.01, 0.002, confidence=0.95, power=0.9)
    stats = pytest.importorskip("scipy.stats")
    assert plan.confidence == pytest.approx(1 - stats.binom.cdf(plan.errors_allowed, plan.parts, 0.01))
    assert plan.power == pytest.approx(stats.binom.cdf(plan.errors_allowed, plan.parts, 0.002))
    assert plan.confidence >= 0.95 and plan.power >= 0.9
    shorter = [(n, c) for c in range(plan.errors_allowed + 2) for n in range(c + 1, plan.parts) if stats.binom.cdf(c, n, 0.01) <= 0.05 and stats.binom.cdf(c, n, 0.002) >= 0.9]
    assert shorter == []
    n = intervals.parts_for_width(0.5, 0.1)
    assert max(i.high - i.low for i in (intervals.clopper_pearson(k, n) for k in range(n + 1))) <= 0.1


BAD_SCORES = SCORES.copy()
BAD_SCORES[4] = np.nan
BAD_INPUT = [
    (lambda: intervals.clopper_pearson(3, 2), "[metrics.clopper_pearson] k"),
    (lambda: intervals.clopper_pearson(-1, 2), "k is out of range; got -1; expected an integer of at least 0"),
    (lambda: intervals.clopper_pearson(1.5, 2), "k must be an integer; got 1.5"),
    (lambda: intervals.wilson(1, 2, confidence="high"), "confidence must be a real number; got 'high'"),
    (lambda: intervals.clopper_pearson(1, 2, confidence=1.0), "confidence is out of range; got 1; expected a value in (0, 1)"),
    (lambda: intervals.wilson(1, 2, confidence=np.nan), "confidence is out of range; got nan"),
    (lambda: intervals.jeffreys(3, 2), "[metrics.jeffreys] k must not exceed n"),
    (lambda: intervals.clopper_pearson_upper(3, 2), "[metrics.clopper_pearson_upper] k must not exceed n"),
    (lambda: intervals.clopper_pearson_lower(1, 2, confidence=0), "[metrics.clopper_pearson_lower] confidence is out of range"),
    (lambda: intervals.rule_of_three(-1), "[metrics.rule_of_three] n is out of range; got -1"),
    (lambda: intervals.delong_auroc(BAD_SCORES, LABELS), "[metrics.delong_auroc] scores must be finite; got NaN at index 4"),
    (lambda: intervals.delong_auroc(np.where(LABELS, np.inf, SCORES), LABELS), "scores must be finite; got"),
    (lambda: intervals.delong_auroc([], []), "both classes are needed; got 0 good and 0 defect samples"),
    (lambda: intervals.delong_auroc(SCORES, np.ones(150, bool)), "both classes are needed; got 0 good and 150 defect samples"),
    (lambda: intervals.delong_auroc(SCORES, LABELS[:9]), "scores and labels differ in length; got 150 and 9"),
    (lambda: intervals.delong_auroc(SCORES, LABELS + 1), "labels must be 0 (good) or 1 (defect); got 2 at index"),
    (lambda: intervals.delong_auroc(SCORES, LABELS.astype(float)), "labels has dtype float64; expected bool or integers"),
    (lambda: intervals.delong_auroc(SCORES.astype(int), LABELS), "scores has dtype int64; expected float32 or float64"),
    (lambda: intervals.delong_auroc(SCORES[::2], LABELS[::2].copy()), "scores is not contiguous"),
    (lambda: intervals.delong_auroc(SCORES[:, None], LABELS), "scores must have 1 dimension; got shape (150, 1)"),
    (lambda: intervals.delong_auroc(SCORES, LABELS, confidence=1.5), "confidence is out of range; got 1.5"),
    (lambda: intervals.parts_for_bound(0), "[metrics.parts_for_bound] bound is out of range; got 0"),
    (lambda: intervals.parts_for_bound(0.01, errors_allowed=-1), "errors_allowed is out of range; got -1"),
    (lambda: intervals.parts_for_bound(1e-14), "more than 10^12 parts are needed"),
    (lambda: intervals.acceptance_plan(0.01, 0.02), "rate must be below bound; got 0.02 and 0.01"),
    (lambda: intervals.acceptance_plan(0.01, 0.001, power=1), "power is out of range; got 1"),
    (lambda: intervals.parts_for_width(0.75, 0.1), "share is out of range; got 0.75"),
    (lambda: intervals.parts_for_width(0.5, 2), "width is out of range; got 2"),
]


@pytest.mark.parametrize("call, part", BAD_INPUT, ids=[part for _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, part):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert part in str(caught.value)
