"""oddity.metrics.calibration against scikit-learn, SciPy and closed forms."""

import doctest
import pickle

import numpy as np
import pytest

from oddity.metrics import calibration

RANDOM = np.random.default_rng(4)
SCORES = RANDOM.normal(size=3000)
LABELS = RANDOM.random(3000) < 1 / (1 + np.exp(-1.3 * SCORES + 0.5))
P = 1 / (1 + np.exp(-2 * SCORES))
WEIGHTS = RANDOM.random(3000)
LOGITS = RANDOM.normal(size=(2000, 5)) * 2
CLASSES = np.argmax(LOGITS / 1.7 + RANDOM.gumbel(size=LOGITS.shape), 1)
TABLE = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)


def test_the_example_of_the_module_runs():
    done = doctest.testmod(calibration)
    assert done.attempted > 5 and done.failed == 0


def test_errors_by_hand():
    error = calibration.calibration_error([0.1, 0.3, 0.7, 0.9], [0, 1, 1, 1], bins=2)
    assert error.ece == pytest.approx(0.25) and error.mce == pytest.approx(0.3)
    assert error.squared_debiased == pytest.approx(-0.02) and error.root_debiased == 0
    assert (error.n, error.bins, error.alone) == (4, 2, 0)


def test_certainty_lies_in_the_last_bin_and_counts_are_exact():
    table = calibration.reliability_table([0.0, 0.0, 1.0], [0, 1, 1], bins=4)
    assert table.n.tolist() == [2, 0, 0, 1] and table.high[-1] == 1
    assert np.isnan(table.rate[1]) and (table.rate_low[1], table.rate_high[1]) == (0, 1)
    weighted = calibration.reliability_table([0.5, 0.5], [1, 0], bins=1, weights=[2.0**25, 1])
    assert weighted.weight[0] == 2**25 + 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_confidence_exactly_one_shares_the_last_bin(dtype):
    p, y = np.r_[np.ones(1000), np.full(1000, 0.95)].astype(dtype), np.r_[np.zeros(1000), np.ones(1000)].astype(np.uint8)
    error = calibration.calibration_error(p, y, bins=10)
    truth = abs((1 + float(dtype(0.95))) / 2 - 0.5)  # a bin of its own for 1.0 would give 0.525
    assert (error.ece, error.mce, error.bins) == (pytest.approx(truth, abs=1e-12), pytest.approx(truth, abs=1e-12), 1)
    table = np.stack([p, 1 - p], 1)
    assert calibration.confidence_calibration_error(table, 1 - y.astype(int), bins=10).ece == pytest.approx(truth, abs=1e-12)
    assert calibration.calibration_error(np.ones(5, dtype), np.ones(5, np.uint8)).ece == 0


@pytest.mark.parametrize("binning, strategy", [("equal_width", "uniform"), ("equal_mass", "quantile")])
def test_table_agrees_with_scikit_learn(binning, strategy):
    curve = pytest.importorskip("sklearn.calibration").calibration_curve
    rates, means = curve(LABELS, P, n_bins=10, strategy=strategy)
    table = calibration.reliability_table(P, LABELS, bins=10, binning=binning)
    assert table.rate == pytest.approx(rates, abs=1e-12)
    assert table.mean_probability == pytest.approx(means, abs=1e-12)
    error = calibration.calibration_error(P, LABELS, bins=10, binning=binning)
    assert error.ece == pytest.approx((table.n * np.abs(rates - means)).sum() / 3000, abs=1e-12)


def test_intervals_agree_with_scipy():
    binomtest = pytest.importorskip("scipy.stats").binomtest
    for name, method in (("clopper_pearson", "exact"), ("wilson", "wilson")):
        table = calibration.reliability_table(P, LABELS, bins=5, confidence=0.9, interval=name)
        for n, events, low, high in zip(table.n, table.events, table.rate_low, table.rate_high, strict=True):
            theirs = binomtest(int(events), int(n)).proportion_ci(0.9, method=method)
            assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-10)


def test_proper_scores_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    for weights in (None, WEIGHTS):
        brier = calibration.brier_score(P, LABELS, weights=weights)
        assert brier.value == pytest.approx(metrics.brier_score_loss(LABELS, P, sample_weight=weights), abs=1e-12)
        parts = brier.reliability - brier.resolution + brier.uncertainty + brier.within_bin_variance - brier.within_bin_covariance
        assert brier.value == pytest.approx(parts, abs=1e-12)
        loss = calibration.negative_log_likelihood(P, LABELS, weights=weights)
        assert loss.value == pytest.approx(metrics.log_loss(LABELS, P, sample_weight=weights), abs=1e-12)
    assert calibration.negative_log_likelihood(TABLE, CLASSES).value == pytest.approx(metrics.log_loss(CLASSES, TABLE), abs=1e-12)
    squares = ((TABLE - np.eye(5)[CLASSES]) ** 2).sum(1).mean()
    assert calibration.brier_score(TABLE, CLASSES).value == pytest.approx(squares, abs=1e-12)


def test_what_cannot_happen_costs_everything_only_when_it_does():
    assert calibration.negative_log_likelihood([0.0, 1.0], [0, 1]).value == 0
    loss = calibration.negative_log_likelihood([0.0, 1.0], [1, 1])
    assert loss.value == np.inf and loss.impossible == 1 and np.isnan(loss.standard_error)


def test_errors_of_several_classes_are_those_of_two():
    top = calibration.top_labels(TABLE, CLASSES)
    assert (top.predicted == TABLE.argmax(1)).all() and (top.confidence == TABLE.max(1)).all()
    assert calibration.confidence_calibration_error(TABLE, CLASSES, bins=10) == calibration.calibration_error(top.confidence, top.correct, bins=10)
    for binning in ("equal_width", "equal_mass"):
        wise = calibration.class_wise_calibration_error(TABLE, CLASSES, binning=binning)
        ones = [calibration.calibration_error(TABLE[:, c].copy(), CLASSES == c, binning=binning) for c in range(5)]
        assert [one.ece for one in wise.classes] == pytest.approx([one.ece for one in ones], abs=1e-12)
        assert wise.overall.ece == pytest.approx(np.mean([one.ece for one in ones]), abs=1e-12)
        of_top = calibration.top_label_calibration_error(TABLE, CLASSES, binning=binning)
        ones = [calibration.calibration_error(top.confidence[top.predicted == c], top.correct[top.predicted == c], binning=binning) for c in range(5)]
        shares = np.bincount(top.predicted, minlength=5) / 2000
        assert of_top.overall.ece == pytest.approx((shares * [one.ece for one in ones]).sum(), abs=1e-12)


def test_tests_see_overconfidence_and_accept_the_truth():
    honest = RANDOM.random(3000)
    labels = RANDOM.random(3000) < honest
    for test in (calibration.spiegelhalter_test, calibration.kolmogorov_smirnov_calibration_test, calibration.kuiper_calibration_test):
        assert test(honest, labels).p_value > 1e-4
        assert test(P**2 / (P**2 + (1 - P) ** 2), LABELS).p_value < 1e-6
    sums = np.cumsum((labels - honest)[np.argsort(honest)]) / 3000
    assert calibration.kolmogorov_smirnov_calibration_test(honest, labels).error == pytest.approx(np.abs(sums).max(), abs=1e-12)
    assert calibration.kuiper_calibration_test(honest, labels).error == pytest.approx(max(sums.max(), 0) - min(sums.min(), 0), abs=1e-12)


def test_spiegelhalter_by_hand():
    test = calibration.spiegelhalter_test([0.9, 0.2, 0.4], [1, 0, 1])
    assert test.error == pytest.approx(-0.08 / 3)
    assert test.statistic == pytest.approx(-0.08 / np.sqrt(0.64 * 0.09 + 0.36 * 0.16 + 0.04 * 0.24))
    certain = calibration.spiegelhalter_test([0.0, 1.0], [1, 1])
    assert certain.p_value == 0 and np.isinf(certain.statistic)


def test_temperature_is_the_minimum_that_scipy_finds():
    scipy = pytest.importorskip("scipy")
    from scipy.optimize import minimize_scalar

    def loss(temperature):
        z = LOGITS / temperature
        return (scipy.special.logsumexp(z, axis=1) - z[np.arange(2000), CLASSES]).mean()

    found = minimize_scalar(loss, bounds=(0.5, 5), method="bounded", options={"xatol": 1e-10})
    fitted = calibration.fit_temperature(LOGITS, CLASSES)
    assert fitted.temperature == pytest.approx(found.x, abs=1e-6)
    assert fitted.log_loss_after == pytest.approx(found.fun, abs=1e-12)
    assert fitted.log_loss_before == pytest.approx(loss(1), abs=1e-12)
    assert fitted.predict(LOGITS) == pytest.approx(scipy.special.softmax(LOGITS / fitted.temperature, axis=1), abs=1e-14)


def test_platt_and_isotonic_agree_with_scikit_learn():
    sklearn = pytest.importorskip("sklearn.calibration")
    isotonic = pytest.importorskip("sklearn.isotonic").IsotonicRegression(out_of_bounds="clip")
    at = np.linspace(-5, 5, 777)
    for weights in (None, WEIGHTS):
        slope, intercept = sklearn._sigmoid_calibration(SCORES, LABELS, weights)
        platt = calibration.fit_platt(SCORES, LABELS, weights=weights)
        assert (platt.slope, platt.intercept) == pytest.approx((-slope, -intercept), abs=1e-5)  # L-BFGS stops at a gradient of 1e-6
        assert platt.predict(at) == pytest.approx(1 / (1 + np.exp(-platt.slope * at - platt.intercept)), abs=1e-14)
        theirs = isotonic.fit(SCORES, LABELS.astype(float), weights)
        ours = calibration.fit_isotonic(SCORES, LABELS, weights=weights)
        assert ours.predict(at) == pytest.approx(theirs.predict(at), abs=1e-12)
        assert ours.scores == pytest.approx(theirs.X_thresholds_)


def test_beta_agrees_with_an_unpenalised_logistic_regression():
    linear = pytest.importorskip("sklearn.linear_model")
    model = linear.LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(np.stack([np.log(P), -np.log1p(-P)], 1), LABELS)
    beta = calibration.fit_beta(P, LABELS)
    assert (beta.a, beta.b, beta.c) == pytest.approx((*model.coef_[0], model.intercept_[0]), abs=1e-6)
    assert calibration.BetaCalibrator(1, 1, 0).predict(P) == pytest.approx(P, abs=1e-14)


def test_venn_abers_agrees_with_refitting():
    isotonic = pytest.importorskip("sklearn.isotonic").IsotonicRegression()
    scores, labels = SCORES[:60].round(1), LABELS[:60]
    at = np.concatenate([scores[:5], [-9, 9], SCORES[60:70]])
    result = calibration.fit_venn_abers(scores, labels).predict(at)
    for label, ours in ((0, result.low), (1, result.high)):
        theirs = [isotonic.fit(np.append(scores, s), np.append(labels, label).astype(float)).predict([s])[0] for s in at]
        assert ours == pytest.approx(theirs, abs=1e-14)
    assert result.probability == pytest.approx(result.high / (1 - result.low + result.high))


FITTED = {
    "temperature": (calibration.fit_temperature(LOGITS, CLASSES), LOGITS),
    "platt": (calibration.fit_platt(SCORES, LABELS), SCORES),
    "beta": (calibration.fit_beta(P, LABELS), P),
    "isotonic": (calibration.fit_isotonic(SCORES, LABELS), SCORES),
    "venn_abers": (calibration.fit_venn_abers(SCORES, LABELS), SCORES),
}


def predicted(calibrator, inputs):
    result = calibrator.predict(inputs)
    return result.probability if isinstance(result, calibration.VennAbersPrediction) else result


@pytest.mark.parametrize("name", FITTED)
def test_calibrators_can_be_stored(name):
    calibrator, inputs = FITTED[name]
    expected = predicted(calibrator, inputs)
    again = pickle.loads(pickle.dumps(calibrator))
    assert (predicted(again, inputs) == expected).all()
    parameters = {field: getattr(calibrator, field) for field in calibrator.__dataclass_fields__}
    assert (predicted(type(calibrator)(**parameters), inputs) == expected).all()
    listed = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in parameters.items()}
    assert (predicted(type(calibrator)(**listed), inputs) == expected).all()


@pytest.mark.parametrize("name", FITTED)
def test_float32_torch_tensors_and_lists_are_read(name):
    calibrator, inputs = FITTED[name]
    narrow = inputs.astype(np.float32)
    expected = predicted(calibrator, narrow.astype(np.float64))
    assert (predicted(calibrator, narrow) == expected).all()
    assert (predicted(calibrator, narrow.tolist()) == expected).all()
    torch = pytest.importorskip("torch")
    assert (predicted(calibrator, torch.tensor(narrow)) == expected).all()


def test_measures_of_float32_torch_tensors_and_lists_are_the_same():
    p, y, table = P.astype(np.float32), LABELS.astype(np.uint8), TABLE.astype(np.float32)
    two = (calibration.calibration_error, calibration.brier_score, calibration.negative_log_likelihood, calibration.spiegelhalter_test,
           calibration.kolmogorov_smirnov_calibration_test, calibration.kuiper_calibration_test)  # fmt: skip
    several = (calibration.confidence_calibration_error, calibration.top_label_calibration_error, calibration.brier_score, calibration.negative_log_likelihood)
    for measure in two:
        assert measure(p.tolist(), y.tolist()) == measure(p, y) == measure(p.astype(np.float64), LABELS)
    for measure in several:
        assert measure(table.tolist(), CLASSES.tolist()) == measure(table, CLASSES.astype(np.int32)) == measure(table.astype(np.float64), CLASSES)
    torch = pytest.importorskip("torch")
    for measure in two:
        assert measure(torch.tensor(p), torch.tensor(y)) == measure(p, y)
    for measure in several:
        assert measure(torch.tensor(table), torch.tensor(CLASSES)) == measure(table, CLASSES)


def test_fits_of_float32_torch_tensors_and_lists_are_the_same():
    s, p, z = SCORES.astype(np.float32), P.astype(np.float32), LOGITS.astype(np.float32)
    fits = [(calibration.fit_platt, s, LABELS), (calibration.fit_beta, p, LABELS), (calibration.fit_isotonic, s, LABELS), (calibration.fit_venn_abers, s, LABELS),
            (calibration.fit_temperature, z, CLASSES)]  # fmt: skip
    torch = pytest.importorskip("torch")
    for fit, inputs, targets in fits:
        expected = predicted(fit(inputs, targets), inputs)
        for variant in (inputs.astype(np.float64), inputs.tolist(), torch.tensor(inputs)):
            assert (predicted(fit(variant, targets), inputs) == expected).all()


def spoiled(values, value):
    result = values.copy()
    result.flat[7] = value
    return result


TWO_CLASSES = [
    ("reliability_table", calibration.reliability_table, P, "probabilities"),
    ("calibration_error", calibration.calibration_error, P, "probabilities"),
    ("brier_score", calibration.brier_score, P, "probabilities"),
    ("negative_log_likelihood", calibration.negative_log_likelihood, P, "probabilities"),
    ("spiegelhalter_test", calibration.spiegelhalter_test, P, "probabilities"),
    ("kolmogorov_smirnov_calibration_test", calibration.kolmogorov_smirnov_calibration_test, P, "probabilities"),
    ("kuiper_calibration_test", calibration.kuiper_calibration_test, P, "probabilities"),
    ("fit_beta", calibration.fit_beta, P, "probabilities"),
    ("fit_platt", calibration.fit_platt, SCORES, "scores"),
    ("fit_isotonic", calibration.fit_isotonic, SCORES, "scores"),
    ("fit_venn_abers", calibration.fit_venn_abers, SCORES, "scores"),
]
SEVERAL_CLASSES = [
    ("top_labels", calibration.top_labels, TABLE, "probabilities"),
    ("confidence_calibration_error", calibration.confidence_calibration_error, TABLE, "probabilities"),
    ("top_label_calibration_error", calibration.top_label_calibration_error, TABLE, "probabilities"),
    ("class_wise_calibration_error", calibration.class_wise_calibration_error, TABLE, "probabilities"),
    ("brier_score", calibration.brier_score, TABLE, "probabilities"),
    ("negative_log_likelihood", calibration.negative_log_likelihood, TABLE, "probabilities"),
    ("fit_temperature", calibration.fit_temperature, LOGITS, "logits"),
]
BAD_INPUT = []
for name, call, good, what in TWO_CLASSES:
    start = f"[metrics.{name}] "
    BAD_INPUT += [
        (lambda f=call, v=good: f(spoiled(v, np.nan), LABELS), start + what + " must be"),
        (lambda f=call, v=good: f(spoiled(v, np.inf), LABELS), start + what + " must be"),
        (lambda f=call: f(np.zeros(0), np.zeros(0, bool)), start + what + " is empty"),
        (lambda f=call, v=good: f(v, LABELS[:-1]), start + what + " and labels differ in length; got 3000 and 2999"),
        (lambda f=call, v=good: f(v, LABELS.astype(int) * 2), start + "labels must be 0 (good) or 1 (defect); got 2"),
        (lambda f=call, v=good: f(v, LABELS.astype(float)), start + "labels has dtype float64"),
        (lambda f=call, v=good: f(v[::2], LABELS[::2].copy()), start + what + " is not contiguous"),
        (lambda f=call, v=good: f(v > 0.5, LABELS), start + what + " has dtype bool; expected float32 or float64"),
        (lambda f=call: f("scores", LABELS), start + what + " must be a numpy array, a CPU torch tensor or a list; got str"),
    ]
for name, call, good, what in SEVERAL_CLASSES:
    start = f"[metrics.{name}] "
    BAD_INPUT += [
        (lambda f=call, v=good: f(spoiled(v, np.nan), CLASSES), start + what + " must be finite; got NaN at index 7"),
        (lambda f=call, v=good: f(spoiled(v, np.inf), CLASSES), start + what + " must be finite; got infinity at index 7"),
        (lambda f=call, v=good: f(v[:0], CLASSES[:0]), start + what + " is empty; got 0 x 5"),
        (lambda f=call, v=good: f(v, CLASSES[:-1]), start + what + " and classes differ in length; got 2000 rows and 1999 classes"),
        (lambda f=call, v=good: f(v, CLASSES + 1), start + "classes are out of range; got 5"),
        (lambda f=call, v=good: f(v, CLASSES / 2), start + "classes has dtype float64; expected integers"),
        (lambda f=call, v=good: f(v[:, ::2], CLASSES), start + what + " is not contiguous"),
    ]
for name, call, inputs, targets in [
    ("reliability_table", calibration.reliability_table, P, LABELS),
    ("calibration_error", calibration.calibration_error, P, LABELS),
    ("brier_score", calibration.brier_score, P, LABELS),
    ("confidence_calibration_error", calibration.confidence_calibration_error, TABLE, CLASSES),
    ("top_label_calibration_error", calibration.top_label_calibration_error, TABLE, CLASSES),
    ("class_wise_calibration_error", calibration.class_wise_calibration_error, TABLE, CLASSES),
]:
    BAD_INPUT += [
        (lambda f=call, x=inputs, y=targets: f(x, y, bins=0), f"[metrics.{name}] bins is out of range; got 0; expected 1 to 65536"),
        (lambda f=call, x=inputs, y=targets: f(x, y, bins=2.5), f"[metrics.{name}] bins must be an integer; got 2.5"),
        (lambda f=call, x=inputs, y=targets: f(x, y, binning="equal"), f"[metrics.{name}] binning is not known; got 'equal'; expected one of 'equal_width', 'equal_mass'"),
        (lambda f=call, x=inputs, y=targets: f(x, y, weights=[]), f"[metrics.{name}] weights is empty; expected one for each sample, or None"),
        (lambda f=call, x=inputs, y=targets: f(x, y, weights=np.ones(3)), f"[metrics.{name}] weights must be one for each sample; got 3"),
        (lambda f=call, x=inputs, y=targets: f(x, y, weights=-np.ones(len(y))), f"[metrics.{name}] weights must not be negative; got -1"),
    ]
for name, call, inputs in [("fit_platt", calibration.fit_platt, SCORES), ("fit_beta", calibration.fit_beta, P), ("fit_isotonic", calibration.fit_isotonic, SCORES)]:
    BAD_INPUT += [
        (lambda f=call, x=inputs: f(x, np.zeros(3000, bool)), f"[metrics.{name}] both classes are needed; got 3000 good and 0 defect"),
        (lambda f=call, x=inputs: f(x, LABELS, weights=[]), f"[metrics.{name}] weights is empty; expected one for each sample, or None"),
        (lambda f=call, x=inputs: f(x, LABELS, weights=np.zeros(3000)), f"[metrics.{name}] weights must not all be zero"),
    ]
for name, (calibrator, inputs) in FITTED.items():
    start = f"[metrics.{type(calibrator).__name__}.predict] "
    BAD_INPUT += [
        (lambda c=calibrator, x=inputs: c.predict(spoiled(x, np.nan)), start),
        (lambda c=calibrator, x=inputs: c.predict(x[:0]), start),
        (lambda c=calibrator, x=inputs: c.predict(x.astype(int)), start),
        (lambda c=calibrator, x=inputs: c.predict(x[None]), start),
    ]
BAD_INPUT += [
    (lambda: calibration.reliability_table(P, LABELS, confidence=1.0), "[metrics.reliability_table] confidence is out of range; got 1; expected a value in (0, 1)"),
    (lambda: calibration.reliability_table(P, LABELS, interval="wald"), "interval is not known; got 'wald'; expected one of 'clopper_pearson', 'wilson'"),
    (lambda: calibration.calibration_error([0.5, 1.5], [0, 1]), "probabilities must be probabilities; got 1.5 at index 1; expected values in [0, 1]"),
    (lambda: calibration.calibration_error(TABLE, CLASSES), "[metrics.calibration_error] probabilities must have 1 dimension; got shape (2000, 5)"),
    (lambda: calibration.confidence_calibration_error(P, CLASSES), "[metrics.confidence_calibration_error] probabilities must have 2 dimensions"),
    (lambda: calibration.class_wise_calibration_error([[0.5, 0.6]], [0]), "probabilities must be probabilities; row 0 sums to 1.1"),
    (lambda: calibration.fit_platt([1.0, 1.0], [0, 1]), "[metrics.fit_platt] scores are all equal"),
    (lambda: calibration.fit_beta([0.1, 0.2, 0.8], [0, 0, 1]), "[metrics.fit_beta] probabilities separate the classes"),
    (lambda: calibration.fit_beta([0.1, 0.1, 0.8, 0.8], [0, 1, 0, 1]), "[metrics.fit_beta] probabilities take 2 distinct values; expected at least 3"),
    (lambda: calibration.fit_temperature(LOGITS, CLASSES, weights=[]), "[metrics.fit_temperature] weights is empty"),
    (lambda: calibration.negative_log_likelihood(P, LABELS, weights=[]), "[metrics.negative_log_likelihood] weights is empty"),
    (lambda: calibration.negative_log_likelihood(TABLE, CLASSES, weights=[]), "[metrics.negative_log_likelihood] weights is empty"),
    (lambda: calibration.fit_temperature([[0.0, 1.0], [2.0, 0.0]], [1, 0]), "[metrics.fit_temperature] logits are separated"),
    (lambda: calibration.fit_temperature([[0.0, 1.0], [2.0, 0.0]], [0, 1]), "[metrics.fit_temperature] logits rank classes no better than chance"),
    (lambda: calibration.TemperatureCalibrator(0.0).predict(LOGITS), "temperature is out of range; got 0; expected a finite value above 0"),
    (lambda: calibration.PlattCalibrator("steep", 0).predict(SCORES), "[metrics.PlattCalibrator] slope must be a real number; got 'steep'"),
    (lambda: calibration.PlattCalibrator(np.nan, 0).predict(SCORES), "[metrics.PlattCalibrator.predict] slope must be finite; got NaN"),
    (lambda: calibration.IsotonicCalibrator([1.0, 0.5], [0.1, 0.2]), "[metrics.IsotonicCalibrator] knots do not ascend at index 1"),
    (lambda: calibration.IsotonicCalibrator([1.0], [0.1, 0.2]), "[metrics.IsotonicCalibrator] knots scores and values differ in length; got 1 and 2"),
    (lambda: calibration.IsotonicCalibrator([np.nan], [0.1]), "[metrics.IsotonicCalibrator] knots are out of range at index 0"),
    (lambda: calibration.VennAbersCalibrator([1.0], [0.5], [1.0], [1.5]), "[metrics.VennAbersCalibrator] high steps are out of range at index 0"),
]  # fmt: skip


@pytest.mark.parametrize("call, part", BAD_INPUT, ids=[f"{i}: {part}" for i, (_, part) in enumerate(BAD_INPUT)])
def test_bad_input_is_refused_with_a_message(call, part):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert part in str(caught.value)
