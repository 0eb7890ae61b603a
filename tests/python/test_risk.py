"""oddity.metrics.risk against SciPy, MAPIE's stated numbers and definitions in numpy."""

import math

import numpy as np
import pytest

from oddity.metrics import intervals, risk

RANDOM = np.random.default_rng(5)
N, SETTINGS = 400, 21
UNIFORM = RANDOM.random((N, 1))
BINARY = (UNIFORM < np.linspace(0.4, 0, SETTINGS)).astype(np.float64)  # falls from the first to the last column
FRACTIONAL = BINARY * RANDOM.random((N, 1))
BOUNDS = ["hoeffding", "hoeffding_bentkus", "empirical_bernstein", "betting", "binomial"]
SCORES = np.concatenate([RANDOM.normal(3, 1, 400), RANDOM.normal(0, 1, 600)])
LABELS = np.repeat([1, 0], [400, 600])


def log_capital(losses, r, delta, seed=0):
    """max_i log K_i(r) by its definition."""
    x = losses[risk.betting_order(len(losses), seed=seed)]
    i = np.arange(1, len(x) + 1)
    mean = (0.5 + np.cumsum(x)) / (i + 1)
    variance = np.append(0.25, ((0.25 + np.cumsum((x - mean) ** 2)) / (i + 1))[:-1])
    bets = np.minimum(1, np.sqrt(2 * math.log(1 / delta) / (len(x) * variance)))
    return np.cumsum(np.log1p(-bets * (x - r))).max()


def test_betting_is_its_definition():
    optimize = pytest.importorskip("scipy.optimize")
    upper = risk.mean_upper_bounds(FRACTIONAL, confidence=0.9, seed=3)
    p_values = risk.mean_p_values(FRACTIONAL, limit=0.1, confidence=0.9, seed=3)
    assert upper.n == N and upper.means == pytest.approx(FRACTIONAL.mean(0), abs=1e-15)
    for column in range(SETTINGS):
        losses = FRACTIONAL[:, column]
        expected = optimize.brentq(lambda r: log_capital(losses, r, 0.1, 3) - math.log(10), 1e-12, 1)  # noqa: B023
        assert upper.upper[column] == pytest.approx(max(expected, losses.mean()), abs=5e-12)
        p = 1 if losses.mean() >= 0.1 else min(1, math.exp(-log_capital(losses, 0.1, 0.1, 3)))
        assert p_values[column] == pytest.approx(p, rel=1e-9)
        alone = risk.mean_upper_bound(losses.copy(), confidence=0.9, seed=3)
        assert (alone.upper, alone.mean, alone.n) == (pytest.approx(upper.upper[column], abs=2e-12), upper.means[column], N)


def test_other_bounds_are_their_formulas():
    stats = pytest.importorskip("scipy.stats")
    delta = 0.1
    for column in range(SETTINGS):
        losses = BINARY[:, column].copy()
        k, mean = int(losses.sum()), losses.mean()

        def upper(bound, losses=losses):
            return risk.mean_upper_bound(losses, bound=bound, confidence=1 - delta).upper

        assert upper("binomial") == pytest.approx(stats.beta.ppf(1 - delta, k + 1, N - k), rel=1e-11)
        assert upper("hoeffding") == pytest.approx(mean + math.sqrt(math.log(1 / delta) / (2 * N)), rel=1e-12)
        bernstein = mean + math.sqrt(2 * losses.var(ddof=1) * math.log(2 / delta) / N) + 7 * math.log(2 / delta) / (3 * (N - 1))
        assert upper("empirical_bernstein") == pytest.approx(bernstein, rel=1e-12)
        for bound in ("hoeffding", "hoeffding_bentkus", "empirical_bernstein", "binomial"):
            p = risk.mean_p_value(losses, limit=upper(bound), bound=bound)
            assert p == pytest.approx(delta, rel=1e-9)
        assert risk.mean_p_value(losses, limit=0.2, bound="binomial") == pytest.approx(stats.binom.cdf(k, N, 0.2), rel=1e-11)


def test_hoeffding_bentkus_has_the_numbers_of_mapie():
    # MAPIE 1.6.0 compute_hoeffding_bentkus_p_value(np.array([mean]), n, limit)
    for mean, n, limit, p in [(0.0, 100, 0.05, 0.005920529220334054), (0.08, 1000, 0.1, 0.047873223411874846), (0.33, 57, 0.5, 0.022219376876999035)]:
        assert risk.mean_p_value(np.full(n, mean), limit=limit, bound="hoeffding_bentkus") == pytest.approx(p, rel=1e-10)


def test_crc_is_its_definition():
    for limit in (0.03, 0.1, 0.25):
        result = risk.crc(BINARY, limit=limit)
        bounds = (BINARY.sum(0) + 1) / (N + 1)
        assert result.bounds == pytest.approx(bounds, abs=1e-15)
        assert result.index == int(np.argmax(bounds <= limit))
        assert risk.crc(np.ascontiguousarray(BINARY[:, ::-1]), limit=limit, safest="first").index == SETTINGS - 1 - result.index
    few = risk.crc(BINARY[:8], limit=0.1)
    assert few.index is None and few.n_needed == 9 and few.n == 8
    # 28 + 1 of 100 is exactly 0.29, which 100 * 0.29 in floating point is not.
    assert risk.crc((np.arange(99)[:, None] < [29, 28]).astype(np.float32), limit=0.29).index == 1


@pytest.mark.parametrize("bound", BOUNDS)
def test_rcps_walks_from_the_safest(bound):
    losses = BINARY if bound == "binomial" else FRACTIONAL
    result = risk.rcps(losses, limit=0.1, bound=bound, confidence=0.9)
    assert (result.bounds == risk.mean_upper_bounds(losses, bound=bound, confidence=0.9).upper).all()
    assert result.risks == pytest.approx(losses.mean(0), abs=1e-15)
    above = np.flatnonzero(result.bounds > 0.1)
    assert result.index == above[-1] + 1
    scaled = risk.rcps(losses * 5, limit=0.5, bound=bound, confidence=0.9, maximum=5)
    assert scaled.index == result.index and scaled.bounds == pytest.approx(5 * result.bounds, rel=1e-9)
    none = risk.rcps(losses[:5], limit=0.01, bound=bound)
    assert none.index is None and none.n_needed == risk.lossless_samples_needed(0.01, bound=bound)


def rejections(p_values, level, method):
    """By definition; the numbers of statsmodels are in tests/metrics/risk_control_test.cpp."""
    if method == "bonferroni":
        return p_values <= level / len(p_values)
    order = np.argsort(p_values)
    passed = p_values[order] <= level / np.arange(len(p_values), 0, -1)
    rejected = np.zeros(len(p_values), bool)
    rejected[order[: len(passed) if passed.all() else np.argmin(passed)]] = True
    return rejected


def test_ltt_and_family_wise_rejections():
    p_values = RANDOM.random(50) ** 6
    assert rejections(p_values, 0.1, "holm").sum() > rejections(p_values, 0.1, "bonferroni").sum() > 3
    for method in ("bonferroni", "holm"):
        assert (risk.family_wise_rejections(p_values, level=0.1, method=method) == rejections(p_values, 0.1, method)).all()
        result = risk.ltt(BINARY, limit=0.2, method=method, bound="binomial", confidence=0.9)
        assert result.certified.dtype == bool
        assert (result.certified == rejections(result.p_values, 1 - 0.9, method)).all()
        assert result.index == np.flatnonzero(result.certified)[0]


def test_ltt_fixed_sequences_and_costs():
    assert risk.family_wise_rejections([0.01, 0.04, 0.06, 0.001], level=0.05, method="fixed_sequence").tolist() == [True, True, False, False]
    assert risk.family_wise_rejections([0.01, 0.04, 0.06, 0.001], level=0.05, method="fixed_sequence", starts=2).tolist() == [True, False, False, False]
    result = risk.ltt(BINARY, limit=0.2, bound="binomial")
    assert result.index == risk.rcps(BINARY, limit=0.2, bound="binomial").index == np.flatnonzero(result.certified)[0]
    assert result.p_values == pytest.approx(risk.mean_p_values(BINARY, limit=0.2, bound="binomial"), rel=1e-12)
    costs = np.arange(SETTINGS) % 4 * 1.0
    cheapest = risk.ltt(BINARY, costs, limit=0.2, bound="binomial")
    assert cheapest.index == max(i for i in np.flatnonzero(result.certified) if costs[i] == 0)
    assert risk.ltt(BINARY, limit=0.2, bound="binomial", starts=3).n_needed == risk.lossless_samples_needed(0.2, bound="binomial", confidence=1 - 0.05 / 3)


def test_certified_threshold_is_the_exact_order_statistic():
    stats = pytest.importorskip("scipy.stats")
    result = risk.certified_threshold(SCORES, LABELS, max_escape=0.03, confidence=0.9)
    counts = np.arange(400)
    k = int(counts[stats.binom.cdf(counts, 400, 0.03) <= 0.1].max())
    defects, good = np.sort(SCORES[:400]), SCORES[400:]
    assert result.certified and result.allowed_escapes == k
    assert max(SCORES[defects[k] > SCORES]) <= result.threshold < defects[k] and result.threshold == np.float32(result.threshold)
    assert result.escape.value == k / 400 and result.escape_bound == pytest.approx(stats.beta.ppf(0.9, k + 1, 400 - k), rel=1e-10)
    assert (result.escape.low, result.escape.high) == pytest.approx(stats.beta.ppf([0.05, 0.95], k + 1, 400 - k), rel=1e-10)
    overkills = int((good > result.threshold).sum())
    expected = intervals.clopper_pearson(overkills, 600, confidence=0.9)
    assert (result.overkill.value, result.overkill.low, result.overkill.high) == (overkills / 600, expected.low, expected.high)
    assert (result.n_defect, result.n_good) == (400, 600)


def test_certified_threshold_says_what_is_missing():
    few = risk.certified_threshold(SCORES[102:], LABELS[102:], max_escape=0.01)
    assert not few.certified and few.n_defect == 298 and few.defects_needed == 299 and few.threshold == -math.inf
    assert few.overkill.value == 1 and few.escape.value == 0
    assert risk.certified_threshold(SCORES[101:], LABELS[101:], max_escape=0.01).certified
    both = risk.certified_threshold(SCORES, LABELS, max_escape=0.05, max_overkill=0.01)
    assert both.escape_certified and not both.certified and both.overkill_bound > 0.01 and both.good_needed == 368
    half = risk.certified_threshold(SCORES, LABELS, max_escape=0.05, confidence=0.975)
    assert both.threshold == half.threshold and both.escape_bound == half.escape_bound


def test_certified_threshold_counts_groups_by_their_worst_sample():
    groups = np.tile(np.arange(200), 5)
    worst = [SCORES[:400][groups[:400] == g].min() for g in range(200)] + [SCORES[400:][groups[400:] == g].max() for g in range(200)]
    result = risk.certified_threshold(SCORES, LABELS, groups=groups, max_escape=0.05)
    expected = risk.certified_threshold(np.array(worst), np.repeat([1, 0], 200), max_escape=0.05)
    assert result == expected and result.n_defect == 200


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_torch_tensors_and_lists_are_read(dtype):
    torch = pytest.importorskip("torch")
    scores, losses = SCORES.astype(dtype), FRACTIONAL.astype(dtype)
    ours = risk.certified_threshold(scores, LABELS, max_escape=0.03)
    assert ours == risk.certified_threshold(torch.tensor(scores), torch.tensor(LABELS), max_escape=0.03)
    assert ours == risk.certified_threshold(scores, LABELS.tolist(), max_escape=0.03)
    if dtype == np.float64:
        assert ours == risk.certified_threshold(scores.tolist(), LABELS.tolist(), max_escape=0.03)
    assert np.dtype(dtype).type(ours.threshold) == ours.threshold < np.sort(scores[:400])[ours.allowed_escapes]
    for call in (risk.rcps, risk.crc, risk.ltt):
        a, b = call(losses, limit=0.1), call(torch.tensor(losses), limit=0.1)
        assert a.index == b.index and (a.risks == b.risks).all()
        assert a.index == call(FRACTIONAL, limit=0.1).index
    assert (risk.mean_upper_bounds(torch.tensor(losses)).upper == risk.mean_upper_bounds(losses).upper).all()
    assert risk.mean_upper_bound(torch.tensor(losses[:, 0])) == risk.mean_upper_bound(losses[:, 0].copy())
    assert risk.mean_upper_bound([0, 1, 0], bound="binomial").n == 3


NAN = FRACTIONAL.copy()
NAN[3, 2] = np.nan
TABLES = {"crc": risk.crc, "rcps": risk.rcps, "ltt": risk.ltt, "mean_p_values": risk.mean_p_values,
          "mean_upper_bounds": lambda losses, limit, **options: risk.mean_upper_bounds(losses, **options)}  # fmt: skip
BAD_TABLES = [
    (NAN, ValueError, "losses must be finite; got NaN at index 65"),
    (np.where(FRACTIONAL > 0, np.inf, 0), ValueError, "losses must be finite; got"),
    (FRACTIONAL[:0], ValueError, "losses is empty; got 0 x 21"),
    (FRACTIONAL[:, ::2], ValueError, "losses is not contiguous; got strides (168, 16) bytes"),
    (FRACTIONAL[:, 0].copy(), ValueError, "losses must have 2 dimensions; got shape (400,)"),
    (BINARY.astype(bool), TypeError, "losses has dtype bool; expected float32 or float64"),
    (FRACTIONAL - 0.5, ValueError, "losses must be in [0, maximum]; got -0."),
    (BINARY * 2, ValueError, "losses must be in [0, maximum]; got 2 in row "),
    ("losses", TypeError, "losses must be a numpy array, a CPU torch tensor or a list; got str"),
]


@pytest.mark.parametrize("name", TABLES)
def test_bad_tables_are_refused_with_a_message(name):
    for losses, kind, part in BAD_TABLES:
        with pytest.raises(kind) as caught:
            TABLES[name](losses, limit=0.1)
        assert f"[metrics.{name}] {part}" in str(caught.value)


BAD_INPUT = [
    (lambda: risk.mean_upper_bound(NAN[3].copy()), ValueError, "[metrics.mean_upper_bound] losses must be finite; got NaN at index 2"),
    (lambda: risk.mean_upper_bound([]), ValueError, "losses is empty"),
    (lambda: risk.mean_upper_bound(FRACTIONAL), ValueError, "losses must have 1 dimension; got shape (400, 21)"),
    (lambda: risk.mean_upper_bound(FRACTIONAL[:, 0]), ValueError, "losses is not contiguous"),
    (lambda: risk.mean_upper_bound([0, 2]), ValueError, "losses must be in [0, maximum]; got 2 in row 1 column 0; expected values in [0, 1]"),
    (lambda: risk.mean_upper_bound([0, 0.5], bound="binomial"), ValueError, "losses must be 0 or maximum for the bound binomial; got 0.5"),
    (lambda: risk.mean_upper_bound([0, 1], bound="wsr"), ValueError, "bound is not known; got 'wsr'; expected one of 'hoeffding', 'hoeffding_bentkus'"),
    (lambda: risk.mean_upper_bound([0, 1], confidence=1), ValueError, "confidence is out of range; got 1"),
    (lambda: risk.mean_upper_bound([0, 1], confidence="high"), TypeError, "confidence must be a real number; got 'high'"),
    (lambda: risk.mean_upper_bound([0, 1], maximum=0), ValueError, "maximum must be positive and finite; got 0"),
    (lambda: risk.mean_upper_bound([0, 1], seed=-1), ValueError, "seed is out of range; got -1"),
    (lambda: risk.mean_p_value([], limit=0.1), ValueError, "[metrics.mean_p_value] losses is empty"),
    (lambda: risk.mean_p_value([0, np.inf], limit=0.1), ValueError, "losses must be finite; got infinity at index 1"),
    (lambda: risk.mean_p_value(np.zeros(3, int), limit=0.1), TypeError, "losses has dtype int64; expected float32 or float64"),
    (lambda: risk.mean_p_value([0, 1], limit=1), ValueError, "limit is out of range; got 1; expected a value above 0"),
    (lambda: risk.mean_p_value([0, 1], limit=np.nan), ValueError, "limit is out of range; got nan"),
    (lambda: risk.crc(FRACTIONAL, limit=0), ValueError, "[metrics.crc] limit is out of range; got 0"),
    (lambda: risk.crc(FRACTIONAL, limit=0.1, safest="first"), ValueError, "[metrics.crc] losses must not rise towards the safest setting; got"),
    (lambda: risk.crc(FRACTIONAL, limit=0.1, safest="left"), ValueError, "safest is not known; got 'left'; expected one of 'last', 'first'"),
    (lambda: risk.rcps(FRACTIONAL, limit=1.5), ValueError, "[metrics.rcps] limit is out of range; got 1.5"),
    (lambda: risk.rcps(FRACTIONAL, limit=0.1, confidence=0), ValueError, "[metrics.rcps] confidence is out of range; got 0"),
    (lambda: risk.ltt(FRACTIONAL, limit=-1), ValueError, "[metrics.ltt] limit is out of range; got -1"),
    (lambda: risk.ltt(FRACTIONAL, np.zeros(3), limit=0.1), ValueError, "[metrics.ltt] costs and settings differ in length; got 3 and 21"),
    (lambda: risk.ltt(FRACTIONAL, NAN[3].copy(), limit=0.1), ValueError, "[metrics.ltt] costs must be finite; got NaN at index 2"),
    (lambda: risk.ltt(FRACTIONAL, limit=0.1, starts=22), ValueError, "starts is out of range; got 22; expected 1 to 21"),
    (lambda: risk.ltt(FRACTIONAL, limit=0.1, method="none"), ValueError, "method is not known; got 'none'; expected one of 'bonferroni', 'holm', 'fixed_sequence'"),
    (lambda: risk.family_wise_rejections([]), ValueError, "[metrics.family_wise_rejections] p_values is empty"),
    (lambda: risk.family_wise_rejections([0.1, np.nan]), ValueError, "p_values must be in [0, 1]; got nan at index 1"),
    (lambda: risk.family_wise_rejections([0.1, 1.1]), ValueError, "p_values must be in [0, 1]; got 1.1"),
    (lambda: risk.family_wise_rejections(np.zeros(8)[::2]), ValueError, "p_values is not contiguous"),
    (lambda: risk.family_wise_rejections(np.zeros(2, int)), TypeError, "p_values has dtype int64"),
    (lambda: risk.family_wise_rejections([0.1], level=1), ValueError, "level is out of range; got 1"),
    (lambda: risk.lossless_samples_needed(0), ValueError, "[metrics.lossless_samples_needed] limit is out of range; got 0"),
    (lambda: risk.lossless_samples_needed(0.1, confidence=np.nan), ValueError, "confidence is out of range; got nan"),
    (lambda: risk.betting_order(-1), ValueError, "[metrics.betting_order] n is out of range; got -1"),
    (lambda: risk.certified_threshold([], [], max_escape=0.1), ValueError, "[metrics.certified_threshold] scores is empty"),
    (lambda: risk.certified_threshold([1, np.nan], [0, 1], max_escape=0.1), ValueError, "scores must be finite; got NaN at index 1"),
    (lambda: risk.certified_threshold([1, np.inf], [0, 1], max_escape=0.1), ValueError, "scores must be finite; got infinity at index 1"),
    (lambda: risk.certified_threshold([1, 2], [0, 0], max_escape=0.1), ValueError, "there is no defect among the labels; expected both classes"),
    (lambda: risk.certified_threshold([1, 2], [1, 1], max_escape=0.1), ValueError, "there is no good part among the labels; expected both classes"),
    (lambda: risk.certified_threshold([1, 2], [0, 2], max_escape=0.1), ValueError, "labels must be 0 (good) or 1 (defect); got 2 at index 1"),
    (lambda: risk.certified_threshold(SCORES, LABELS[1:], max_escape=0.1), ValueError, "scores and labels differ in length; got 1000 and 999"),
    (lambda: risk.certified_threshold(SCORES, LABELS, groups=LABELS[1:], max_escape=0.1), ValueError, "scores and groups differ in length; got 1000 and 999"),
    (lambda: risk.certified_threshold(SCORES[::2], LABELS[::2].copy(), max_escape=0.1), ValueError, "scores is not contiguous"),
    (lambda: risk.certified_threshold(LABELS, LABELS, max_escape=0.1), TypeError, "scores has dtype int64; expected float32 or float64"),
    (lambda: risk.certified_threshold(SCORES, SCORES, max_escape=0.1), TypeError, "labels has dtype float64; expected bool or integers"),
    (lambda: risk.certified_threshold(SCORES, LABELS, groups=SCORES, max_escape=0.1), TypeError, "groups has dtype float64; expected integers"),
    (lambda: risk.certified_threshold(SCORES, LABELS, max_escape=0), ValueError, "max_escape is out of range; got 0; expected a value in (0, 1)"),
    (lambda: risk.certified_threshold(SCORES, LABELS, max_escape=0.1, max_overkill=1), ValueError, "max_overkill is out of range; got 1"),
    (lambda: risk.certified_threshold(SCORES, LABELS, max_escape=0.1, confidence=1), ValueError, "confidence is out of range; got 1"),
]


@pytest.mark.parametrize("call, kind, part", BAD_INPUT, ids=[part for _, _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, kind, part):
    with pytest.raises(kind) as caught:
        call()
    assert part in str(caught.value)
