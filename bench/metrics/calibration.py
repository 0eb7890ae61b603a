"""Calibration measures and fits beside scikit-learn, torchmetrics, MAPIE, betacal and venn-abers, on 2 threads."""

import os

import numpy as np
from timing import absent, row, side_by_side

SAMPLES, ROWS, CLASSES, LOGIT_ROWS, LOGIT_CLASSES, VENN_ABERS = 1_000_000, 100_000, 100, 1_000_000, 10, 20_000


def compared(what, peer_name, ours, theirs, difference, tolerance, note="", times=3):
    """One row; `difference(our result, their result)` is a number that is at most `tolerance` when they agree."""
    (seconds, our_result), (peer_seconds, their_result) = side_by_side(ours, theirs, times=times)
    apart = float(difference(our_result, their_result))
    return row(what, seconds, peer_seconds, peer_name, 1.0, apart, apart <= tolerance, note)


def apart(a, b):
    return np.abs(np.asarray(a, float) - np.asarray(b, float)).max()


def of_torchmetrics(calibration, p, y, table, classes):
    what = f"ECE, L2 and MCE of {SAMPLES:.0e} probabilities, 15 bins"
    try:
        import torch
        from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error
    except ImportError:
        yield absent(what, None, "torchmetrics")
        return
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    tensor_p, tensor_y = torch.tensor(p), torch.tensor(y.astype(np.int64))
    tensor_table, tensor_classes = torch.tensor(table), torch.tensor(classes)

    def three(error):
        return error.ece, error.root_mean_square, error.mce

    yield compared(what, "torchmetrics", lambda: three(calibration.calibration_error(p, y)),
                   lambda: [float(binary_calibration_error(tensor_p, tensor_y, n_bins=15, norm=norm)) for norm in ("l1", "l2", "max")],
                   apart, 1e-12, "it bins once for each of the three")  # fmt: skip
    yield compared(f"confidence ECE of {ROWS:.0e} x {CLASSES}, 15 bins", "torchmetrics", lambda: calibration.confidence_calibration_error(table, classes).ece,
                   lambda: float(multiclass_calibration_error(tensor_table, tensor_classes, num_classes=CLASSES, n_bins=15)),
                   apart, 1e-5, "it sums in float32")  # fmt: skip
    one = np.ones(1000)
    theirs = float(binary_calibration_error(torch.tensor(np.r_[one, one * 0.95]), torch.tensor(np.r_[one * 0, one].astype(int)), n_bins=10))
    ours = calibration.calibration_error(np.r_[one, one * 0.95], np.r_[one * 0, one].astype(np.uint8), bins=10).ece
    yield row("ECE with confidence exactly 1, wrong, and 0.95, right, in one bin of ten (truth 0.475)", None, None, "torchmetrics", None, abs(ours - theirs),
              abs(ours - theirs) < 1e-12, f"ours {ours:.4f}, torchmetrics {theirs:.4f}: 1.0 has a bin of its own there (its issue 3510)")  # fmt: skip


def of_scikit_learn(calibration, s, p, y, table, classes, logits, logit_classes):
    try:
        from sklearn.calibration import _sigmoid_calibration, _TemperatureScaling, calibration_curve
        from sklearn.isotonic import IsotonicRegression
        from sklearn.metrics import brier_score_loss, log_loss
    except ImportError:
        yield absent("reliability, proper scores and fits", None, "scikit-learn")
        return
    for binning, strategy in (("equal_width", "uniform"), ("equal_mass", "quantile")):
        yield compared(f"reliability table of {SAMPLES:.0e}, 20 bins of {binning.replace('_', ' ')}", "scikit-learn",
                       lambda b=binning: calibration.reliability_table(p, y, bins=20, binning=b), lambda k=strategy: calibration_curve(y, p, n_bins=20, strategy=k),
                       lambda a, b: apart(a.rate, b[0]), 1e-12, "ours with counts and intervals")  # fmt: skip
    yield compared(f"Brier score of {SAMPLES:.0e}", "scikit-learn", lambda: calibration.brier_score(p, y).value, lambda: brier_score_loss(y, p), apart, 1e-12,
                   "ours with its decomposition")  # fmt: skip
    yield compared(f"log loss of {SAMPLES:.0e}", "scikit-learn", lambda: calibration.negative_log_likelihood(p, y).value, lambda: log_loss(y, p), apart, 1e-12)
    yield compared(f"Brier score of {ROWS:.0e} x {CLASSES}", "scikit-learn", lambda: calibration.brier_score(table, classes).value,
                   lambda: brier_score_loss(classes, table, scale_by_half=False), apart, 1e-12, "ours with its decomposition")  # fmt: skip
    yield compared(f"log loss of {ROWS:.0e} x {CLASSES}", "scikit-learn", lambda: calibration.negative_log_likelihood(table, classes).value,
                   lambda: log_loss(classes, table), apart, 1e-12)  # fmt: skip
    yield compared(f"Platt fit of {SAMPLES:.0e} scores", "scikit-learn", lambda: calibration.fit_platt(s, y), lambda: _sigmoid_calibration(s, y),
                   lambda a, b: apart((a.slope, a.intercept), (-b[0], -b[1])), 1e-6, "it stops at a gradient of 1e-6")  # fmt: skip
    at = np.random.default_rng(5).normal(size=SAMPLES)

    def isotonic():
        return IsotonicRegression(out_of_bounds="clip").fit(s, y)

    yield compared(f"isotonic fit of {SAMPLES:.0e} scores", "scikit-learn", lambda: calibration.fit_isotonic(s, y), isotonic,
                   lambda a, b: apart(a.predict(at), b.predict(at)), 1e-12)  # fmt: skip
    ours, theirs = calibration.fit_isotonic(s, y), isotonic()
    yield compared(f"isotonic predictions of {SAMPLES:.0e} scores", "scikit-learn", lambda: ours.predict(at), lambda: theirs.predict(at), apart, 1e-12)
    yield compared(f"temperature fit of {LOGIT_ROWS:.0e} x {LOGIT_CLASSES} float64 logits", "scikit-learn",
                   lambda: calibration.fit_temperature(logits, logit_classes).temperature, lambda: 1 / _TemperatureScaling().fit(logits, logit_classes).beta_,
                   apart, 1e-5, "it searches to a tolerance")  # fmt: skip


def of_mapie(calibration, p, y, table, classes):
    try:
        from mapie.metrics import calibration as mapie
    except ImportError:
        yield absent("ECE by class and tests of calibration", None, "MAPIE")
        return
    whole = y.astype(int)
    yield compared(f"ECE of {SAMPLES:.0e}, 20 bins of equal mass", "MAPIE", lambda: calibration.calibration_error(p, y, bins=20, binning="equal_mass").ece,
                   lambda: mapie.expected_calibration_error(whole, p, num_bins=21, split_strategy="quantile"), apart, 1e-5,
                   "its num_bins are ends, so that 21 make 20 bins, and the smallest score has one of its own")  # fmt: skip
    correct = (table.argmax(1) == classes).astype(int)
    yield compared(f"class-wise ECE of {ROWS:.0e} x {CLASSES}, 15 bins", "MAPIE", lambda: calibration.class_wise_calibration_error(table, classes).overall.ece,
                   lambda: mapie.expected_calibration_error(correct, table, num_bins=16, split_strategy="uniform", classwise=True, class_labels=classes),
                   apart, 1e-12)  # fmt: skip

    def mean_of_top_labels():
        errors = [one.ece for one in calibration.top_label_calibration_error(table, classes).classes if one.n > 0]
        return float(np.mean(errors))

    yield compared(f"top-label ECE of {ROWS:.0e} x {CLASSES}, 15 bins", "MAPIE", mean_of_top_labels,
                   lambda: mapie.top_label_ece(classes, table, num_bins=16, split_strategy="uniform"), apart, 1e-12,
                   "its plain mean over classes; ours also weighted by their shares, as defined")  # fmt: skip
    tests = (("Spiegelhalter", calibration.spiegelhalter_test, mapie.spiegelhalter_statistic, 1e-9, "statistic; its p-value is one-sided"),
             ("Kolmogorov-Smirnov", calibration.kolmogorov_smirnov_calibration_test, mapie.kolmogorov_smirnov_statistic, 1e-5, "it jitters scores by 1e-8"),
             ("Kuiper", calibration.kuiper_calibration_test, mapie.kuiper_statistic, 1e-5, "it jitters scores by 1e-8"))  # fmt: skip
    for name, ours, theirs, tolerance, note in tests:
        yield compared(f"{name} test of {SAMPLES:.0e}", "MAPIE", lambda f=ours: f(p, y).statistic, lambda f=theirs: f(whole, p), apart, tolerance, note)


def of_betacal(calibration, p, y):
    what = f"beta fit of {SAMPLES:.0e} probabilities"
    try:
        from betacal import BetaCalibration
    except ImportError:
        yield absent(what, None, "betacal")
        return
    ours, theirs = calibration.fit_beta(p, y), BetaCalibration().fit(p, y)
    gain = calibration.negative_log_likelihood(theirs.predict(p).copy(), y).value - calibration.negative_log_likelihood(ours.predict(p), y).value
    yield compared(what, "betacal", lambda: calibration.fit_beta(p, y), lambda: BetaCalibration().fit(p, y), lambda a, b: apart(a.predict(p), b.predict(p)), 1e-3,
                   f"it stops early: the mean log loss of ours is lower by {gain:.1e}")  # fmt: skip
    yield compared(f"beta predictions of {SAMPLES:.0e}", "betacal", lambda: ours.predict(p), lambda: theirs.predict(p), apart, 1e-3)


def of_venn_abers(calibration, s, y):
    what = f"Venn-Abers fit of {VENN_ABERS:.0e} scores"
    try:
        from venn_abers.venn_abers import calc_p0p1, calc_probs
    except ImportError:
        yield absent(what, None, "venn-abers")
        return
    s, y = s[:VENN_ABERS], y[:VENN_ABERS]
    at = np.random.default_rng(6).normal(size=SAMPLES)
    both, both_at = np.stack([1 - s, s], 1), np.stack([1 - at, at], 1)

    def difference(a, b):
        probability, interval = calc_probs(*b, both_at)
        return max(apart(a.predict(at).low, interval[:, 0]), apart(a.predict(at).high, interval[:, 1]), apart(a.predict(at).probability, probability[:, 1]))

    yield compared(what, "venn-abers", lambda: calibration.fit_venn_abers(s, y), lambda: calc_p0p1(both, y), difference, 1e-12, "it is quadratic in the scores")
    ours, theirs = calibration.fit_venn_abers(s, y), calc_p0p1(both, y)
    yield compared(f"Venn-Abers predictions of {SAMPLES:.0e} scores", "venn-abers", lambda: ours.predict(at).low, lambda: calc_probs(*theirs, both_at)[1][:, 0],
                   apart, 1e-12)  # fmt: skip


def rows(oddity):
    from oddity.metrics import calibration

    random = np.random.default_rng(0)
    s = random.normal(size=SAMPLES)
    y = (random.random(SAMPLES) < 1 / (1 + np.exp(0.5 - 1.3 * s))).astype(np.uint8)
    p = 1 / (1 + np.exp(-2 * s))
    logits = random.normal(size=(LOGIT_ROWS, LOGIT_CLASSES)) * 2
    logit_classes = np.argmax(logits / 1.7 + random.gumbel(size=logits.shape), 1)
    table = np.exp(random.normal(size=(ROWS, CLASSES)) * 2)
    table /= table.sum(1, keepdims=True)
    classes = np.argmax(np.log(table) / 1.7 + random.gumbel(size=table.shape), 1)
    yield from of_torchmetrics(calibration, p, y, table, classes)
    yield from of_scikit_learn(calibration, s, p, y, table, classes, logits, logit_classes)
    yield from of_mapie(calibration, p, y, table, classes)
    yield from of_betacal(calibration, p, y)
    yield from of_venn_abers(calibration, s, y)
