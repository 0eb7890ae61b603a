"""oddity.metrics.bootstrap against NumPy, SciPy, definitions and DeLong's error."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from oddity.metrics import bootstrap, intervals, ranking, regions

RANDOM = np.random.default_rng(11)
LABELS = (RANDOM.random(200) < 0.3).astype(np.uint8)
SCORES = (RANDOM.normal(size=200) + LABELS).round(2)
OTHER = SCORES + RANDOM.normal(size=200)
GROUPS = np.arange(200) // 4
MASKS = np.zeros((12, 16, 16), np.uint8)
for _i in range(1, 12, 2):
    MASKS[_i, 2 : 2 + _i // 2 + 1, 3:7] = 1
MAPS = (RANDOM.normal(size=MASKS.shape) + MASKS).astype(np.float32)


def test_percentiles_are_those_of_numpy():
    result = bootstrap.bootstrap(200, lambda drawn: SCORES[drawn].mean(), confidence=0.9, resamples=777)
    assert result.value == pytest.approx(SCORES.mean()) and (result.n, result.units) == (200, 200)
    assert (result.low, result.high) == pytest.approx(tuple(np.quantile(result.resampled, [0.05, 0.95])))
    assert result.standard_error == pytest.approx(result.resampled.std(ddof=1))
    assert result.standard_error == pytest.approx(SCORES.std() / math.sqrt(200), rel=0.15)
    weighted = bootstrap.bootstrap_weighted(200, lambda weights: (weights * SCORES).sum() / weights.sum(), confidence=0.9, resamples=777)
    assert weighted.resampled == pytest.approx(result.resampled)


def test_bca_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    losses = np.exp(SCORES[:40])
    ours = bootstrap.bootstrap_weighted(40, lambda weights: weights @ losses / 40, method="bca", resamples=20000)
    theirs = stats.bootstrap((losses,), np.mean, method="BCa", n_resamples=20000, random_state=1)
    # Quantiles of 20000 draws have a standard error of about 0.02 of that of the mean; BCa's lie further out.
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.15 * ours.standard_error)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.15 * ours.standard_error)
    assert ours.acceleration > 0 and ours.high - ours.value > ours.value - ours.low


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranking_metrics(dtype):
    scores = SCORES.astype(dtype)
    values = {
        "auroc": ranking.auroc(scores, LABELS),
        "average_precision": ranking.average_precision(scores, LABELS),
        "best_f1": ranking.best_f1(scores, LABELS).f1,
        "true_positive_rate_at": ranking.true_positive_rate_at(scores, LABELS, false_positive_rate=0.1),
        "false_positive_rate_at": ranking.good_flagged_at_defects_flagged(scores, LABELS, share=0.1),
    }
    for statistic, value in values.items():
        result = bootstrap.bootstrap_ranking(scores, LABELS, statistic=statistic, at=0.1, resamples=200)
        assert result.value == pytest.approx(value, abs=1e-12), statistic
        assert result.low <= result.high and len(result.resampled) == 200
    delong = intervals.delong_auroc(scores, LABELS)
    ours = bootstrap.bootstrap_ranking(scores, LABELS, method="bca", resamples=5000)
    assert ours.standard_error == pytest.approx(delong.standard_error, rel=0.06)
    assert (ours.low, ours.high) == pytest.approx((delong.low, delong.high), abs=0.3 * delong.standard_error)


def test_groups_and_strata():
    grouped = bootstrap.bootstrap_ranking(SCORES, LABELS, groups=GROUPS, stratified=False)
    assert grouped.units == 50
    generic = bootstrap.bootstrap(200, lambda drawn: ranking.auroc(SCORES[drawn], LABELS[drawn]), groups=GROUPS, resamples=300)
    assert generic.value == pytest.approx(grouped.value) and generic.standard_error == pytest.approx(grouped.standard_error, rel=0.25)
    counts = []
    bootstrap.bootstrap_weighted(200, lambda weights: counts.append(weights[LABELS == 1].sum()) or weights[0], strata=LABELS, resamples=20)
    assert set(counts) == {LABELS.sum()}


def test_differences_are_paired():
    result = bootstrap.bootstrap_ranking_difference(SCORES, OTHER, LABELS, resamples=300)
    assert result.value == pytest.approx(ranking.auroc(SCORES, LABELS) - ranking.auroc(OTHER, LABELS))
    same = bootstrap.bootstrap_ranking_difference(SCORES, 3 * SCORES, LABELS, resamples=50)
    assert (same.resampled == 0).all() and math.isnan(same.low)


def test_pixel_metrics():
    result = bootstrap.bootstrap_pixel_metrics(MAPS, MASKS, aupro_limits=[0.3, 1.0], resamples=100)
    assert result.aupro[0].value == pytest.approx(regions.aupro(MAPS, MASKS, limit=0.3))
    assert result.best_f1.value == pytest.approx(regions.best_pixel_f1(MAPS, MASKS).f1)
    assert result.auroc.value == pytest.approx(ranking.auroc(MAPS.ravel().copy(), MASKS.ravel().copy()))
    assert (result.auroc.n_good, result.auroc.n_defect) == (6, 6)
    assert all(e.low < e.value < e.high for e in (result.auroc, result.average_precision, *result.aupro))
    listed = bootstrap.bootstrap_pixel_metrics(list(MAPS), list(MASKS), aupro_limits=(0.3, 1.0), resamples=100)
    assert listed == result
    paired = bootstrap.bootstrap_pixel_metrics(MAPS, MASKS, groups=np.arange(12) // 2, method="bca", resamples=100)
    assert paired.auroc.value == result.auroc.value and paired.auroc.low != result.auroc.low
    difference = bootstrap.bootstrap_pixel_difference(MAPS + MASKS, MASKS, MAPS, MASKS, resamples=100)
    assert difference.auroc.low > 0 and len(difference.aupro) == 2


def test_torch_tensors_and_lists_are_read():
    torch = pytest.importorskip("torch")
    expected = bootstrap.bootstrap_ranking(SCORES, LABELS, resamples=50, groups=GROUPS).resampled
    assert (bootstrap.bootstrap_ranking(torch.tensor(SCORES), torch.tensor(LABELS), resamples=50, groups=torch.tensor(GROUPS)).resampled == expected).all()
    assert (bootstrap.bootstrap_ranking(SCORES.tolist(), LABELS.tolist(), resamples=50, groups=GROUPS.tolist()).resampled == expected).all()
    tensor = torch.tensor(SCORES)
    result = bootstrap.bootstrap(200, lambda drawn: tensor[torch.from_numpy(drawn)].mean(), resamples=20)
    assert result.value == pytest.approx(SCORES.mean())


def test_results_do_not_depend_on_the_number_of_threads():
    code = (
        "import numpy as np; from oddity.metrics import bootstrap, comparison, regions\n"
        "random = np.random.default_rng(0); labels = (random.random(20000) < 0.3).astype(np.uint8); scores = random.normal(size=20000) + labels\n"
        "maps = random.normal(size=(40, 90, 90)).astype(np.float32); masks = (maps > 1).astype(np.uint8); maps += random.normal(size=maps.shape).astype(np.float32)\n"
        "print(bootstrap.bootstrap_ranking(scores, labels, resamples=64, method='bca').resampled.tobytes().hex())\n"
        "print(bootstrap.bootstrap_ranking(scores, labels, resamples=64, statistic='average_precision', groups=np.arange(20000) // 7).low.hex())\n"
        "print(bootstrap.bootstrap_pixel_metrics(maps, masks, resamples=64).aupro[0].low.hex(), regions.aupro(maps, masks).hex())\n"
        "print(regions.region_overlap(maps, masks, 1).mean.low.hex(), comparison.paired_permutation_test(scores, scores[::-1].copy(), permutations=500).p_value.hex())\n"
    )
    texts = {subprocess.run([sys.executable, "-c", code], env={**os.environ, "ODDITY_THREADS": n}, capture_output=True, text=True, check=True).stdout for n in ("1", "2", "5")}
    assert len(texts) == 1 and len(texts.pop().splitlines()) == 4


def test_errors_of_the_statistic_come_through():
    with pytest.raises(ZeroDivisionError):
        bootstrap.bootstrap(5, lambda drawn: 1 / 0)
    with pytest.raises(KeyError, match="mine"):
        bootstrap.bootstrap_weighted(5, lambda weights: {}["mine"])


NAN = SCORES.copy()
NAN[9] = np.nan
BAD_MAPS = MAPS.copy()
BAD_MAPS[2, 3, 4] = np.inf
BAD_INPUT = [
    (lambda: bootstrap.bootstrap(0, len), "[metrics.bootstrap] n must be at least 1; got 0"),
    (lambda: bootstrap.bootstrap(5, lambda drawn: "much"), "[metrics.bootstrap] statistic must return a real number; got 'much'"),
    (lambda: bootstrap.bootstrap(5, lambda drawn: np.nan), "statistic must be finite; got NaN for the samples themselves"),
    (lambda: bootstrap.bootstrap(5, len, resamples=0), "resamples must be at least 1; got 0"),
    (lambda: bootstrap.bootstrap(5, len, confidence=1), "confidence is out of range; got 1"),
    (lambda: bootstrap.bootstrap(5, len, method="basic"), "method is not known; got 'basic'; expected one of 'percentile', 'bca'"),
    (lambda: bootstrap.bootstrap(5, len, groups=[1, 2]), "groups must be one for each sample; got 2 for 5 samples"),
    (lambda: bootstrap.bootstrap(5, len, groups=[]), "groups is empty; expected one for each sample, or None"),
    (lambda: bootstrap.bootstrap(5, len, strata=[0.5] * 5), "strata has dtype float64; expected integers"),
    (lambda: bootstrap.bootstrap(2, len, groups=[1, 1], strata=[0, 1]), "groups must lie in one stratum; got group 1 in several"),
    (lambda: bootstrap.bootstrap(5, len, seed=-1), "seed is out of range; got -1"),
    (lambda: bootstrap.bootstrap_weighted(5, lambda weights: np.inf), "[metrics.bootstrap_weighted] statistic must be finite; got infinity"),
    (lambda: bootstrap.bootstrap_weighted(True, sum), "n must be an integer; got True"),
    (lambda: bootstrap.bootstrap_ranking(NAN, LABELS), "[metrics.bootstrap_ranking] scores must be finite; got NaN at index 9"),
    (lambda: bootstrap.bootstrap_ranking(SCORES, LABELS[:5]), "scores and labels differ in length; got 200 and 5"),
    (lambda: bootstrap.bootstrap_ranking(SCORES, 0 * LABELS), "both classes are needed; got 200 good and 0 defect samples"),
    (lambda: bootstrap.bootstrap_ranking([], []), "both classes are needed; got 0 good and 0 defect samples"),
    (lambda: bootstrap.bootstrap_ranking(SCORES[::2], LABELS[::2].copy()), "scores is not contiguous"),
    (lambda: bootstrap.bootstrap_ranking(SCORES.astype(int), LABELS), "scores has dtype int64; expected float32 or float64"),
    (lambda: bootstrap.bootstrap_ranking(SCORES, LABELS, statistic="accuracy"), "statistic is not known; got 'accuracy'"),
    (lambda: bootstrap.bootstrap_ranking(SCORES, LABELS, statistic="true_positive_rate_at", at=1.5), "at is out of range; got 1.5"),
    (lambda: bootstrap.bootstrap_ranking(SCORES, LABELS, statistic="false_positive_rate_at", method="bca"), "method bca is not for rates"),
    (lambda: bootstrap.bootstrap_ranking(SCORES, LABELS, groups=GROUPS[:3]), "groups must be one for each sample; got 3 for 200 samples"),
    (lambda: bootstrap.bootstrap_ranking_difference(SCORES, NAN, LABELS), "[metrics.bootstrap_ranking_difference] b must be finite; got NaN at index 9"),
    (lambda: bootstrap.bootstrap_ranking_difference(SCORES, OTHER[:4].copy(), LABELS), "a and b differ in length; got 200 and 4"),
    (lambda: bootstrap.bootstrap_pixel_metrics(BAD_MAPS, MASKS), "maps must be finite; got infinity in image 2 at pixel (x 4, y 3)"),
    (lambda: bootstrap.bootstrap_pixel_metrics(MAPS, MASKS[:3]), "maps and masks must have one shape (images, height, width)"),
    (lambda: bootstrap.bootstrap_pixel_metrics(MAPS.astype(float), MASKS), "maps has dtype float64; expected float32"),
    (lambda: bootstrap.bootstrap_pixel_metrics(MAPS, 0 * MASKS), "good and defect pixels are needed; got 3072 good and 0 defect pixels"),
    (lambda: bootstrap.bootstrap_pixel_metrics(MAPS, MASKS, aupro_limits=[0]), "limit is out of range; got 0"),
    (lambda: bootstrap.bootstrap_pixel_metrics(MAPS, MASKS, confidence=0), "confidence is out of range; got 0"),
    (lambda: bootstrap.bootstrap_pixel_difference(MAPS, MASKS, MAPS[:5], MASKS[:5]), "a and b differ in their number of images; got 12 and 5"),
]


@pytest.mark.parametrize("call, part", BAD_INPUT, ids=[part for _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, part):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert part in str(caught.value)
