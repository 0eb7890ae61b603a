"""oddity.metrics.conformal against MAPIE, TorchCP's formulas, SciPy and its own definitions."""

import copy
import math
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from oddity.metrics import conformal

RANDOM = np.random.default_rng(1)
CLASSES = 70


def table(rows, classes=CLASSES, seed=2):
    """Class probabilities and the true classes."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    logits = 2 * random.normal(size=(rows, classes)) + 6 * np.eye(classes)[truth]
    p = np.exp(logits - logits.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True), truth


P, TRUTH = table(600)
SCORES = [
    conformal.SetScore(),
    conformal.SetScore("margin"),
    conformal.SetScore("aps", seed=3),
    conformal.SetScore("aps", randomized=False),
    conformal.SetScore("raps", penalty=0.01, free_ranks=2, seed=4),
]


def definition(p, score):
    """Scores of all classes without U: unrandomised APS and RAPS, LAC, margin."""
    if score.kind == "lac":
        return 1 - p
    if score.kind == "margin":
        top = np.sort(p, axis=1)[:, ::-1]
        return np.where(p == top[:, :1], top[:, 1:2], top[:, :1]) - p
    order = np.argsort(-p, axis=1, kind="stable")
    ranked = np.cumsum(np.take_along_axis(p, order, 1), axis=1)
    if score.kind == "raps":
        ranked = ranked + score.penalty * np.maximum(0, np.arange(1, p.shape[1] + 1) - score.free_ranks)
    scores = np.empty_like(p)
    np.put_along_axis(scores, order, ranked, 1)
    return scores


def test_rank_is_exact_where_floating_point_is_not():
    assert math.ceil(150 * (1 - 0.18)) == 124
    found = conformal.conformal_rank(149, alpha=0.18)
    assert (found.rank, found.infinite, found.n_needed, found.delta) == (123, False, 5, None)
    assert found.coverage == conformal.BetaLaw(123, 27)
    assert conformal.conformal_quantile(np.arange(1.0, 150), alpha=0.18).threshold == 123


@pytest.mark.parametrize("n, alpha, delta", [(500, 0.05, 0.1), (1000, 0.01, 0.1), (21, 0.1, 0.1), (22, 0.1, 0.1)])
def test_pac_rank_is_that_of_scipy(n, alpha, delta):
    beta = pytest.importorskip("scipy.stats").beta
    expected = next((k for k in range(1, n + 1) if beta.ppf(delta, k, n + 1 - k) >= 1 - alpha), n + 1)
    found = conformal.conformal_rank(n, alpha=alpha, delta=delta)
    assert found.rank == expected and found.infinite == (expected == n + 1) and found.delta == delta


def test_law_is_that_of_scipy():
    beta = pytest.importorskip("scipy.stats").beta
    law = conformal.conformal_rank(1000, alpha=0.1).coverage
    interval = law.interval(confidence=0.9)
    assert (interval.low, interval.high) == pytest.approx(beta.ppf([0.05, 0.95], 901, 100), rel=1e-10)
    assert law.probability_below(0.9) == pytest.approx(beta.cdf(0.9, 901, 100), rel=1e-10)
    assert law.mean == 901 / 1001
    nothing = conformal.conformal_rank(3, alpha=0.1)
    assert nothing.infinite and nothing.n_needed == 9 and nothing.coverage.interval().low == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quantiles_are_order_statistics(dtype):
    scores = RANDOM.integers(0, 30, 200).astype(dtype)
    found = conformal.conformal_quantiles(scores, alphas=[0.3, 0.1, 0.001])
    ranked = np.sort(scores)
    assert [q.threshold for q in found] == [ranked[found[0].rank - 1], ranked[found[1].rank - 1], math.inf]
    assert conformal.conformal_quantile(scores, alpha=0.3).threshold == found[0].threshold
    assert conformal.conformal_quantile(scores.tolist(), alpha=0.3) == found[0]


def test_groups_have_their_own_thresholds():
    scores, groups = RANDOM.normal(size=300), RANDOM.integers(-2, 2, 300)
    groups[0] = 50
    found = conformal.group_conformal_quantiles(scores, groups, alpha=[0.1, 0.5], delta=0.2)
    assert found.groups.tolist() == [-2, -1, 0, 1, 50]
    for level, alpha in enumerate([0.1, 0.5]):
        for group in found.groups:
            own = conformal.conformal_quantile(scores[groups == group], alpha=alpha, delta=0.2)
            assert found.of(group, level=level) == own
    assert found.thresholds_of([1, 7, -2]).tolist() == [found.of(1).threshold, math.inf, found.of(-2).threshold]
    assert found.thresholds(level=1).tolist() == [q.threshold for q in found.quantiles[1]]
    assert math.isinf(found.of(50).threshold) and found.of(50).n == 1


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-6)])
@pytest.mark.parametrize("score", [s for s in SCORES if s.kind in ("lac", "margin") or not s.randomized], ids=lambda s: s.kind)
def test_scores_are_their_definition(score, dtype, tolerance):
    p = P.astype(dtype)
    expected = definition(p.astype(np.float64), score)
    found = conformal.set_scores_of_all_classes(p, score=score)
    assert found == pytest.approx(expected, abs=tolerance)
    assert (conformal.set_scores(p, TRUTH, score=score) == found[np.arange(len(p)), TRUTH]).all()


def test_raps_adds_a_penalty_to_aps():
    aps, raps = SCORES[2], conformal.SetScore("raps", penalty=0.01, free_ranks=2, seed=3)
    ranks = (-P).argsort(1, kind="stable").argsort(1, kind="stable") + 1
    difference = conformal.set_scores_of_all_classes(P, score=raps) - conformal.set_scores_of_all_classes(P, score=aps)
    assert difference == pytest.approx(0.01 * np.maximum(0, ranks - 2), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("score", SCORES, ids=lambda s: f"{s.kind}{'' if s.randomized else ' without U'}")
def test_sets_hold_the_classes_within_the_threshold(score, dtype):
    p, before = P.astype(dtype), P.astype(dtype)
    groups = TRUTH % 3
    scores = conformal.set_scores_of_all_classes(p[300:], score=score)
    own = conformal.set_scores(p[:300], TRUTH[:300], score=score)
    for options, limits in [
        ({}, np.array([[conformal.conformal_quantile(own, alpha=a).threshold] for a in (0.1, 0.01)])[:, :, None]),
        ({"class_conditional": True}, None),
        ({"groups": groups[:300], "delta": 0.1}, None),
    ]:
        thresholds = conformal.calibrate_sets(p[:300], TRUTH[:300], alpha=[0.1, 0.01], score=score, **options)
        sets = conformal.prediction_sets(p[300:], thresholds, groups=groups[300:] if "groups" in options else None)
        for level, alpha in enumerate((0.1, 0.01)):
            if limits is None:
                of_groups = TRUTH[:300] if "class_conditional" in options else groups[:300]
                own_limits = {g: conformal.conformal_quantile(own[of_groups == g], alpha=alpha, delta=options.get("delta")).threshold for g in set(of_groups)}
                if "class_conditional" in options:
                    limit = np.array([own_limits.get(c, math.inf) for c in range(CLASSES)])[None, :]
                else:
                    limit = np.array([own_limits[g] for g in groups[300:]])[:, None]
            else:
                limit = limits[level]
            inside = scores <= limit
            assert (sets.table(level=level) == inside).all()
            assert (sets.sizes[level] == inside.sum(1)).all()
            assert (sets.contains(TRUTH[300:], level=level) == inside[np.arange(300), TRUTH[300:]]).all()
            assert sets.classes_of(7, level=level) == np.flatnonzero(inside[7]).tolist()
        assert sets.masks.shape == (2, 300, 2)
    assert (p == before).all(), "the caller's probabilities were changed"


def test_batches_give_the_sets_of_the_whole():
    score = SCORES[2]
    thresholds = conformal.calibrate_sets(P[:300], TRUTH[:300], alpha=0.1, score=score)
    whole = conformal.prediction_sets(P[300:], thresholds)
    again = pickle.loads(pickle.dumps(thresholds))
    for start in range(0, 300, 70):
        part = conformal.prediction_sets(P[300 + start : 370 + start][: 300 - start], again, ids=np.arange(start, min(300, start + 70)))
        assert (part.masks[0] == whole.masks[0, start : start + 70]).all()
    order = RANDOM.permutation(300)
    shuffled = conformal.calibrate_sets(P[:300][order], TRUTH[:300][order], alpha=0.1, score=score, ids=order)
    assert shuffled.quantiles.quantiles == thresholds.quantiles.quantiles
    other = conformal.calibrate_sets(P[:300], TRUTH[:300], alpha=0.1, score=conformal.SetScore("aps", seed=4))
    assert other.quantiles.quantiles != thresholds.quantiles.quantiles


THREADS = """
import hashlib, numpy as np
from oddity.metrics import conformal
random = np.random.default_rng(0)
p = random.dirichlet(np.full(40, 0.2), 5000)
truth = random.integers(0, 40, 5000)
kept = []
for score in (conformal.SetScore(), conformal.SetScore("raps", penalty=0.1, free_ranks=1), conformal.SetScore("margin")):
    for by_class in (False, True):
        thresholds = conformal.calibrate_sets(p, truth, alpha=[0.1, 0.4], score=score, class_conditional=by_class)
        kept += [thresholds.quantiles.thresholds(), conformal.prediction_sets(p, thresholds).masks]
cross = conformal.CrossConformal(random.random(999), np.arange(999) % 9)
ends = conformal.cross_conformal_intervals(random.normal(size=(700, 9)), cross, alpha=0.1)
weighted = conformal.WeightedCalibration(random.normal(size=999), random.random(999)).thresholds(random.random(9000), alpha=0.1)
kept += [ends.low, ends.high, weighted.thresholds]
print(hashlib.sha256(b"".join(a.tobytes() for a in kept)).hexdigest())
"""


def test_results_do_not_depend_on_the_number_of_threads():
    run = [sys.executable, "-c", THREADS]
    seen = {subprocess.run(run, env={**os.environ, "ODDITY_THREADS": n}, capture_output=True, text=True, check=True).stdout for n in ("1", "2", "7")}
    assert len(seen) == 1 and len(seen.pop()) == 65


def test_thresholds_from_elsewhere():
    scores = conformal.set_scores_of_all_classes(P, score=SCORES[2])
    limits = RANDOM.random(600)
    limits[:3] = math.inf, -math.inf, scores[2, 5]
    sets = conformal.prediction_sets_at(P, limits, score=SCORES[2])
    assert (sets.table() == (scores <= limits[:, None])).all()
    assert sets.infinite.tolist() == [1]
    assert (conformal.prediction_sets_at(P, 0.5).table() == (1 - P <= 0.5)).all()


def test_evaluation_counts():
    groups = TRUTH % 2
    sets = conformal.prediction_sets(P[300:], conformal.calibrate_sets(P[:300], TRUTH[:300], alpha=0.2))
    found = conformal.evaluate_sets(sets, TRUTH[300:], groups=groups[300:], size_bounds=[1, 2])
    hit, sizes = sets.contains(TRUTH[300:]), sets.sizes[0]
    assert (found.coverage.n, found.coverage.covered, found.coverage.value) == (300, hit.sum(), hit.mean())
    assert found.coverage.interval.low < hit.mean() < found.coverage.interval.high
    assert found.mean_size == pytest.approx(sizes.mean())
    assert found.mean_size_interval.high - found.mean_size == pytest.approx(1.959963985 * sizes.std(ddof=1) / math.sqrt(300))
    assert (found.empty, found.full) == ((sizes == 0).sum(), (sizes == CLASSES).sum())
    assert [(s.first, s.last) for s in found.strata] == [(0, 1), (2, 2), (3, CLASSES)]
    expected = [hit[(sizes >= s.first) & (sizes <= s.last)].mean() for s in found.strata]
    assert [s.coverage.value for s in found.strata] == expected and found.size_stratified_coverage == min(expected)
    assert found.by_group[1].value == hit[groups[300:] == 1].mean()
    assert found.by_class[4].n == (TRUTH[300:] == 4).sum()


def test_cross_conformal_sets_and_intervals_by_definition():
    folds, rows, n = 4, 50, 60
    out, truth = table(n, 5, seed=9)
    of_sample = np.arange(n) % folds
    tables = [table(rows, 5, seed=20 + k)[0] for k in range(folds)]
    calibration = conformal.CrossConformal(conformal.set_scores(out, truth), of_sample)
    stranger = sum((calibration._arrays[0][of_sample == k][:, None, None] < (1 - tables[k])).sum(0) for k in range(folds))
    sets = conformal.cross_conformal_sets(tables, calibration, alpha=[0.1, 0.5])
    assert (sets.table() == (10 * stranger < 9 * (n + 1))).all()
    assert (sets.table(level=1) == (2 * stranger < n + 1)).all()
    assert calibration.guaranteed_coverage(0.1) == pytest.approx(0.8 - min(2 * 0.9 * 3 / 64, (1 - 4 / 60) / 5))
    assert (calibration.n, calibration.folds) == (60, 4)
    residuals, predictions = np.abs(RANDOM.normal(size=n)), RANDOM.normal(size=(rows, folds))
    both = pickle.loads(pickle.dumps(conformal.CrossConformal(residuals, of_sample)))
    found = conformal.cross_conformal_intervals(predictions, both, alpha=0.1)
    rank = conformal.conformal_rank(n, alpha=0.1).rank
    assert (found.high == np.sort(predictions[:, of_sample] + residuals)[:, rank - 1]).all()
    assert (found.low == np.sort(predictions[:, of_sample] - residuals)[:, n - rank]).all()


def test_regression_by_hand():
    assert conformal.residual_scores([1.0, 2], [1.5, 0], scales=[0.5, 4.0]).tolist() == [1, 0.5]
    assert conformal.quantile_scores([0.0, 0], [1.0, 1], [3.0, 0.25]).tolist() == [2, -0.25]
    plain = conformal.residual_intervals([1.0, -4], 2)
    assert (plain.low.tolist(), plain.high.tolist()) == ([-1, -6], [3, -2])
    each = conformal.residual_intervals(np.float32([10, 10]), [2.0, math.inf], scales=[0.5, 3.0])
    assert (each.low.tolist(), each.high.tolist()) == ([9, -math.inf], [11, math.inf])
    shrunk = conformal.quantile_intervals([1.0, 2], [4.0, 3], -1.0)
    assert (shrunk.low.tolist(), shrunk.high.tolist()) == ([2, 3], [3, 2])
    found = conformal.evaluate_intervals(conformal.Intervals(np.array([0.0, 0, 2, 0]), np.array([1.0, 1, 1, np.inf])), [0.5, 3.0, 1.5, 9.0])
    assert (found.coverage.covered, found.below, found.above, found.empty, found.infinite, found.mean_width) == (2, 0, 1, 1, 1, 1)


def test_equal_weights_are_split_and_weights_move_the_threshold():
    scores = RANDOM.normal(size=149)
    equal = conformal.WeightedCalibration(scores, np.full(149, 0.1))
    assert equal.thresholds(0.1, alpha=0.18).thresholds[0] == conformal.conformal_quantile(scores, alpha=0.18).threshold
    assert (equal.n, equal.effective_sample_size) == (149, pytest.approx(149))
    weights, test = RANDOM.random(149), RANDOM.random(20)
    found = pickle.loads(pickle.dumps(conformal.WeightedCalibration(scores, weights))).thresholds(test, alpha=0.1)
    order = np.argsort(scores)
    for weight, threshold in zip(test, found.thresholds, strict=True):
        mass = np.cumsum(weights[order]) / (weights.sum() + weight)
        assert threshold == scores[order][np.argmax(mass >= 0.9)]
    assert found.largest_test_weight == pytest.approx(weights.sum() / 9)
    assert equal.thresholds(5.0, alpha=0.1).infinite == 1


def test_adaptive_level_follows_its_formula_and_its_bound():
    stream = np.concatenate([RANDOM.normal(size=500), RANDOM.normal(3, 2, size=500)])
    adaptive = conformal.AdaptiveConformal(RANDOM.normal(size=200), step=0.02, window=100, start=0.2)
    one_by_one = copy.deepcopy(adaptive)
    assert math.isnan(adaptive.miss_rate) and adaptive.bound == math.inf
    trace = adaptive.run(stream[:700])
    assert trace.levels == pytest.approx(0.2 + 0.02 * np.cumsum(np.append(0, 0.1 - trace.missed))[:-1], abs=1e-12)
    assert (trace.missed == (stream[:700] > trace.thresholds)).all()
    resumed = pickle.loads(pickle.dumps(adaptive))
    rest = adaptive.run(stream[700:])
    assert (resumed.run(stream[700:]).thresholds == rest.thresholds).all()
    for score in stream:
        threshold = one_by_one.threshold
        assert one_by_one.update(score) == (score <= threshold)
    assert (one_by_one.level, one_by_one.misses, one_by_one.steps) == (adaptive.level, adaptive.misses, 1000)
    assert adaptive.miss_rate == adaptive.misses / 1000
    assert adaptive.bound == pytest.approx((0.8 + 0.02) / (0.02 * 1000))
    assert abs(adaptive.miss_rate - 0.1) <= adaptive.bound


def test_sets_are_those_of_mapie():
    classification = pytest.importorskip("mapie.classification")
    base = pytest.importorskip("sklearn.base")

    class Given(base.ClassifierMixin, base.BaseEstimator):
        classes_ = np.arange(CLASSES)

        def fit(self, X, y=None):
            return self

        def predict_proba(self, X):
            return X

        def predict(self, X):
            return X.argmax(1)

        def __sklearn_is_fitted__(self):
            return True

    peer = classification.SplitConformalClassifier(Given(), confidence_level=0.9, conformity_score="lac", prefit=True)
    _, theirs = peer.conformalize(P[:300], TRUTH[:300]).predict_set(P[300:])
    ours = conformal.prediction_sets(P[300:], conformal.calibrate_sets(P[:300], TRUTH[:300], alpha=0.1))
    assert (ours.table() == theirs[:, :, 0]).all()


def test_torch_tensors_and_lists_are_read():
    torch = pytest.importorskip("torch")
    thresholds = conformal.calibrate_sets(torch.tensor(P), torch.tensor(TRUTH), alpha=0.1)
    assert thresholds.quantiles.quantiles == conformal.calibrate_sets(P, TRUTH, alpha=0.1).quantiles.quantiles
    tensor = torch.tensor(P.astype(np.float32))
    assert (conformal.prediction_sets(tensor, thresholds).masks == conformal.prediction_sets(P.astype(np.float32), thresholds).masks).all()
    assert conformal.prediction_sets_at([[0.5, 0.5], [1, 0]], 0.5).sizes.tolist() == [[2, 1]]


NAN = P.copy()
NAN[3, 2] = np.nan
THRESHOLDS = conformal.calibrate_sets(P, TRUTH, alpha=0.1)
BY_GROUP = conformal.calibrate_sets(P, TRUTH, alpha=0.1, groups=TRUTH % 2)
SETS = conformal.prediction_sets(P, THRESHOLDS)
GROUPS = conformal.group_conformal_quantiles([1.0, 2], [0, 1], alpha=0.5)
CROSS = conformal.CrossConformal([1.0, 2], [0, 1])
WEIGHTED = conformal.WeightedCalibration([1.0, 2], [1.0, 1])
ADAPTIVE = conformal.AdaptiveConformal([1.0, 2])
RESIDUALS = conformal.Intervals(np.zeros(2), np.ones(2))
RAPS = conformal.SetScore("raps", penalty=0.1, free_ranks=1)
BAD_INPUT = [
    (lambda: conformal.conformal_rank(-1, alpha=0.1), ValueError, "[metrics.conformal_rank] n is out of range; got -1"),
    (lambda: conformal.conformal_rank(2.5, alpha=0.1), TypeError, "n must be an integer; got 2.5"),
    (lambda: conformal.conformal_rank(10, alpha=1.0), ValueError, "[metrics.conformal_rank] alpha is out of range; got 1; expected a value in (0, 1)"),
    (lambda: conformal.conformal_rank(10, alpha=0), ValueError, "alpha is out of range; got 0"),
    (lambda: conformal.conformal_rank(10, alpha=0.1, delta=np.nan), ValueError, "delta is out of range; got nan"),
    (lambda: conformal.conformal_rank(10, alpha="0.1"), TypeError, "alpha must be a real number; got '0.1'"),
    (lambda: conformal.conformal_rank(1, alpha=0.5).coverage.interval(confidence=1), ValueError, "confidence is out of range; got 1"),
    (lambda: conformal.conformal_rank(1, alpha=0.5).coverage.probability_below(2), ValueError, "level is out of range; got 2"),
    (lambda: conformal.conformal_quantile([], alpha=0.1), ValueError, "[metrics.conformal_quantile] scores is empty"),
    (lambda: conformal.conformal_quantile([1, np.nan], alpha=0.1), ValueError, "scores must be finite; got NaN at index 1"),
    (lambda: conformal.conformal_quantile(np.ones((2, 2)), alpha=0.1), ValueError, "scores must have 1 dimension; got shape (2, 2)"),
    (lambda: conformal.conformal_quantile(np.arange(9), alpha=0.1), TypeError, "scores has dtype int64; expected float32 or float64"),
    (lambda: conformal.conformal_quantile(np.ones(9)[::2], alpha=0.1), ValueError, "scores is not contiguous"),
    (lambda: conformal.conformal_quantiles([1.0], alphas=[]), ValueError, "[metrics.conformal_quantiles] alphas is empty"),
    (lambda: conformal.conformal_quantiles([1.0], alphas=[0.1, 2]), ValueError, "alpha is out of range; got 2"),
    (lambda: conformal.group_conformal_quantiles([1.0, 2], [1], alpha=0.1), ValueError, "scores and groups differ in length; got 2 and 1"),
    (lambda: conformal.group_conformal_quantiles([1.0], [1.5], alpha=0.1), TypeError, "groups has dtype float64; expected integers"),
    (lambda: GROUPS.of(5), ValueError, "[metrics.of] group is not known; got 5; expected one of [0, 1]"),
    (lambda: GROUPS.of(0, level=1), ValueError, "level is out of range; got 1; expected 0 to 0"),
    (lambda: GROUPS.thresholds(level=-1), ValueError, "level is out of range; got -1"),
    (lambda: GROUPS.thresholds_of([0.5]), TypeError, "groups has dtype float64; expected integers"),
    (lambda: GROUPS.thresholds_of([[0]]), ValueError, "groups must have 1 dimension"),
    (lambda: conformal.set_scores(NAN, TRUTH), ValueError, "[metrics.set_scores] probabilities must be probabilities; got nan in row 3 column 2"),
    (lambda: conformal.set_scores(P[:0], TRUTH[:0]), ValueError, "probabilities is empty; got 0 x 70"),
    (lambda: conformal.set_scores(P[:, :1].copy(), TRUTH), ValueError, "probabilities must have at least 2 classes; got 1"),
    (lambda: conformal.set_scores(P, TRUTH[:3]), ValueError, "classes must be one for each row; got 3 for 600 rows"),
    (lambda: conformal.set_scores(P, TRUTH + 1), ValueError, "classes is out of range; got 70 at index"),
    (lambda: conformal.set_scores(P, TRUTH * 1.0), TypeError, "classes has dtype float64; expected integers"),
    (lambda: conformal.set_scores(P * 2, TRUTH), ValueError, "probabilities must be probabilities; "),
    (lambda: conformal.set_scores(P[:, ::2], TRUTH), ValueError, "probabilities is not contiguous"),
    (lambda: conformal.set_scores((P * 9).astype(int), TRUTH), TypeError, "probabilities has dtype int64"),
    (lambda: conformal.set_scores(P, TRUTH, role="train"), ValueError, "role is not known; got 'train'; expected one of 'calibration', 'test'"),
    (lambda: conformal.set_scores(P, TRUTH, ids=[1]), ValueError, "probabilities and ids differ in length; got 600 and 1"),
    (lambda: conformal.set_scores(P, TRUTH, score=conformal.SetScore("saps")), ValueError, "score is unknown; got 'saps'"),
    (lambda: conformal.set_scores(P, TRUTH, score=conformal.SetScore("raps")), ValueError, "penalty is missing"),
    (lambda: conformal.set_scores(P, TRUTH, score=conformal.SetScore("raps", penalty=0.1)), ValueError, "penalty and free_ranks go together"),
    (lambda: conformal.set_scores(P, TRUTH, score=conformal.SetScore("raps", penalty=0, free_ranks=1)), ValueError, "penalty weight is out of range; got 0"),
    (lambda: conformal.set_scores(P, TRUTH, score=conformal.SetScore("aps", penalty=1, free_ranks=1)), ValueError, "penalty belongs to the score raps"),
    (lambda: conformal.set_scores(P, TRUTH, score=conformal.SetScore(seed=-1)), ValueError, "seed is out of range; got -1"),
    (lambda: conformal.set_scores_of_all_classes(NAN, score=RAPS), ValueError, "[metrics.set_scores_of_all_classes] probabilities must be"),
    (lambda: conformal.calibrate_sets(P, TRUTH, alpha=0), ValueError, "[metrics.calibrate_sets] alpha is out of range; got 0"),
    (lambda: conformal.calibrate_sets(P, TRUTH, alpha=[]), ValueError, "alphas is empty"),
    (lambda: conformal.calibrate_sets(P, TRUTH, alpha=0.1, delta=1), ValueError, "delta is out of range; got 1"),
    (lambda: conformal.calibrate_sets(P, TRUTH, alpha=0.1, groups=[1]), ValueError, "probabilities and groups differ in length"),
    (lambda: conformal.calibrate_sets(P, TRUTH, alpha=0.1, groups=TRUTH, class_conditional=True), ValueError, "groups cannot go with class_conditional"),
    (lambda: conformal.calibrate_sets(NAN, TRUTH, alpha=0.1), ValueError, "[metrics.calibrate_sets] probabilities must be probabilities"),
    (lambda: conformal.prediction_sets(NAN, THRESHOLDS), ValueError, "[metrics.prediction_sets] probabilities must be probabilities"),
    (lambda: conformal.prediction_sets(table(5, 3)[0], THRESHOLDS), ValueError, "probabilities differ in classes from the calibration; got 3; expected 70"),
    (lambda: conformal.prediction_sets(P, THRESHOLDS, groups=TRUTH), ValueError, "groups are given; the thresholds are not by group"),
    (lambda: conformal.prediction_sets(P, BY_GROUP), ValueError, "groups are missing; the thresholds are by group"),
    (lambda: conformal.prediction_sets(P, BY_GROUP, groups=[1]), ValueError, "probabilities and groups differ in length; got 600 and 1"),
    (lambda: conformal.prediction_sets_at(P, np.nan), ValueError, "[metrics.prediction_sets_at] thresholds must not be NaN"),
    (lambda: conformal.prediction_sets_at(P, [1.0, 2]), ValueError, "thresholds must be one, or one for each row; got 2 for 600 rows"),
    (lambda: conformal.evaluate_sets(SETS, TRUTH[:5]), ValueError, "[metrics.evaluate_sets] classes must be one for each row; got 5 for 600"),
    (lambda: conformal.evaluate_sets(SETS, TRUTH, level=1), ValueError, "level is out of range; got 1; expected 0 to 0"),
    (lambda: conformal.evaluate_sets(SETS, TRUTH, confidence=0), ValueError, "confidence is out of range; got 0"),
    (lambda: conformal.evaluate_sets(SETS, TRUTH, size_bounds=[3, 1]), ValueError, "size_bounds must rise; got 1 after 3"),
    (lambda: conformal.evaluate_sets(SETS, TRUTH, groups=[1]), ValueError, "classes and groups differ in length"),
    (lambda: SETS.contains(TRUTH[:3]), ValueError, "classes must be one for each of 600 rows, 0 to 69"),
    (lambda: SETS.contains(TRUTH + 0.5), TypeError, "classes has dtype float64; expected integers"),
    (lambda: SETS.table(level=3), ValueError, "level is out of range; got 3"),
    (lambda: SETS.classes_of(600), ValueError, "row is out of range; got 600; expected 0 to 599"),
    (lambda: conformal.residual_scores([], []), ValueError, "[metrics.residual_scores] predictions is empty"),
    (lambda: conformal.residual_scores([1.0], [np.inf]), ValueError, "targets must be finite; got infinity"),
    (lambda: conformal.residual_scores([1.0], [1.0, 2]), ValueError, "targets must be one for each sample; got 2 for 1"),
    (lambda: conformal.residual_scores([1.0], [1.0], scales=[0.0]), ValueError, "scales must be above 0; got 0"),
    (lambda: conformal.quantile_scores([1.0], [np.nan], [1.0]), ValueError, "[metrics.quantile_scores] high must be finite"),
    (lambda: conformal.quantile_scores(np.arange(3), [1.0], [1.0]), TypeError, "low has dtype int64"),
    (lambda: conformal.residual_intervals([1.0], np.nan), ValueError, "[metrics.residual_intervals] thresholds must not be NaN"),
    (lambda: conformal.residual_intervals([1.0, 2, 3], [1.0, 2]), ValueError, "thresholds must be one, or one for each sample; got 2 for 3"),
    (lambda: conformal.quantile_intervals([], [], 1.0), ValueError, "[metrics.quantile_intervals] low is empty"),
    (lambda: conformal.evaluate_intervals(RESIDUALS, [1.0]), ValueError, "[metrics.evaluate_intervals] targets must be one for each sample"),
    (lambda: conformal.evaluate_intervals(RESIDUALS, [1.0, np.nan]), ValueError, "targets must be finite"),
    (lambda: conformal.CrossConformal([1.0, 2], [0]), ValueError, "[metrics.cross_conformal] scores and folds differ in length"),
    (lambda: conformal.CrossConformal([1.0, 2], [0, 0]), ValueError, "there must be at least 2 folds; got 1"),
    (lambda: conformal.CrossConformal([1.0, np.nan], [0, 1]), ValueError, "scores must be finite; got NaN"),
    (lambda: CROSS.guaranteed_coverage(0), ValueError, "[metrics.guaranteed_coverage] alpha is out of range"),
    (lambda: conformal.cross_conformal_sets([P], CROSS, alpha=0.1), ValueError, "probabilities must be one table for each fold; got 1 for 2 folds"),
    (lambda: conformal.cross_conformal_sets([P, P[:5]], CROSS, alpha=0.1), ValueError, "probabilities of fold 1 differ in size or type"),
    (lambda: conformal.cross_conformal_sets([P, NAN], CROSS, alpha=0.1), ValueError, "got nan in row 3 column 2"),
    (lambda: conformal.cross_conformal_sets([P, P], CROSS, alpha=1.0), ValueError, "alpha is out of range; got 1"),
    (lambda: conformal.cross_conformal_intervals(P, CROSS, alpha=0.1), ValueError, "predictions must have one column for each fold; got 70 for 2 folds"),
    (lambda: conformal.cross_conformal_intervals([[1.0, np.nan]], CROSS, alpha=0.1), ValueError, "predictions must be finite"),
    (lambda: conformal.WeightedCalibration([1.0, 2], [1.0]), ValueError, "[metrics.weighted_calibration] scores and weights differ in length"),
    (lambda: conformal.WeightedCalibration([1.0], [-1.0]), ValueError, "weights must not be negative; got -1"),
    (lambda: conformal.WeightedCalibration([1.0], [0.0]), ValueError, "weights must not all be zero"),
    (lambda: WEIGHTED.thresholds(1.0, alpha=0), ValueError, "[metrics.weighted_thresholds] alpha is out of range; got 0"),
    (lambda: WEIGHTED.thresholds([1.0, np.inf], alpha=0.1), ValueError, "test_weights must be finite; got infinity at index 1"),
    (lambda: WEIGHTED.thresholds(-1.0, alpha=0.1), ValueError, "test_weights must not be negative; got -1"),
    (lambda: conformal.AdaptiveConformal([]), ValueError, "[metrics.adaptive_conformal] calibration_scores is empty"),
    (lambda: conformal.AdaptiveConformal([1.0], alpha=1), ValueError, "alpha is out of range; got 1"),
    (lambda: conformal.AdaptiveConformal([1.0], step=0), ValueError, "step is out of range; got 0"),
    (lambda: conformal.AdaptiveConformal([1.0], start=2), ValueError, "start is out of range; got 2"),
    (lambda: conformal.AdaptiveConformal([1.0], window=-1), ValueError, "window is out of range; got -1"),
    (lambda: ADAPTIVE.update(np.nan), ValueError, "score must be finite; got NaN"),
    (lambda: ADAPTIVE.update("1"), TypeError, "score must be a real number; got '1'"),
    (lambda: ADAPTIVE.run([1.0, np.inf]), ValueError, "scores must be finite; got infinity at index 1"),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, part", BAD_INPUT, ids=[part for _, _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, kind, part):
    with pytest.raises(kind) as caught:
        call()
    assert part in str(caught.value)
