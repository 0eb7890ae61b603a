"""oddity.metrics.ranking against scikit-learn, closed forms and itself in pieces."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from oddity.metrics import ranking

RANDOM = np.random.default_rng(3)
LABELS = RANDOM.random(4000) < 0.3
SCORES = np.round(RANDOM.normal(size=4000) + LABELS, 2)  # ties
WEIGHTS = RANDOM.integers(0, 5, size=4000) / 2
MAPS = SCORES.astype(np.float32).reshape(4, 25, 40)
MASKS = LABELS.reshape(4, 25, 40)


def exact(dtype=np.float64, weights=None):
    return ranking.Ranking(SCORES.astype(dtype), LABELS, weights)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS.astype(np.float32)])
def test_areas_are_those_of_scikit_learn(dtype, weights):
    metrics = pytest.importorskip("sklearn.metrics")
    scores = SCORES.astype(dtype)
    assert ranking.auroc(scores, LABELS, weights) == pytest.approx(metrics.roc_auc_score(LABELS, scores, sample_weight=weights), abs=1e-12)
    assert ranking.average_precision(scores, LABELS, weights) == pytest.approx(
        metrics.average_precision_score(LABELS, scores, sample_weight=weights), abs=1e-12
    )
    precision, recall, _ = metrics.precision_recall_curve(LABELS, scores, sample_weight=weights)
    assert ranking.trapezoid_precision_recall_area(scores, LABELS, weights) == pytest.approx(metrics.auc(recall, precision), abs=1e-12)
    assert ranking.partial_auroc(scores, LABELS, weights, high=0.2).standardized == pytest.approx(
        metrics.roc_auc_score(LABELS, scores, max_fpr=0.2, sample_weight=weights), abs=1e-12
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_curves_and_rates_are_those_of_scikit_learn(weights):
    metrics = pytest.importorskip("sklearn.metrics")
    fpr, tpr, thresholds = metrics.roc_curve(LABELS, SCORES, sample_weight=weights, drop_intermediate=False)
    ours = ranking.roc_curve(SCORES, LABELS, weights)
    where = [int(np.flatnonzero(thresholds == t)[0]) for t in ours.thresholds]
    assert ours.false_positive_rates == pytest.approx(fpr[where], abs=1e-12)
    assert ours.true_positive_rates == pytest.approx(tpr[where], abs=1e-12)
    assert np.trapezoid(ours.true_positive_rates, ours.false_positive_rates) == pytest.approx(ranking.auroc(SCORES, LABELS, weights), abs=1e-12)
    assert ranking.good_flagged_at_defects_flagged(SCORES, LABELS, weights) == pytest.approx(fpr[tpr >= 0.95].min(), abs=1e-12)
    assert ranking.defects_passed_at_good_passed(SCORES, LABELS, weights) == pytest.approx(1 - tpr[1 - fpr >= 0.95].max(), abs=1e-12)
    assert ranking.true_positive_rate_at(SCORES, LABELS, weights, false_positive_rate=0.01) == pytest.approx(tpr[fpr <= 0.01].max(), abs=1e-12)

    precision, recall, thresholds = metrics.precision_recall_curve(LABELS, SCORES, sample_weight=weights)
    ours = ranking.precision_recall_curve(SCORES, LABELS, weights)
    where = [int(np.flatnonzero(thresholds == t)[0]) for t in ours.thresholds]
    assert ours.precisions == pytest.approx(precision[where], abs=1e-12)
    assert ours.recalls == pytest.approx(recall[where], abs=1e-12)
    best = ranking.best_f1(SCORES, LABELS, weights)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    assert best.f1 == pytest.approx(f1.max(), abs=1e-12)
    assert metrics.f1_score(LABELS, best.threshold < SCORES, sample_weight=weights) == pytest.approx(best.f1, abs=1e-12)


def test_the_two_orientations_by_hand():
    scores, labels = [1.0, 2, 3, 4, 2.5, 3.5, 5, 6, 7], [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert ranking.good_flagged_at_defects_flagged(scores, labels, share=0.8) == 0.25  # threshold 3.5 flags 4 of 5
    assert ranking.good_flagged_at_defects_flagged(scores, labels) == 0.5
    assert ranking.defects_passed_at_good_passed(scores, labels, share=0.75) == 0.2
    assert ranking.defects_passed_at_good_passed(scores, labels) == 0.4


def test_prevalence():
    assert ranking.precision_at_prevalence(0.9, 0.01, 0.001) == pytest.approx(0.0009 / (0.0009 + 0.00999))
    assert np.isnan(ranking.precision_at_prevalence(0, 0, 0.5))
    repeated = np.concatenate([np.flatnonzero(LABELS), np.repeat(np.flatnonzero(~LABELS), 3)])
    share = LABELS.sum() / len(repeated)
    assert ranking.average_precision(SCORES, LABELS, prevalence=share) == pytest.approx(ranking.average_precision(SCORES[repeated], LABELS[repeated]), abs=1e-12)
    curve = ranking.precision_recall_curve(SCORES, LABELS, prevalence=share)
    assert curve.precisions == pytest.approx(ranking.precision_recall_curve(SCORES[repeated], LABELS[repeated]).precisions, abs=1e-12)
    assert exact().trapezoid_precision_recall_area(prevalence=share) < exact().trapezoid_precision_recall_area()


def test_one_sort_gives_what_the_functions_give():
    ours = exact(weights=WEIGHTS)
    arguments = SCORES, LABELS, WEIGHTS
    assert ours.auroc() == ranking.auroc(*arguments)
    assert ours.partial_auroc(high=0.3, low=0.1) == ranking.partial_auroc(*arguments, high=0.3, low=0.1)
    assert ours.best_f1() == ranking.best_f1(*arguments)
    assert ours.true_positive_rate_at(0.1) == ranking.true_positive_rate_at(*arguments, false_positive_rate=0.1)
    assert len(ours.roc_curve(at_most=20).thresholds) <= 22
    assert len(ours.precision_recall_curve(at_most=20).recalls) <= 22
    assert (ours.n_good, ours.n_defect) == ((~LABELS & (WEIGHTS > 0)).sum(), (LABELS & (WEIGHTS > 0)).sum())


def test_maps_torch_lists_and_label_types_agree():
    expected = exact(np.float32).auroc()
    assert ranking.Ranking.of_maps(MAPS, MASKS).auroc() == expected
    assert ranking.Ranking.of_maps(list(MAPS), list(MASKS.astype(np.uint8) * 255)).auroc() == expected
    for labels in (LABELS.astype(np.uint8), LABELS.astype(np.int64), LABELS.tolist()):
        assert ranking.auroc(SCORES.astype(np.float32), labels) == expected
    assert ranking.auroc(SCORES.tolist(), LABELS) == ranking.auroc(SCORES, LABELS)
    torch = pytest.importorskip("torch")
    assert ranking.auroc(torch.tensor(SCORES), torch.tensor(LABELS), torch.tensor(WEIGHTS)) == ranking.auroc(SCORES, LABELS, WEIGHTS)


def test_scores_are_never_squeezed():
    # torchmetrics passes a batch with scores outside [0, 1] through a float32 sigmoid: 0.5 for the first set, an inflated value for the second.
    for good, defect in (((30, 3), (36, 5)), ((0.45, 0.15), (0.8, 0.25))):
        scores = np.concatenate([RANDOM.normal(*good, 400), RANDOM.normal(*defect, 400)]).astype(np.float32)
        labels = np.repeat([0, 1], 400)
        truth = (scores[None, 400:] > scores[:400, None]).mean() + (scores[None, 400:] == scores[:400, None]).mean() / 2
        assert ranking.auroc(scores, labels) == pytest.approx(truth, abs=1e-12)
        stream = ranking.StreamingRanking(mantissa_bits=23)
        for first in range(0, 800, 32):  # batch by batch
            stream.add(scores[first : first + 32], labels[first : first + 32])
        assert stream.auroc().value == ranking.auroc(scores, labels)


def test_streamed_values_bound_the_exact_ones():
    stream = ranking.StreamingRanking(mantissa_bits=9)
    stream.add_maps(MAPS[:1], MASKS[:1])
    rest = ranking.StreamingRanking(mantissa_bits=9)
    rest.add(MAPS[1:].ravel(), MASKS[1:].ravel())
    stream.merge(rest)
    ours = exact(np.float32)
    assert (stream.n_good, stream.n_defect, stream.mantissa_bits) == (ours.n_good, ours.n_defect, 9)
    assert stream.bytes < 1 << 20
    pairs = [
        (stream.auroc(), ours.auroc()),
        (stream.average_precision(), ours.average_precision()),
        (stream.average_precision(prevalence=0.01), ours.average_precision(prevalence=0.01)),
        (stream.partial_auroc(high=0.3), ours.partial_auroc(high=0.3).area),
        (stream.true_positive_rate_at(0.1), ours.true_positive_rate_at(0.1)),
        (stream.good_flagged_at_defects_flagged(), ours.good_flagged_at_defects_flagged()),
        (stream.defects_passed_at_good_passed(), ours.defects_passed_at_good_passed()),
        (stream.best_f1().f1, ours.best_f1().f1),
    ]
    for bounded, value in pairs:
        assert bounded.low <= value <= bounded.high
        assert bounded.low <= bounded.value <= bounded.high
        assert bounded.value == pytest.approx(value, abs=0.02)
    assert stream.auroc().low < stream.auroc().high
    curve = stream.roc_curve()
    flagged = MAPS.ravel()[~MASKS.ravel()][None] >= curve.thresholds[:, None]
    assert curve.false_positive_rates == pytest.approx(flagged.mean(1), abs=1e-12)
    assert stream.precision_recall_curve().recalls[-1] == 1
    assert np.nextafter(np.float32(stream.best_f1().threshold), np.float32(np.inf)) in curve.thresholds


def test_streams_count_beyond_two_to_the_32():
    many = 2**40 + 1
    stream = ranking.StreamingRanking()
    stream.add([0.0, 0, 1, 0], [0, 1, 1, 0], np.array([many, many, many, 1]))
    assert (stream.n_good, stream.n_defect) == (many + 1, 2 * many)
    assert stream.auroc().value == 0.75
    assert stream.average_precision().value == pytest.approx((1 + 2 * many / (3 * many + 1)) / 2, rel=1e-15)


def test_a_stream_may_be_filled_from_several_threads():
    stream = ranking.StreamingRanking()
    threads = [threading.Thread(target=lambda: [stream.add(SCORES, LABELS) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.n_good + stream.n_defect == 200 * len(SCORES)
    stream.merge(stream)
    assert stream.n_defect == 400 * LABELS.sum()


def test_results_do_not_depend_on_the_number_of_threads():
    code = (
        "import numpy as np; from oddity.metrics import confusion, ranking; r = np.random.default_rng(0); n = 600_000;"
        "y = r.random(n) < 0.4; s = r.normal(size=n) + y; w = r.random(n);"
        "v = [[f(x, y, z) for f in (ranking.auroc, ranking.average_precision, ranking.trapezoid_precision_recall_area, ranking.best_f1)]"
        " for x in (s, s.astype('f4'), s.round(3)) for z in (None, w)];"
        "c = confusion.confusion_matrix(y, s > 0.5, w); print(v, c.counts.tolist(), c.accuracy())"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "ODDITY_THREADS": str(threads)}, capture_output=True, text=True, check=True).stdout
        for threads in (1, 2, 5)
    }
    assert len(outputs) == 1 and "BestF1" in outputs.pop()


NAN, INFINITE = SCORES.copy(), SCORES.copy()
NAN[5], INFINITE[6] = np.nan, -np.inf
FUNCTIONS = [
    ranking.auroc,
    lambda *a: ranking.partial_auroc(*a, high=0.1),
    ranking.average_precision,
    ranking.trapezoid_precision_recall_area,
    lambda *a: ranking.true_positive_rate_at(*a, false_positive_rate=0.1),
    ranking.good_flagged_at_defects_flagged,
    ranking.defects_passed_at_good_passed,
    ranking.best_f1,
    ranking.roc_curve,
    ranking.precision_recall_curve,
    ranking.Ranking,
]
BAD_ARRAYS = [
    ((NAN, LABELS), ValueError, "[metrics.ranking] scores must be finite; got NaN at index 5"),
    ((INFINITE, LABELS), ValueError, "scores must be finite; got -infinity at index 6"),
    (([], []), ValueError, "both classes are needed; got 0 good and 0 defect samples"),
    ((SCORES, LABELS & False), ValueError, "both classes are needed; got 4000 good and 0 defect samples"),
    ((SCORES, LABELS | True), ValueError, "both classes are needed; got 0 good and 4000 defect samples"),
    ((SCORES[:9], LABELS), ValueError, "scores and labels differ in length; got 9 and 4000"),
    ((SCORES, LABELS * 2), ValueError, "labels must be 0 (good) or 1 (defect); got 2"),
    ((SCORES[::2], LABELS[::2]), ValueError, "scores is not contiguous; got strides (16,) bytes"),
    ((SCORES.astype(int), LABELS), TypeError, "scores has dtype int64; expected float32 or float64"),
    ((SCORES, LABELS.astype(float)), TypeError, "labels has dtype float64; expected bool or integers"),
    ((SCORES.reshape(40, 100), LABELS), ValueError, "scores must have 1 dimension; got shape (40, 100)"),
    (("scores", LABELS), TypeError, "scores must be a numpy array, a CPU torch tensor or a list; got str"),
    ((SCORES, LABELS, WEIGHTS[:5]), ValueError, "weights must be one for each sample; got 5 for 4000 samples"),
    ((SCORES, LABELS, np.empty(0)), ValueError, "weights is empty; expected one for each sample, or None"),
    ((SCORES, LABELS, -WEIGHTS), ValueError, "weights must not be negative"),
    ((SCORES, LABELS, WEIGHTS * np.nan), ValueError, "weights must be finite; got NaN at index 0"),
    ((SCORES, LABELS, WEIGHTS * ~LABELS), ValueError, "0 defect samples of positive weight"),
    ((SCORES, LABELS, WEIGHTS.astype(int)), TypeError, "weights has dtype int64"),
]


@pytest.mark.parametrize("arrays, kind, part", BAD_ARRAYS, ids=[part for _, _, part in BAD_ARRAYS])
def test_every_function_refuses_bad_arrays_with_a_message(arrays, kind, part):
    for function in FUNCTIONS:
        with pytest.raises(kind) as caught:
            function(*arrays)
        assert part in str(caught.value)


def filled(**options):
    stream = ranking.StreamingRanking(**options)
    stream.add([1.0, 2.0], [0, 1])
    return stream


EMPTY = ranking.StreamingRanking()
BAD_INPUT = [
    (lambda: exact().partial_auroc(high=1.5), ValueError, "[metrics.partial_auroc] high is out of range; got 1.5; expected a value in [0, 1]"),
    (lambda: exact().partial_auroc(high=0.1, low=0.2), ValueError, "low must be below high; got 0.2"),
    (lambda: exact().average_precision(prevalence=0), ValueError, "[metrics.average_precision] prevalence is out of range; got 0"),
    (lambda: exact().average_precision(prevalence="half"), TypeError, "prevalence must be a real number; got 'half'"),
    (lambda: exact().true_positive_rate_at(np.nan), ValueError, "false_positive_rate is out of range; got nan"),
    (lambda: exact().good_flagged_at_defects_flagged(1.1), ValueError, "[metrics.good_flagged_at_defects_flagged] share is out of range; got 1.1"),
    (lambda: exact().defects_passed_at_good_passed(-0.1), ValueError, "[metrics.defects_passed_at_good_passed] share is out of range; got -0.1"),
    (lambda: exact().roc_curve(at_most=-1), ValueError, "at_most is out of range; got -1"),
    (lambda: exact().roc_curve(at_most=2.5), TypeError, "at_most must be an integer; got 2.5"),
    (lambda: ranking.precision_at_prevalence(1.2, 0, 0.5), ValueError, "true_positive_rate is out of range; got 1.2"),
    (lambda: ranking.Ranking.of_maps(MAPS, MASKS[:2]), ValueError, "maps and masks must have one shape"),
    (lambda: ranking.Ranking.of_maps(MAPS * np.float32(np.nan), MASKS), ValueError, "maps must be finite; got NaN in image 0 at pixel (x 0, y 0)"),
    (lambda: ranking.Ranking.of_maps(MAPS.astype(float), MASKS), TypeError, "maps has dtype float64; expected float32"),
    (lambda: ranking.Ranking.of_maps(MAPS, MASKS & False), ValueError, "both classes are needed; got 4000 good and 0 defect samples"),
    (lambda: ranking.StreamingRanking(mantissa_bits=24), ValueError, "[metrics.streaming_ranking] mantissa_bits is out of range; got 24; expected 7 to 23"),
    (lambda: ranking.StreamingRanking(mantissa_bits=2**40), ValueError, "mantissa_bits is out of range"),
    (lambda: filled().add(NAN, LABELS), ValueError, "[metrics.streaming_ranking] scores must be finite; got NaN at index 5"),
    (lambda: filled().add(SCORES, LABELS[:5]), ValueError, "scores and labels differ in length; got 4000 and 5"),
    (lambda: filled().add(SCORES[::2], LABELS[::2]), ValueError, "scores is not contiguous"),
    (lambda: filled().add([1.0], [1], [-1]), ValueError, "counts must not be negative; got -1 at index 0"),
    (lambda: filled().add([1.0], [1], [1.5]), TypeError, "counts has dtype float64; expected integers"),
    (lambda: filled().add([1.0], [1], [1, 2]), ValueError, "scores and counts differ in length; got 1 and 2"),
    (lambda: filled().add([1.0], [1], []), ValueError, "counts is empty; expected one for each sample, or None"),
    (lambda: filled().add([1e39], [1]), ValueError, "scores must be within the range of float32"),
    (lambda: filled().add_maps(MAPS, MASKS.astype(int)), TypeError, "masks has dtype int64; expected bool or uint8"),
    (lambda: filled().merge(filled(mantissa_bits=9)), ValueError, "mantissa_bits differ; got 15 and 9"),
    (lambda: filled().merge(3), TypeError, "other must be a StreamingRanking; got int"),
    (lambda: filled().partial_auroc(high=0), ValueError, "low must be below high; got 0 and 0"),
    (EMPTY.auroc, ValueError, "[metrics.auroc] both classes are needed; got 0 good and 0 defect samples"),
    (EMPTY.average_precision, ValueError, "[metrics.average_precision] both classes are needed"),
    (EMPTY.best_f1, ValueError, "[metrics.best_f1] both classes are needed"),
    (EMPTY.roc_curve, ValueError, "both classes are needed"),
    (EMPTY.precision_recall_curve, ValueError, "both classes are needed"),
    (EMPTY.good_flagged_at_defects_flagged, ValueError, "both classes are needed"),
]


@pytest.mark.parametrize("call, kind, part", BAD_INPUT, ids=[part for _, _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, kind, part):
    with pytest.raises(kind) as caught:
        call()
    assert part in str(caught.value)
