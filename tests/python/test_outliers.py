"""oddity.metrics.outliers against SciPy, definitions and closed forms."""

import math

import numpy as np
import pytest

from oddity.metrics import outliers

RANDOM = np.random.default_rng(3)
CALIBRATION = RANDOM.normal(size=400).round(1)  # ties
SCORES = RANDOM.normal(0.5, size=300).round(1)
P_VALUES = np.concatenate([RANDOM.random(150), RANDOM.random(50) ** 6])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_marginal_and_smoothed_follow_their_definitions(dtype):
    calibration, scores = CALIBRATION.astype(dtype), SCORES.astype(dtype)
    greater = (calibration > scores[:, None]).sum(axis=1)
    equal = (calibration == scores[:, None]).sum(axis=1)
    marginal = outliers.outlier_p_values(calibration, scores)
    assert (marginal.values == (1 + greater + equal) / 401).all()
    assert marginal.n == 400 and marginal.smallest == 1 / 401
    smoothed = outliers.outlier_p_values(calibration, scores, kind="smoothed", seed=4).values
    assert (smoothed > greater / 401).all() and (smoothed <= marginal.values).all()
    piece = outliers.outlier_p_values(calibration, scores[100:], kind="smoothed", seed=4, first_index=100).values
    assert (piece == smoothed[100:]).all()
    assert (smoothed != outliers.outlier_p_values(calibration, scores, kind="smoothed", seed=5).values).any()


@pytest.mark.parametrize("kind", ["marginal", "simes", "dkwm"])
def test_p_values_are_among_the_possible_ones(kind):
    possible = outliers.possible_p_values(400, kind=kind, delta=0.05)
    at_least = (CALIBRATION >= SCORES[:, None]).sum(axis=1)
    result = outliers.outlier_p_values(CALIBRATION, SCORES, kind=kind, delta=0.05)
    assert (result.values == possible[at_least]).all() and result.smallest == possible[0]


def test_conditional_p_values_by_their_formulas():
    n, delta, h = 11, 0.2, 5
    i = np.arange(n, 0, -1)
    ratio = np.array([math.prod(k - j for j in range(h)) if k >= h else 0 for k in i]) / math.prod(n - j for j in range(h))
    assert outliers.possible_p_values(n, kind="simes", delta=delta) == pytest.approx(np.append(1 - (delta * ratio) ** (1 / h), 1), abs=1e-13)
    margin = math.sqrt(math.log(2 / delta) / (2 * n))
    assert outliers.possible_p_values(n, kind="dkwm", delta=delta) == pytest.approx(np.append(np.minimum(1, np.arange(1, n + 1) / n + margin), 1), abs=1e-15)


def test_the_size_needed_finds_and_one_less_does_not():
    assert outliers.calibration_size_needed(1000, 1, level=0.1) == 9999
    assert outliers.calibration_size_needed(57, 1, level=0.57) == 99
    for kind in ("marginal", "simes", "dkwm"):
        needed = outliers.calibration_size_needed(20, 2, level=0.2, kind=kind, delta=0.3)
        scores = np.repeat([-1.0, 1.0], [18, 2])
        for n, found in ((needed, 2), (needed - 1, 0)):
            p_values = outliers.outlier_p_values(np.zeros(n), scores, kind=kind, delta=0.3).values
            assert outliers.benjamini_hochberg(p_values, level=0.2).count == found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adjusted_p_values_are_those_of_scipy(dtype):
    stats = pytest.importorskip("scipy.stats")
    p_values = P_VALUES.astype(dtype)
    for ours, method in ((outliers.benjamini_hochberg, "bh"), (outliers.benjamini_yekutieli, "by")):
        theirs = stats.false_discovery_control(p_values.astype(np.float64), method=method)
        result = ours(p_values, level=0.07)
        assert result.adjusted == pytest.approx(theirs, rel=1e-14)
        assert result.rejected.dtype == bool and (result.rejected == (theirs <= 0.07)).all()
        assert result.count == result.rejected.sum() and result.n == 200 and result.level == 0.07 and result.null_share == 1
        assert result.threshold == (p_values[result.rejected].max() if result.count else 0)


def test_storey_is_a_scaled_benjamini_hochberg():
    result = outliers.storey(P_VALUES, level=0.1, lambda_=0.4)
    share = (1 + (P_VALUES >= 0.4).sum()) / (200 * 0.6)
    assert result.null_share == pytest.approx(share, rel=1e-15)
    stats = pytest.importorskip("scipy.stats")
    order = np.sort(P_VALUES)
    scaled = np.minimum.accumulate((order * share * 200 / np.arange(1, 201))[::-1])[::-1]
    assert np.sort(result.adjusted) == pytest.approx(np.minimum(scaled, 1), rel=1e-13)
    assert result.count >= outliers.benjamini_hochberg(P_VALUES, level=0.1).count == (stats.false_discovery_control(P_VALUES) <= 0.1).sum()


def test_a_level_that_is_hit_exactly_rejects():
    p_values = np.append(np.full(9, 9 * 27 / 10_000), np.ones(91))  # n p / 9 = 0.27
    result = outliers.benjamini_hochberg(p_values, level=0.27)
    assert result.count == 9 and result.adjusted[0] == 0.27


def test_bounds_of_all_thresholds_and_of_one_selection():
    bounds = outliers.false_discovery_bounds([0.9, 0.01, 0.02], delta=0.1)
    assert bounds.p_values.tolist() == [0.01, 0.02, 0.9] and bounds.false_discoveries.tolist() == [0, 0, 1]
    assert (bounds.n, bounds.null_count, bounds.delta) == (3, 1, 0.1)
    whole = outliers.false_discovery_bounds(P_VALUES, delta=0.2)
    for threshold in (0.001, 0.05, 0.5, 1):
        one = outliers.false_discovery_bound(P_VALUES, P_VALUES <= threshold, delta=0.2)
        assert one.selected == (P_VALUES <= threshold).sum()
        assert one.false_discoveries == whole.false_discoveries[one.selected - 1] and one.proportion == one.false_discoveries / one.selected
    nothing = outliers.false_discovery_bound(P_VALUES, np.zeros(200, int))
    assert (nothing.selected, nothing.false_discoveries, nothing.proportion) == (0, 0, 0)


def test_torch_tensors_and_lists_are_read():
    torch = pytest.importorskip("torch")
    ours = outliers.outlier_p_values(torch.tensor(CALIBRATION), torch.tensor(SCORES)).values
    assert (ours == outliers.outlier_p_values(CALIBRATION, SCORES).values).all()
    adjusted = outliers.benjamini_hochberg(torch.tensor(P_VALUES)).adjusted
    assert (adjusted == outliers.benjamini_hochberg(P_VALUES).adjusted).all()
    assert outliers.outlier_p_values([1, 2, 3], [2]).values.tolist() == [0.75]
    assert outliers.outlier_p_values([1.0], []).values.tolist() == []


NAN = P_VALUES.copy()
NAN[7] = np.nan
BAD_INPUT = [
    (lambda: outliers.outlier_p_values([], SCORES), ValueError, "[metrics.outlier_p_values] calibration is empty"),
    (lambda: outliers.outlier_p_values(CALIBRATION, NAN), ValueError, "scores must be finite; got NaN at index 7"),
    (lambda: outliers.outlier_p_values(np.full(3, np.inf), SCORES), ValueError, "calibration must be finite; got"),
    (lambda: outliers.outlier_p_values(CALIBRATION[::2], SCORES), ValueError, "calibration is not contiguous"),
    (lambda: outliers.outlier_p_values(CALIBRATION.astype(int), SCORES), TypeError, "calibration has dtype int64; expected float32 or float64"),
    (lambda: outliers.outlier_p_values(CALIBRATION, SCORES.reshape(10, 30)), ValueError, "scores must have 1 dimension; got shape (10, 30)"),
    (lambda: outliers.outlier_p_values(CALIBRATION, SCORES, kind="exact"), ValueError, "kind is not known; got 'exact'; expected one of 'marginal'"),
    (lambda: outliers.outlier_p_values(CALIBRATION, SCORES, kind="simes", delta=1), ValueError, "delta is out of range; got 1"),
    (lambda: outliers.outlier_p_values(CALIBRATION, SCORES, seed=-1), ValueError, "seed is out of range; got -1"),
    (lambda: outliers.outlier_p_values(CALIBRATION, SCORES, first_index=1.5), TypeError, "first_index must be an integer; got 1.5"),
    (lambda: outliers.possible_p_values(0), ValueError, "[metrics.possible_p_values] n is out of range; got 0"),
    (lambda: outliers.possible_p_values(5, kind="dkwm", delta=np.nan), ValueError, "delta is out of range; got nan"),
    (lambda: outliers.calibration_size_needed(10, 11), ValueError, "discoveries is out of range; got 11 of 10 tested parts"),
    (lambda: outliers.calibration_size_needed(10, 0), ValueError, "discoveries is out of range; got 0"),
    (lambda: outliers.calibration_size_needed(10, 1, level=0), ValueError, "level is out of range; got 0"),
    (lambda: outliers.benjamini_hochberg([]), ValueError, "[metrics.benjamini_hochberg] p_values is empty"),
    (lambda: outliers.benjamini_hochberg(NAN), ValueError, "p_values are out of range; got nan at index 7; expected values in [0, 1]"),
    (lambda: outliers.benjamini_hochberg(P_VALUES, level=1.0), ValueError, "level is out of range; got 1"),
    (lambda: outliers.benjamini_hochberg(P_VALUES, level="low"), TypeError, "level must be a real number; got 'low'"),
    (lambda: outliers.benjamini_yekutieli(-P_VALUES), ValueError, "[metrics.benjamini_yekutieli] p_values are out of range"),
    (lambda: outliers.benjamini_yekutieli(P_VALUES > 0), TypeError, "p_values has dtype bool"),
    (lambda: outliers.storey(P_VALUES, lambda_=0), ValueError, "[metrics.storey] lambda is out of range; got 0"),
    (lambda: outliers.storey(P_VALUES[::3]), ValueError, "p_values is not contiguous"),
    (lambda: outliers.false_discovery_bounds(P_VALUES * np.inf), ValueError, "p_values are out of range; got inf"),
    (lambda: outliers.false_discovery_bounds(P_VALUES, delta=-1), ValueError, "delta is out of range; got -1"),
    (lambda: outliers.false_discovery_bound(P_VALUES, [1, 0]), ValueError, "p_values and selected differ in length; got 200 and 2"),
    (lambda: outliers.false_discovery_bound(P_VALUES, np.full(200, 3)), ValueError, "selected must be 0"),
    (lambda: outliers.false_discovery_bound(P_VALUES, P_VALUES), TypeError, "selected has dtype float64"),
]


@pytest.mark.parametrize("call, kind, part", BAD_INPUT, ids=[part for _, _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, kind, part):
    with pytest.raises(kind) as caught:
        call()
    assert part in str(caught.value)
