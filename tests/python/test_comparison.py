"""oddity.metrics.comparison against SciPy, scikit-learn, published numbers and definitions."""

import math

import numpy as np
import pytest

from oddity.metrics import comparison, ranking

RANDOM = np.random.default_rng(7)
LABELS = (RANDOM.random(120) < 0.4).astype(np.int64)
COMMON = RANDOM.normal(size=120) + LABELS
A, B = (COMMON + 0.5 * RANDOM.normal(size=120)).round(1), (COMMON + RANDOM.normal(size=120)).round(1)
RATINGS = RANDOM.integers(0, 4, (60, 1)) * np.ones((1, 3), np.int64)
RATINGS[RANDOM.random((60, 3)) < 0.3] = 1


def test_mcnemar_and_newcombe():
    counts = comparison.paired_counts([1, 1, 0, 0, 1, 0], [1, 0, 1, 0, 0, 0])
    assert counts == comparison.PairedCounts(1, 2, 1, 2) and counts.n == 6
    stats = pytest.importorskip("scipy.stats")
    for table in (comparison.PairedCounts(59, 6, 16, 80), comparison.PairedCounts(1, 1, 7, 12), comparison.PairedCounts(0, 4, 4, 1)):
        test = comparison.mcnemar(table)
        n = table.only_a + table.only_b
        assert test.exact == pytest.approx(stats.binomtest(table.only_a, n).pvalue)
        observed = stats.binom.pmf(table.only_a, n, 0.5)
        assert test.mid_p == pytest.approx(test.exact - observed * (0.5 if table.only_a == table.only_b else 1))
    # contingencytables 3.1.0, tests/testthat/test-ch8.R
    interval = comparison.newcombe_difference(comparison.PairedCounts(59, 6, 16, 80))
    assert (interval.difference, interval.low, interval.high) == pytest.approx((-0.0621, -0.1186, -0.0046), abs=5e-5)
    assert (interval.rate_a, interval.rate_b, interval.n) == (65 / 161, 75 / 161, 161)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_delong_by_all_pairs(dtype):
    def components(scores):
        good, defect = scores[LABELS == 0], scores[LABELS == 1]
        wins = (defect[:, None] > good) + 0.5 * (defect[:, None] == good)
        return wins.mean(1), wins.mean(0)

    (defect_a, good_a), (defect_b, good_b) = components(A), components(B)
    variance = (defect_a - defect_b).var(ddof=1) / len(defect_a) + (good_a - good_b).var(ddof=1) / len(good_a)
    test = comparison.delong_test(A.astype(dtype), B.astype(dtype), LABELS)
    difference = defect_a.mean() - defect_b.mean()
    assert (test.difference, test.standard_error) == pytest.approx((difference, math.sqrt(variance)), abs=1e-12)
    assert test.p_value == pytest.approx(math.erfc(abs(difference) / math.sqrt(2 * variance)))
    assert (test.low, test.high) == pytest.approx((difference - 1.959963984540054 * math.sqrt(variance), difference + 1.959963984540054 * math.sqrt(variance)))


@pytest.mark.parametrize("alternative", ["two_sided", "greater", "less"])
def test_permutation_tests_agree_with_scipy(alternative):
    stats = pytest.importorskip("scipy.stats")
    a, b = A[:10].copy(), B[:10].copy()
    theirs = stats.permutation_test(((a - b),), lambda x, axis: x.mean(axis), permutation_type="samples", n_resamples=np.inf, alternative=alternative.replace("_", "-"))
    ours = comparison.paired_permutation_test(a, b, alternative=alternative)
    assert ours.exact and ours.p_value == pytest.approx(theirs.pvalue, abs=1e-12) and ours.statistic == pytest.approx((a - b).mean())
    generic = comparison.permutation_test(10, lambda swapped: np.where(swapped, b - a, a - b).mean(), alternative=alternative)
    assert generic.exact and generic.p_value == pytest.approx(theirs.pvalue, abs=1e-12)
    drawn = comparison.paired_permutation_test(a, b, alternative=alternative, permutations=20000, exact_up_to=0, seed=1)
    assert not drawn.exact and drawn.p_value == pytest.approx(theirs.pvalue, abs=0.02)


def test_permutation_of_auroc_and_of_groups():
    def difference(swapped):
        return ranking.auroc(np.where(swapped, B, A), LABELS) - ranking.auroc(np.where(swapped, A, B), LABELS)

    test = comparison.permutation_test(120, difference, permutations=200, seed=3)
    assert test.statistic == pytest.approx(ranking.auroc(A, LABELS) - ranking.auroc(B, LABELS))
    assert test.permutations == 201 and 0 < test.p_value <= 1
    groups = np.arange(120) // 40
    grouped = comparison.paired_permutation_test(np.ones(120), np.zeros(120), groups=groups)
    assert grouped.units == 3 and grouped.p_value == 0.25 and grouped.n == 120


def test_kappas_agree_with_scikit_learn_and_definition():
    metrics = pytest.importorskip("sklearn.metrics")
    a, b = RATINGS[:, 0].copy(), RATINGS[:, 1].copy()
    for weights in ("none", "linear", "quadratic"):
        ours = comparison.cohen_kappa(a, b, weights=weights)
        assert ours.kappa == pytest.approx(metrics.cohen_kappa_score(a, b, weights=None if weights == "none" else weights, labels=range(4)))
        assert ours.low < ours.kappa < ours.high and ours.classes == 4
    counts = np.stack([(RATINGS == c).sum(1) for c in range(4)], 1)
    observed = ((counts**2).sum(1) - 3).mean() / 6
    expected = ((counts.sum(0) / counts.sum()) ** 2).sum()
    fleiss = comparison.fleiss_kappa(RATINGS)
    assert fleiss.kappa == pytest.approx((observed - expected) / (1 - expected))
    assert (fleiss.n, fleiss.raters) == (60, 3)
    assert math.isnan(comparison.cohen_kappa(a, a).low)


def test_torch_tensors_and_lists_are_read():
    torch = pytest.importorskip("torch")
    assert comparison.delong_test(torch.tensor(A), torch.tensor(B), torch.tensor(LABELS)) == comparison.delong_test(A, B, LABELS)
    assert comparison.fleiss_kappa(torch.tensor(RATINGS)) == comparison.fleiss_kappa(RATINGS.tolist())
    assert comparison.paired_permutation_test(torch.tensor(A), B.tolist()) == comparison.paired_permutation_test(A, B)


NAN = A.copy()
NAN[5] = np.nan
COUNTS = comparison.PairedCounts(1, 2, 3, 4)
BAD_INPUT = [
    (lambda: comparison.paired_counts([0, 1], [1]), "[metrics.paired_counts] a and b differ in length; got 2 and 1"),
    (lambda: comparison.paired_counts([], []), "a is empty"),
    (lambda: comparison.paired_counts([0, 2], [1, 1]), "a must be 0 or 1; got 2 at index 1"),
    (lambda: comparison.paired_counts(A, B), "a has dtype float64; expected bool or integers"),
    (lambda: comparison.mcnemar((1, 2, 3, 4)), "counts must be PairedCounts; got tuple"),
    (lambda: comparison.mcnemar(comparison.PairedCounts(0, 0, 0, 0)), "[metrics.mcnemar] there are no parts"),
    (lambda: comparison.mcnemar(comparison.PairedCounts(1, -2, 3, 4)), "counts.only_a is out of range; got -2"),
    (lambda: comparison.newcombe_difference(comparison.PairedCounts(0, 0, 0, 0)), "[metrics.newcombe_difference] there are no parts"),
    (lambda: comparison.newcombe_difference(COUNTS, confidence=1), "confidence is out of range; got 1"),
    (lambda: comparison.delong_test(A, NAN, LABELS), "[metrics.delong_test] b must be finite; got NaN at index 5"),
    (lambda: comparison.delong_test(A, B[:9].copy(), LABELS), "a and b differ in length; got 120 and 9"),
    (lambda: comparison.delong_test(A, B, LABELS[:9]), "a and labels differ in length; got 120 and 9"),
    (lambda: comparison.delong_test(A, B, 0 * LABELS), "both classes are needed; got 120 good and 0 defect samples"),
    (lambda: comparison.delong_test(A[::-1], B, LABELS), "a is not contiguous"),
    (lambda: comparison.delong_test(A, B, LABELS, confidence=0), "confidence is out of range; got 0"),
    (lambda: comparison.paired_permutation_test(NAN, B), "[metrics.paired_permutation_test] a must be finite; got NaN at index 5"),
    (lambda: comparison.paired_permutation_test(np.where(LABELS, np.inf, A), B), "a must be finite; got"),
    (lambda: comparison.paired_permutation_test([], []), "a is empty"),
    (lambda: comparison.paired_permutation_test(A, B, groups=[]), "groups is empty; expected one for each sample, or None"),
    (lambda: comparison.paired_permutation_test(A, B, groups=[1, 2]), "groups must be one for each sample; got 2 for 120 samples"),
    (lambda: comparison.paired_permutation_test(A, B, groups=A), "groups has dtype float64; expected integers"),
    (lambda: comparison.paired_permutation_test(A, B, alternative="bigger"), "alternative is not known; got 'bigger'"),
    (lambda: comparison.paired_permutation_test(A, B, exact_up_to=50), "exact_up_to is out of range; got 50"),
    (lambda: comparison.permutation_test(5, lambda swapped: np.nan), "[metrics.permutation_test] statistic must be finite; got NaN"),
    (lambda: comparison.permutation_test(5, lambda swapped: [1]), "statistic must return a real number; got [1]"),
    (lambda: comparison.permutation_test(0, lambda swapped: 1.0), "n must be at least 1; got 0"),
    (lambda: comparison.permutation_test(5, lambda swapped: 1.0, permutations=0), "permutations must be at least 1; got 0"),
    (lambda: comparison.cohen_kappa([0, 1], [0]), "[metrics.cohen_kappa] a and b differ in length; got 2 and 1"),
    (lambda: comparison.cohen_kappa([0, -1], [0, 1]), "a is out of range; got -1 at index 1"),
    (lambda: comparison.cohen_kappa([1, 1], [1, 1]), "every rating is the same class; kappa is 0 / 0"),
    (lambda: comparison.cohen_kappa([0], [1]), "at least 2 items are needed; got 1"),
    (lambda: comparison.cohen_kappa([0, 1], [0, 1], weights="cubic"), "weights is not known; got 'cubic'"),
    (lambda: comparison.cohen_kappa([0, 1], [0, 1], confidence=2), "confidence is out of range; got 2"),
    (lambda: comparison.cohen_kappa([0.5, 1], [0, 1]), "a has dtype float64; expected integers"),
    (lambda: comparison.fleiss_kappa(RATINGS[:, 0].copy()), "ratings must have 2 dimensions; got shape (60,)"),
    (lambda: comparison.fleiss_kappa(RATINGS[:, :1].copy()), "raters must be at least 2; got 1"),
    (lambda: comparison.fleiss_kappa(RATINGS[:, :2]), "ratings is not contiguous"),
    (lambda: comparison.fleiss_kappa(RATINGS, classes=2), "ratings is out of range; got"),
]


@pytest.mark.parametrize("call, part", BAD_INPUT, ids=[part for _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, part):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert part in str(caught.value)
