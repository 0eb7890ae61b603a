"""oddity.metrics.projection against SciPy, statsmodels and closed forms."""

import math

import numpy as np
import pytest

from oddity.metrics import intervals, projection

RANDOM = np.random.default_rng(6)
SIZES = np.exp(RANDOM.uniform(-2, 1.5, size=80))
HITS = (RANDOM.random(80) < 1 / (1 + np.exp(-1 - 2.5 * np.log(SIZES)))).astype(np.uint8)
RHO = RANDOM.uniform(0.1, 1, size=500)
ACCEPTED = (RANDOM.random(500) < 0.8).astype(np.uint8)
VERIFIED = (RANDOM.random(500) < RHO).astype(np.uint8)
DEFECTIVE = (RANDOM.random(500) < 0.05 + 0.6 * (1 - ACCEPTED)).astype(np.uint8)


def test_zero_errors():
    assert projection.zero_error_bound(299) == pytest.approx(1 - 0.05 ** (1 / 299), rel=1e-12)
    assert projection.zero_error_bound(0) == 1
    assert projection.zero_error_bound(50, confidence=0.9) == pytest.approx(intervals.clopper_pearson(0, 50, confidence=0.8).high, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slices_by_hand(dtype):
    result = projection.project_rate(np.array([0.5, 0.25, 0.25], dtype), tested=[1000, 100, 0], errors=[2, 3, 0])
    assert result.value == pytest.approx((0.5 * 0.002 + 0.25 * 0.03) / 0.75)
    high = [intervals.clopper_pearson(k, n).high for k, n in ((2, 1000), (3, 100))]
    assert result.upper == pytest.approx(0.5 * high[0] + 0.25 * high[1] + 0.25, rel=1e-12)
    assert result.gamma_upper < result.upper
    assert (result.untested, result.tested, result.errors) == (0.25, 1100, 5)
    assert projection.project_rate([1.0], tested=[300], errors=[0]).gamma_upper == pytest.approx(-math.log(0.05) / 300)
    assert projection.project_rate([1.0], tested=[300], errors=[0], logged=10_000).upper > projection.zero_error_bound(300)
    unseen = projection.unseen_mass_bound(3, 100_000, confidence=0.975)
    assert unseen == pytest.approx(3e-5 + (1 + math.sqrt(2)) * math.sqrt(math.log(80) / 1e5))
    assert projection.project_rate([1.0], tested=[300], errors=[0], unseen=unseen).upper > projection.zero_error_bound(300) + 0.9 * unseen


def test_gamma_bound_is_that_of_fay_and_feuer():
    stats = pytest.importorskip("scipy.stats")
    weights, tested, errors = np.array([0.7, 0.3]), np.array([500, 60]), np.array([2, 3])
    w = weights / tested
    y, v, m = (w * errors).sum(), (w**2 * errors).sum(), w.max()
    expected = (v + m**2) / (2 * (y + m)) * stats.chi2.ppf(0.95, 2 * (y + m) ** 2 / (v + m**2))
    assert projection.project_rate(weights, tested=tested, errors=errors).gamma_upper == pytest.approx(expected, rel=1e-9)


def test_rogan_gladen_and_ppm():
    result = projection.rogan_gladen((600, 20_000), (95, 100), (8, 400))
    assert result.value == pytest.approx((0.03 - 0.02) / (0.95 - 0.02))
    assert result.low == 0 and result.value < result.high < 0.03
    ppm = projection.project_escape_ppm((5, 100), (8, 400), result)
    p, e, o = result.high, intervals.clopper_pearson(5, 100, confidence=0.975).high, intervals.clopper_pearson(8, 400, confidence=0.975).high
    assert ppm.high == pytest.approx(1e6 * p * e / (p * e + (1 - p) * (1 - o)))
    assert ppm.low == 0 and projection.project_escape_ppm((5, 100), (8, 400), 0.01).low > 0


def test_outgoing_quality_is_binomial():
    stats = pytest.importorskip("scipy.stats")
    result = projection.outgoing_quality(0.02, lot=1000, sample=80, allowed=2)
    passes = stats.binom.cdf(2, 80, 0.02)
    assert (result.accepted, result.outgoing, result.total_inspected) == pytest.approx((passes, passes * 0.02 * 0.92, 80 + (1 - passes) * 920))


def test_verified_quality_by_definition():
    result = projection.verified_quality(RHO, ACCEPTED, VERIFIED, DEFECTIVE)
    weight = VERIFIED / RHO
    escapes, caught = (weight * DEFECTIVE * ACCEPTED).sum(), (weight * DEFECTIVE * (1 - ACCEPTED)).sum()
    assert result.escapes.value == pytest.approx(escapes)
    assert result.escape_rate.value == pytest.approx(escapes / (escapes + caught))
    assert result.escape_share.value == pytest.approx(escapes / ACCEPTED.sum())
    assert result.prevalence.value == pytest.approx((escapes + caught) / 500)
    assert result.escape_rate.low < result.escape_rate.value < result.escape_rate.high
    assert result.verified_accepted == (VERIFIED * ACCEPTED).sum() and result.expected_verified == pytest.approx(RHO.sum())
    everything = projection.verified_quality(np.ones(500), ACCEPTED, np.ones(500, bool), DEFECTIVE).escape_rate
    exact = intervals.clopper_pearson(int((ACCEPTED & DEFECTIVE).sum()), int(DEFECTIVE.sum()))
    assert (everything.low, everything.high) == pytest.approx((exact.low, exact.high), rel=1e-10)


def test_verification_design_and_plan():
    eta = RANDOM.random(1000) ** 6
    design = projection.verification_design(eta, 100, floor=0.01)
    rho = design.probabilities
    assert rho.sum() == pytest.approx(100) and rho.min() == 0.01 and design.expected_parts == pytest.approx(100)
    free = (rho > 0.01) & (rho < 1)
    ratio = rho[free] / np.sqrt(eta[free])
    assert ratio == pytest.approx(np.full(free.sum(), ratio[0]))
    assert design.relative_variance == pytest.approx((eta * (1 / rho - 1)).sum() / (eta * 9).sum())
    assert projection.verification_design(eta, 100, floor=0.01, costs=np.full(1000, 2.0)).expected_parts == pytest.approx(50)
    plan = projection.verification_plan(0.02, 0.005, 5000)
    stats = pytest.importorskip("scipy.stats")
    assert stats.binom.cdf(plan.escapes_allowed, plan.parts, 0.02) <= 0.05
    assert plan.power == pytest.approx(stats.binom.cdf(plan.escapes_allowed, plan.parts, 0.005)) and plan.power >= 0.9
    assert plan.check_ratio == plan.parts / 5000


def test_detectability_is_that_of_statsmodels():
    models = pytest.importorskip("statsmodels.api")
    ours = projection.detectability(SIZES, HITS, fit="maximum_likelihood")
    theirs = models.Logit(HITS.astype(float), models.add_constant(np.log(SIZES))).fit(disp=0)  # uint8 would wrap around in its likelihood
    assert (ours.intercept, ours.slope) == pytest.approx(tuple(theirs.params), rel=1e-6)
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-10)
    covariance = np.asarray(theirs.cov_params())
    assert ours.covariance == pytest.approx((covariance[0, 0], covariance[0, 1], covariance[1, 1]), rel=1e-4)
    assert ours.no_trend_p_value == pytest.approx(theirs.llr_pvalue, rel=1e-6)


def test_firth_maximises_the_penalised_likelihood():
    optimize = pytest.importorskip("scipy.optimize")
    x = np.log(SIZES)

    def loss(b):
        t = b[0] + b[1] * x
        p = 1 / (1 + np.exp(-t))
        w = p * (1 - p)
        information = np.array([[w.sum(), (w * x).sum()], [(w * x).sum(), (w * x * x).sum()]])
        return -(HITS * t - np.logaddexp(0, t)).sum() - 0.5 * np.linalg.slogdet(information)[1]

    best = optimize.minimize(loss, [1, 2], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    ours = projection.detectability(SIZES, HITS)
    assert (ours.intercept, ours.slope) == pytest.approx(tuple(best.x), abs=1e-6)
    assert ours.log_likelihood == pytest.approx(-best.fun, abs=1e-9)
    assert ours.a50.low < ours.a50.value < ours.a50.high and ours.a90.value < ours.a90_95 < ours.a90.high
    curve = projection.detection_curve(SIZES, HITS, [ours.a90_95, ours.a50.value], confidence=0.9)
    assert curve.low[0] == pytest.approx(0.9, abs=1e-6) and curve.probability[1] == pytest.approx(0.5)
    wald = projection.detection_curve(SIZES, HITS, np.array([1.0], np.float32), bound="wald")
    assert wald.low[0] < wald.probability[0] < wald.high[0]


def test_torch_tensors_and_lists_are_read():
    assert projection.detectability([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1]).n == 4
    torch = pytest.importorskip("torch")
    assert projection.detectability(torch.tensor(SIZES), torch.tensor(HITS)) == projection.detectability(SIZES, HITS)
    tensors = [torch.tensor(a) for a in (RHO, ACCEPTED, VERIFIED, DEFECTIVE)]
    assert projection.verified_quality(*tensors) == projection.verified_quality(RHO, ACCEPTED, VERIFIED, DEFECTIVE)


def with_value(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


def quality(rho=RHO, accepted=ACCEPTED, verified=VERIFIED, defective=DEFECTIVE, **options):
    return projection.verified_quality(rho, accepted, verified, defective, **options)


BAD_INPUT = [
    (lambda: projection.zero_error_bound(-1), "[metrics.zero_error_bound] n is out of range; got -1"),
    (lambda: projection.zero_error_bound(5, confidence=1.0), "confidence is out of range; got 1"),
    (lambda: projection.project_rate([], tested=[], errors=[]), "[metrics.project_rate] slices is empty"),
    (lambda: projection.project_rate([0.5, 0.4], tested=[1, 1], errors=[0, 0]), "weights must sum to 1; got 0.9"),
    (lambda: projection.project_rate([np.nan, 1], tested=[1, 1], errors=[0, 0]), "weights must be 0 or in [1e-100, 1]; got nan in slice 0"),
    (lambda: projection.project_rate([np.inf, 1], tested=[1, 1], errors=[0, 0]), "weights must be 0 or in [1e-100, 1]; got inf in slice 0"),
    (lambda: projection.project_rate([1.0], tested=[1, 1], errors=[0]), "weights, tested and errors differ in length; got 1, 2 and 1"),
    (lambda: projection.project_rate([1.0], tested=[5], errors=[-1]), "tested and errors must not be negative; got 5 and -1 in slice 0"),
    (lambda: projection.project_rate([1.0], tested=[5], errors=[6]), "slice 0 has more errors than tested parts; got 6 of 5"),
    (lambda: projection.project_rate([1.0], tested=[5.5], errors=[1]), "tested has dtype float64; expected integers"),
    (lambda: projection.project_rate([1.0], tested=[5], errors=[1], unseen=1), "unseen is out of range; got 1; expected a value in [0, 1)"),
    (lambda: projection.project_rate([1.0], tested=[5], errors=[1], logged=1), "logged is too small; got 1"),
    (lambda: projection.project_rate([1.0], tested=[5], errors=[1], logged=9, unseen=0.1), "logged and unseen exclude each other"),
    (lambda: projection.project_rate([1.0], tested=[5], errors=[1], confidence=0), "confidence is out of range; got 0"),
    (lambda: projection.unseen_mass_bound(3, 2), "singletons must be at most n"),
    (lambda: projection.unseen_mass_bound(0, 0), "singletons must be at most n, and n at least 1; got 0 and 0"),
    (lambda: projection.rogan_gladen((1, 10), (2, 10), (2, 10)), "detected must exceed overkill"),
    (lambda: projection.rogan_gladen((1, 0), (2, 10), (1, 10)), "flagged has no trials"),
    (lambda: projection.rogan_gladen(0.1, (2, 10), (1, 10)), "flagged must be a pair (events, trials); got 0.1"),
    (lambda: projection.rogan_gladen((1, 10), (11, 10), (1, 10)), "detected has more events than trials; got 11 of 10"),
    (lambda: projection.rogan_gladen((1, 10), (9, 10), (1, 10), confidence=np.nan), "confidence is out of range; got nan"),
    (lambda: projection.project_escape_ppm((1, 10), (1, 10), 1.5), "[metrics.project_escape_ppm] prevalence is out of range; got 1.5"),
    (lambda: projection.project_escape_ppm((1, 10), (1, 10), projection.PrevalenceEstimate(0.1, 0.2, 0.3)), "prevalence must lie in its interval"),
    (lambda: projection.outgoing_quality(0.1, lot=10, sample=11), "sample must be at most lot"),
    (lambda: projection.outgoing_quality(np.nan, lot=10, sample=5), "prevalence is out of range; got nan"),
    (lambda: quality(rho=with_value(RHO, 3, 0)), "[metrics.verified_quality] probabilities must be in [1e-100, 1]; got 0 at index 3"),
    (lambda: quality(rho=with_value(RHO, 3, np.nan)), "probabilities must be in [1e-100, 1]; got nan at index 3"),
    (lambda: quality(rho=with_value(RHO, 3, np.inf)), "probabilities must be in [1e-100, 1]; got inf at index 3"),
    (lambda: quality(rho=with_value(RHO, 3, 1e-300)), "probabilities must be in [1e-100, 1]; got 1e-300 at index 3"),
    (lambda: quality(accepted=ACCEPTED[:9]), "accepted and probabilities differ in length; got 9 and 500"),
    (lambda: quality(verified=with_value(VERIFIED, 3, 2)), "verified must be 0 or 1; got 2 at index 3"),
    (lambda: quality(defective=DEFECTIVE.astype(np.float64)), "defective has dtype float64"),
    (lambda: quality(rho=np.r_[RHO, RHO][::2]), "probabilities is not contiguous"),
    (lambda: quality(*(a[:0] for a in (RHO, ACCEPTED, VERIFIED, DEFECTIVE))), "probabilities is empty"),
    (lambda: quality(confidence=1), "confidence is out of range; got 1"),
    (lambda: projection.verification_design([0.1, np.nan], 1), "[metrics.verification_design] defect_probabilities must be in [0, 1]; got nan at index 1"),
    (lambda: projection.verification_design([], 1), "defect_probabilities is empty"),
    (lambda: projection.verification_design([0.1, 0.2], 3), "budget is out of range; got 3; expected 0.002 to 2"),
    (lambda: projection.verification_design([0.1, 0.2], 1, floor=0), "floor is out of range; got 0"),
    (lambda: projection.verification_design([0.1, 0.2], 1, costs=[1.0]), "costs and defect_probabilities differ in length; got 1 and 2"),
    (lambda: projection.verification_design([0.1, 0.2], 1, costs=[1.0, 1e308]), "costs must be in [1e-100, 1e100]; got 1e+308 at index 1"),
    (lambda: projection.verification_design(np.array([1, 2]), 1), "defect_probabilities has dtype int64"),
    (lambda: projection.verification_plan(0.01, 0.02, 100), "expected is out of range; got 0.02"),
    (lambda: projection.verification_plan(0.01, 0, 0), "accepted must be at least 1"),
    (lambda: projection.verification_plan(1.0, 0, 10), "limit is out of range; got 1"),
    (lambda: projection.verification_plan(0.01, 0, 10, power=0), "power is out of range; got 0"),
    (lambda: projection.detectability(with_value(SIZES, 3, -1), HITS), "[metrics.detectability] sizes must be above 0; got -1 at index 3"),
    (lambda: projection.detectability(with_value(SIZES, 3, np.nan), HITS), "sizes must be finite; got NaN at index 3"),
    (lambda: projection.detectability(with_value(SIZES, 3, np.inf), HITS), "sizes must be finite; got infinity at index 3"),
    (lambda: projection.detectability(SIZES[:0], HITS[:0]), "sizes is empty"),
    (lambda: projection.detectability(SIZES, HITS[:5]), "sizes and hits differ in length; got 80 and 5"),
    (lambda: projection.detectability(SIZES, np.ones(80, np.uint8)), "hits and misses are needed; got 80 hits and 0 misses"),
    (lambda: projection.detectability(np.ones(80), HITS), "sizes are all the same"),
    (lambda: projection.detectability(SIZES[::2], HITS[:40]), "sizes is not contiguous"),
    (lambda: projection.detectability(SIZES.astype(int) + 1, HITS), "sizes has dtype int64"),
    (lambda: projection.detectability(SIZES, HITS, level=1.0), "level is out of range; got 1"),
    (lambda: projection.detectability(SIZES, HITS, bound_confidence=0.2), "bound_confidence is out of range; got 0.2"),
    (lambda: projection.detectability(SIZES, HITS, fit="probit"), "fit is not known; got 'probit'"),
    (lambda: projection.detectability(SIZES, HITS, bound="exact"), "bound is not known; got 'exact'"),
    (lambda: projection.detectability([0.1, 0.2, 0.3], [0, 1, 1], fit="maximum_likelihood"), "hits and misses are separated by size"),
    (lambda: projection.detection_curve(SIZES, HITS, [0.0]), "[metrics.detection_curve] at must be above 0; got 0 at index 0"),
    (lambda: projection.detection_curve(SIZES, HITS, []), "at is empty"),
]


@pytest.mark.parametrize("call, part", BAD_INPUT, ids=[part for _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, part):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert part in str(caught.value) and str(caught.value).startswith("[metrics.")
