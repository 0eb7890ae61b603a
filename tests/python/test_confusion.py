"""oddity.metrics.confusion against scikit-learn, SciPy and closed forms."""

import math
import threading

import numpy as np
import pytest

from oddity.metrics import confusion, ranking

RANDOM = np.random.default_rng(5)
TRUTH = RANDOM.integers(0, 4, size=2000)
PREDICTED = np.where(RANDOM.random(2000) < 0.7, TRUTH, RANDOM.integers(0, 4, size=2000))
WEIGHTS = RANDOM.integers(0, 5, size=2000) / 2
GROUPS = RANDOM.integers(-2, 2, size=2000)
LABELS = TRUTH == 0
SCORES = RANDOM.normal(size=2000) + LABELS


@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS.astype(np.float32)])
def test_tables_and_rates_are_those_of_scikit_learn(weights):
    metrics = pytest.importorskip("sklearn.metrics")
    ours = confusion.confusion_matrix(TRUTH, PREDICTED, weights)
    for by, theirs in (("none", None), ("truth", "true"), ("predicted", "pred"), ("all", "all")):
        assert ours.normalized(by) == pytest.approx(metrics.confusion_matrix(TRUTH, PREDICTED, sample_weight=weights, normalize=theirs), abs=1e-12)
    assert (ours.counts == metrics.confusion_matrix(TRUTH, PREDICTED)).all() and ours.counts.dtype == np.int64
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(TRUTH, PREDICTED, sample_weight=weights)
    for c in range(4):
        rates = ours.rates(c)
        assert (rates.precision.value, rates.recall.value, rates.f1.value) == pytest.approx((precision[c], recall[c], f1[c]), abs=1e-12)
    macro = ours.macro_rates()
    assert (macro.precision.value, macro.recall.value, macro.f1.value) == pytest.approx((precision.mean(), recall.mean(), f1.mean()), abs=1e-12)
    assert macro.recall.classes == 4 and macro.recall.left_out == 0
    assert ours.accuracy().value == pytest.approx(metrics.accuracy_score(TRUTH, PREDICTED, sample_weight=weights), abs=1e-12)
    assert ours.samples == 2000 and ours.weighted == (weights is not None)


def test_intervals_are_those_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    table = confusion.confusion_matrix(TRUTH, PREDICTED)
    rates = table.rates(1, confidence=0.9)
    for rate in (rates.precision, rates.recall, table.accuracy(confidence=0.9)):
        theirs = stats.binomtest(rate.events, rate.trials).proportion_ci(0.9, method="exact")
        assert (rate.low, rate.high) == pytest.approx((theirs.low, theirs.high), abs=1e-10)
    share = stats.binomtest(rates.f1.events, rates.f1.trials).proportion_ci(0.9, method="exact")
    assert (rates.f1.low, rates.f1.high) == pytest.approx((2 * share.low / (1 + share.low), 2 * share.high / (1 + share.high)), abs=1e-10)
    hoeffding = confusion.confusion_matrix(TRUTH, PREDICTED, WEIGHTS).rates(1).recall
    used = WEIGHTS[TRUTH == 1]
    half = math.sqrt(math.log(2 / 0.05) / 2 * (used**2).sum()) / used.sum()
    assert (hoeffding.low, hoeffding.high) == pytest.approx((hoeffding.value - half, hoeffding.value + half), abs=1e-12)


def test_inspection_names_the_four_outcomes():
    result = confusion.inspection(confusion.confusion_at_threshold([1.0, 2, 3, 4, 2, 3, 5, 6], [0, 0, 0, 0, 1, 1, 1, 1], threshold=2))
    assert (result.true_accept, result.escape, result.overkill, result.true_reject) == (2, 1, 2, 3)
    assert (result.escape_rate.value, result.overkill_rate.value) == (0.25, 0.5)
    assert (result.defects_among_accepted.value, result.defects_among_rejected.value) == pytest.approx((1 / 3, 0.6))
    certified = confusion.inspection(confusion.Confusion.of_counts([[1000, 0], [0, 299]]), confidence=0.9)
    assert certified.escape_rate.value == 0 and certified.escape_rate.high < 0.01
    rejected = SCORES.astype(np.float32) > 0.5
    ours = confusion.confusion_at_threshold(SCORES.astype(np.float32), LABELS, threshold=0.5)
    assert ours.counts.tolist() == confusion.confusion_matrix(LABELS, rejected).counts.tolist()
    weighted = confusion.confusion_at_threshold(SCORES, LABELS, WEIGHTS, threshold=0.5)
    assert confusion.inspection(weighted).escape_rate.value == pytest.approx(WEIGHTS[LABELS & (SCORES <= 0.5)].sum() / WEIGHTS[LABELS].sum())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_threshold_of_the_ranking_decides_the_same(dtype):
    scores = np.round(SCORES, 1).astype(dtype)
    best = ranking.best_f1(scores, LABELS)
    table = confusion.confusion_at_threshold(scores, LABELS, threshold=best.threshold)
    assert confusion.inspection(table).f1.value == pytest.approx(best.f1, abs=1e-14)
    assert confusion.inspection(confusion.confusion_at_threshold(scores, LABELS, threshold=np.nextafter(np.float32(best.threshold), np.float32(np.inf)))).f1.value < best.f1
    assert (scores > best.threshold).sum() == table.counts[:, 1].sum()  # numpy rounds the threshold to the type of the array


def test_groups():
    tables = confusion.confusion_matrix_by_group(TRUTH, PREDICTED, GROUPS)
    assert list(tables) == [-2, -1, 0, 1]
    for group, table in tables.items():
        own = GROUPS == group
        assert (table.counts == confusion.confusion_matrix(TRUTH[own], PREDICTED[own], classes=4).counts).all()
    at = confusion.confusion_at_threshold_by_group(SCORES, LABELS, GROUPS, threshold=0.2)
    assert sum(confusion.inspection(t).escape for t in at.values()) == (LABELS & (SCORES <= 0.2)).sum()
    assert at[1].samples == (GROUPS == 1).sum()


def test_a_class_without_support_is_nan_and_flagged():
    table = confusion.confusion_matrix([0, 0, 2], [0, 1, 0], classes=4)
    rate = table.rates(1).recall
    assert math.isnan(rate.value) and not rate.supported and (rate.low, rate.high, rate.trials) == (0, 1, 0)
    assert table.rates(2).recall.value == 0 and table.rates(2).recall.supported
    assert np.isnan(table.normalized("truth")[1]).all() and np.isnan(table.normalized("predicted")[:, 2]).all()
    assert table.macro_rates().recall.left_out == 2
    only_good = confusion.inspection(confusion.confusion_at_threshold([1.0, 2], [0, 0], threshold=1))
    assert math.isnan(only_good.escape_rate.value) and only_good.overkill_rate.value == 0.5


def test_pieces_merge_and_threads_give_the_whole():
    whole, first, rest = confusion.confusion_matrix(TRUTH, PREDICTED), confusion.Confusion(4), confusion.Confusion(4)
    first.add(TRUTH[:700], PREDICTED[:700])
    rest.add(TRUTH[700:], PREDICTED[700:])
    first.merge(rest)
    assert (first.counts == whole.counts).all() and first.classes == 4
    threads = [threading.Thread(target=lambda: [rest.add(TRUTH, PREDICTED, WEIGHTS) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rest.samples == 1300 + 80 * 2000


def test_counts_beyond_two_to_the_32():
    table = confusion.Confusion.of_counts(np.array([[2**40, 1], [1, 2**40]]))
    table.add([0], [1])
    assert table.counts[0, 1] == 2 and table.samples == 2**41 + 3
    assert 0 < confusion.inspection(table).overkill_rate.value == 2 / (2**40 + 2)


def test_top_k_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    scores = RANDOM.normal(size=(2000, 4)) + np.eye(4)[TRUTH]
    for k in (1, 2, 3):
        for weights in (None, WEIGHTS):
            ours = confusion.top_k_accuracy(scores, TRUTH, weights, k=k)
            assert ours.accuracy.value == pytest.approx(metrics.top_k_accuracy_score(TRUTH, scores, k=k, sample_weight=weights), abs=1e-12)
    assert ours.undecided == 0 and len(ours.classes) == 4
    constant = confusion.top_k_accuracy(np.zeros((10, 4), np.float32), TRUTH[:10], k=3)
    assert constant.accuracy.value == 0 and constant.undecided == 10


def test_ignored_labels_torch_and_lists():
    ours = confusion.confusion_matrix([0, 255, 1], [0, 9, 1], ignored_label=255)
    assert (ours.classes, ours.samples, ours.ignored) == (2, 2, 1)
    assert confusion.top_k_accuracy([[1, 2], [2, 1]], [1, -1], k=1, ignored_label=-1).ignored == 1
    torch = pytest.importorskip("torch")
    tensors = torch.tensor(TRUTH), torch.tensor(PREDICTED), torch.tensor(WEIGHTS)
    assert confusion.confusion_matrix(*tensors).accuracy() == confusion.confusion_matrix(TRUTH, PREDICTED, WEIGHTS).accuracy()


BAD = SCORES.copy()
BAD[7] = np.nan
TABLE = confusion.confusion_matrix(TRUTH, PREDICTED)
TWO = SCORES[:10].reshape(5, 2)
BAD_INPUT = [
    (lambda: confusion.confusion_matrix([], []), ValueError, "[metrics.confusion_matrix] truth is empty"),
    (lambda: confusion.confusion_matrix(TRUTH, PREDICTED[:9]), ValueError, "truth and predicted differ in length; got 2000 and 9"),
    (lambda: confusion.confusion_matrix(TRUTH, PREDICTED, classes=3), ValueError, "truth is out of range; got 3 at index"),
    (lambda: confusion.confusion_matrix(TRUTH, PREDICTED, classes=1), ValueError, "classes is out of range; got 1; expected an integer of at least 2"),
    (lambda: confusion.confusion_matrix(-TRUTH, PREDICTED), ValueError, "truth is out of range; got -"),
    (lambda: confusion.confusion_matrix(TRUTH * 1.0, PREDICTED), TypeError, "truth has dtype float64; expected integers"),
    (lambda: confusion.confusion_matrix(TRUTH[::2], PREDICTED[::2]), ValueError, "truth is not contiguous"),
    (lambda: confusion.confusion_matrix([7, 7], [0, 0], ignored_label=7), ValueError, "every sample is ignored; got 2 with label 7"),
    (lambda: confusion.confusion_matrix([7, 7], [0, 0], ignored_label=7.0), TypeError, "ignored_label must be an integer or None; got 7.0"),
    (lambda: confusion.confusion_matrix([7, 7], [0, 0], ignored_label=2**63), ValueError, "ignored_label is out of range; got 9223372036854775808"),
    (lambda: confusion.confusion_matrix(TRUTH, PREDICTED, BAD), ValueError, "weights must be finite; got NaN at index 7"),
    (lambda: confusion.confusion_matrix(TRUTH, PREDICTED, WEIGHTS * 0), ValueError, "weights must not all be zero"),
    (lambda: confusion.confusion_matrix(TRUTH, PREDICTED, -1 - WEIGHTS), ValueError, "weights must not be negative"),
    (lambda: confusion.confusion_matrix(TRUTH, PREDICTED, 1e-200 + WEIGHTS * 0), ValueError, "expected 0 or 1e-100 to 1e100"),
    (lambda: confusion.confusion_matrix(TRUTH, PREDICTED, []), ValueError, "[metrics.confusion_matrix] weights is empty; expected one for each sample"),
    (lambda: confusion.confusion_matrix_by_group(TRUTH, PREDICTED, GROUPS[:9]), ValueError, "truth and groups differ in length; got 2000 and 9"),
    (lambda: confusion.confusion_matrix_by_group(TRUTH, PREDICTED, GROUPS / 2), TypeError, "groups has dtype float64"),
    (lambda: confusion.confusion_at_threshold(BAD, LABELS, threshold=1), ValueError, "[metrics.confusion_at_threshold] scores must be finite; got NaN at index 7"),
    (lambda: confusion.confusion_at_threshold(SCORES * np.inf, LABELS, threshold=1), ValueError, "scores must be finite; got"),
    (lambda: confusion.confusion_at_threshold([], [], threshold=1), ValueError, "scores is empty"),
    (lambda: confusion.confusion_at_threshold(SCORES, LABELS[:4], threshold=1), ValueError, "scores and labels differ in length; got 2000 and 4"),
    (lambda: confusion.confusion_at_threshold(SCORES, TRUTH, threshold=1), ValueError, "labels must be 0 (good) or 1 (defect); got"),
    (lambda: confusion.confusion_at_threshold(SCORES, LABELS, threshold=np.nan), ValueError, "threshold must be a number; got NaN"),
    (lambda: confusion.confusion_at_threshold(SCORES, LABELS, threshold="high"), TypeError, "threshold must be a real number; got 'high'"),
    (lambda: confusion.confusion_at_threshold(SCORES[::2], LABELS[::2], threshold=1), ValueError, "scores is not contiguous"),
    (lambda: confusion.confusion_at_threshold(TRUTH, LABELS, threshold=1), TypeError, "scores has dtype int64"),
    (lambda: confusion.confusion_at_threshold_by_group(SCORES, LABELS, GROUPS[:4], threshold=1), ValueError, "scores and groups differ in length"),
    (lambda: confusion.inspection(TABLE), ValueError, "[metrics.inspection] two classes are needed; got 4"),
    (lambda: confusion.inspection([[1, 2], [3, 4]]), TypeError, "confusion must be a Confusion; got list"),
    (lambda: confusion.inspection(confusion.Confusion(2), confidence=1), ValueError, "confidence is out of range; got 1; expected a value in (0, 1)"),
    (lambda: TABLE.rates(4), ValueError, "class is out of range; got 4; expected 0 to 3"),
    (lambda: TABLE.rates(0, confidence=0), ValueError, "confidence is out of range; got 0"),
    (lambda: TABLE.accuracy(confidence=np.nan), ValueError, "confidence is out of range; got nan"),
    (lambda: TABLE.normalized("rows"), ValueError, "by is not known; got 'rows'; expected one of 'none', 'truth', 'predicted', 'all'"),
    (lambda: TABLE.merge(confusion.Confusion(2)), ValueError, "classes differ; got 4 and 2"),
    (lambda: TABLE.merge([1]), TypeError, "other must be a Confusion; got list"),
    (lambda: TABLE.add([9], [0]), ValueError, "[metrics.confusion] truth is out of range; got 9 at index 0; expected 0 to 3"),
    (lambda: confusion.Confusion(1), ValueError, "classes is out of range; got 1; expected 2 to 16384"),
    (lambda: confusion.Confusion.of_counts([[1, 2, 3]]), ValueError, "counts must be [classes, classes]; got shape (1, 3)"),
    (lambda: confusion.Confusion.of_counts([[1, -2], [3, 4]]), ValueError, "counts must not be negative; got -2"),
    (lambda: confusion.Confusion.of_counts([[0.5, 2], [3, 4]]), TypeError, "counts has dtype float64; expected integers"),
    (lambda: confusion.top_k_accuracy(TWO, TRUTH[:5], k=1), ValueError, "[metrics.top_k_accuracy] truth is out of range"),
    (lambda: confusion.top_k_accuracy(TWO, [0, 1, 0, 1], k=1), ValueError, "scores and truth differ in length; got 5 and 4"),
    (lambda: confusion.top_k_accuracy(TWO, [0, 1, 0, 1, 0], k=3), ValueError, "k is out of range; got 3; expected 1 to 2"),
    (lambda: confusion.top_k_accuracy(TWO * np.nan, [0, 1, 0, 1, 0], k=1), ValueError, "scores must be finite; got NaN at index 0"),
    (lambda: confusion.top_k_accuracy(TWO[:0], [], k=1), ValueError, "scores is empty; got 0 x 2"),
    (lambda: confusion.top_k_accuracy(TWO.T, [0, 1], k=1), ValueError, "scores is not contiguous"),
    (lambda: confusion.top_k_accuracy(SCORES, LABELS, k=1), ValueError, "scores must have 2 dimensions; got shape (2000,)"),
    (lambda: confusion.top_k_accuracy(TWO.astype(int), [0, 1, 0, 1, 0], k=1), TypeError, "scores has dtype int64"),
    (lambda: confusion.top_k_accuracy(TWO, [0, 1, 0, 1, 0], k=1, confidence=1.0), ValueError, "confidence is out of range; got 1"),
]


@pytest.mark.parametrize("call, kind, part", BAD_INPUT, ids=[part for _, _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, kind, part):
    with pytest.raises(kind) as caught:
        call()
    assert part in str(caught.value)
