"""Prediction sets and cross-conformal intervals beside MAPIE, TorchCP and crepes, on 2 threads."""

import math
import os
import sys
import types

import numpy as np
from timing import absent, row, side_by_side

ROWS, CLASSES, CALIBRATION = 100_000, 100, 5_000
PENALTY, FREE_RANKS = 0.01, 5
TARGETS = {"lac": 2.0, "aps": 5.0, "raps": 5.0}


def added_memory(function):
    """Peak resident bytes of a call beyond what was there before, its result included."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts again

    def kilobytes(name):
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))

    before = kilobytes("VmRSS")
    result = function()
    added = 1024 * (kilobytes("VmHWM") - before)
    del result
    return added


def probabilities():
    random = np.random.default_rng(0)
    truth = random.integers(0, CLASSES, ROWS + CALIBRATION)
    logits = 2.5 * random.normal(size=(ROWS + CALIBRATION, CLASSES)).astype(np.float32)
    logits[np.arange(len(truth)), truth] += 5
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return p[:ROWS].copy(), truth[:ROWS], p[ROWS:].copy(), truth[ROWS:]


def torchcp_modules():
    """TorchCP imports its losses, graphs and language models at once; what those need and the sets do not is stood in for."""

    class Anything(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    geometric = ["torch_geometric", "torch_geometric.utils", "torch_geometric.utils.convert", "torch_geometric.nn", "torch_geometric.loader"]
    for name in ["torchsort", *geometric, "transformers", "networkx", "tqdm"]:
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = Anything(name)
    import torch
    from torchcp.classification import predictor, score

    torch.set_num_threads(min(2, os.cpu_count() or 1))
    return torch, predictor, score


def torchcp_predictor(kind, randomized, p, truth):
    torch, predictor, score = torchcp_modules()
    made = {
        "lac": lambda: score.LAC(score_type="identity"),
        "aps": lambda: score.APS(score_type="identity", randomized=randomized),
        "raps": lambda: score.RAPS(score_type="identity", randomized=randomized, penalty=PENALTY, kreg=FREE_RANKS),
    }[kind]()
    fitted = predictor.SplitPredictor(made, alpha=0.1)
    fitted.calculate_threshold(torch.from_numpy(p), torch.from_numpy(truth))
    return torch, fitted


def mapie_classifier(kind, p, truth):
    from mapie.classification import SplitConformalClassifier
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Given(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(CLASSES)

        def fit(self, X, y=None):
            return self

        def predict_proba(self, X):
            return X

        def predict(self, X):
            return X.argmax(1)

        def __sklearn_is_fitted__(self):
            return True

    return SplitConformalClassifier(Given(), confidence_level=0.9, conformity_score=kind, prefit=True, random_state=1).conformalize(p, truth)


def sets(conformal, kind):
    """Time and memory of the sets of new samples. Randomised sets of different generators agree in coverage only; APS and RAPS are compared without U as well."""
    p, truth, past, past_truth = probabilities()
    penalty = {"penalty": PENALTY, "free_ranks": FREE_RANKS} if kind == "raps" else {}
    score, plain = conformal.SetScore(kind, **penalty), conformal.SetScore(kind, randomized=False, **penalty)
    thresholds = conformal.calibrate_sets(past, past_truth, alpha=0.1, score=score)
    what, target = f"{kind.upper()} sets of {ROWS:.0e} x {CLASSES} float32", TARGETS[kind]

    def ours():
        return conformal.prediction_sets(p, thresholds)

    memory = added_memory(ours) / p.nbytes
    coverage = ours().contains(truth).mean()
    try:
        torch, fitted = torchcp_predictor(kind, True, past, past_truth)
        tensor = torch.from_numpy(p)
        (our_time, _), (theirs, _) = side_by_side(ours, lambda: fitted.predict_with_logits(tensor), times=5)
        _, fixed = torchcp_predictor(kind, False, past, past_truth)
        found = fixed.predict_with_logits(tensor).numpy().astype(bool)
        own = conformal.prediction_sets(p, conformal.calibrate_sets(past, past_truth, alpha=0.1, score=plain)).table()
        share = float((own != found).mean())
        yield row(what, our_time, theirs, "TorchCP", target, f"{share:.1e} of entries differ", share < 1e-4, "without U; its sums are float32")
        peer = added_memory(lambda: fitted.predict_with_logits(tensor)) / p.nbytes
        yield {"what": f"peak memory of {kind.upper()} sets, input included, in inputs", "ours": 1 + memory, "peer": 1 + peer, "peer_name": "TorchCP",
               "ratio": (1 + peer) / (1 + memory), "agreement": None, "agrees": None, "target": "ours at most 1.5", "held": bool(1 + memory <= 1.5),
               "note": "not seconds"}  # fmt: skip
    except ImportError:
        yield absent(what, side_by_side(ours)[0][0], "TorchCP", target)
    try:
        peer = mapie_classifier(kind, past, past_truth)
    except ImportError:
        yield absent(what, side_by_side(ours)[0][0], "MAPIE", target)
        return
    options = {} if kind == "lac" else {"conformity_score_params": {"include_last_label": "randomized"}}
    (our_time, found), (theirs, (_, table)) = side_by_side(ours, lambda: peer.predict_set(p, **options), times=5)
    if kind == "lac":
        share = float((found.table() != table[:, :, 0]).mean())
        agreement, agrees, note = f"{share:.1e} of entries differ", share < 1e-4, "its scores are float32"
    else:
        other = float(table[np.arange(ROWS), truth, 0].mean())
        # Both laws have a standard deviation of 0.004; here the calibration samples are the same.
        agreement, agrees = f"coverage {coverage:.4f} and {other:.4f}", abs(coverage - other) < 0.01
        note = "MAPIE picks penalty and ranks itself" if kind == "raps" else "each with its own random numbers"
    yield row(what, our_time, theirs, "MAPIE", target, agreement, agrees, note)


def beside_crepes(conformal):
    rows = 2_000  # it needs 1.4 ms for each
    p, _, past, past_truth = probabilities()
    p = p[:rows]
    thresholds = conformal.calibrate_sets(past, past_truth, alpha=0.1, score=conformal.SetScore("lac"))
    what = f"LAC sets of {rows:.0e} x {CLASSES} float32"
    try:
        from crepes import ConformalClassifier
        from crepes.extras import hinge
    except ImportError:
        yield absent(what, side_by_side(lambda: conformal.prediction_sets(p, thresholds))[0][0], "crepes")
        return
    peer = ConformalClassifier().fit(hinge(past, np.arange(CLASSES), past_truth))
    (our_time, found), (theirs, table) = side_by_side(lambda: conformal.prediction_sets(p, thresholds), lambda: peer.predict_set(hinge(p), confidence=0.9, smoothing=False))
    share = float((found.table() != table.astype(bool)).mean())
    yield row(what, our_time, theirs, "crepes", TARGETS["lac"], f"{share:.1e} of entries differ", share < 1e-4, "its scores are float32")


def class_conditional(conformal):
    p, _, past, past_truth = probabilities()
    score = conformal.SetScore("aps")
    thresholds = conformal.calibrate_sets(past, past_truth, alpha=0.1, score=score, class_conditional=True)
    what = f"class-conditional APS sets of {ROWS:.0e} x {CLASSES} float32"
    try:
        torch, predictor, scores = torchcp_modules()
        peer = predictor.ClassConditionalPredictor(scores.APS(score_type="identity", randomized=False), alpha=0.1)
        peer.calculate_threshold(torch.from_numpy(past), torch.from_numpy(past_truth))
        tensor = torch.from_numpy(p)
        (our_time, _), (theirs, found) = side_by_side(lambda: conformal.prediction_sets(p, thresholds), lambda: peer.predict_with_logits(tensor))
        plain = conformal.SetScore("aps", randomized=False)
        own = conformal.prediction_sets(p, conformal.calibrate_sets(past, past_truth, alpha=0.1, score=plain, class_conditional=True))
        share = float((own.table() != found.numpy().astype(bool)).mean())
        yield row(what, our_time, theirs, "TorchCP", None, f"{share:.1e} of entries differ", share < 1e-3, "without U; its sums are float32")
    except ImportError:
        yield absent(what, side_by_side(lambda: conformal.prediction_sets(p, thresholds))[0][0], "TorchCP")


def cross_intervals(conformal):
    """CV+ intervals of 10 linear models; the time is that of the intervals, training is left out."""
    n, folds = 5_000, 10
    random = np.random.default_rng(3)
    x, fresh = random.normal(size=(n, 5)), random.normal(size=(n, 5))
    y = x.sum(1) + random.normal(size=n)
    what = f"CV+ intervals, n {n}, {folds} folds, {n} new samples"
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import KFold

    of_sample, out, predictions = np.empty(n, np.int64), np.empty(n), np.empty((n, folds))
    for k, (train, test) in enumerate(KFold(folds).split(x)):
        model = LinearRegression().fit(x[train], y[train])
        of_sample[test], out[test], predictions[:, k] = k, model.predict(x[test]), model.predict(fresh)
    calibration = conformal.CrossConformal(conformal.residual_scores(out, y), of_sample)

    def ours():
        return conformal.cross_conformal_intervals(predictions, calibration, alpha=0.1)

    try:
        from mapie.regression import CrossConformalRegressor
    except ImportError:
        yield absent(what, side_by_side(ours)[0][0], "MAPIE")
        return
    peer = CrossConformalRegressor(LinearRegression(), confidence_level=0.9, method="plus", cv=KFold(folds)).fit_conformalize(x, y)
    (our_time, found), (theirs, (_, ends)) = side_by_side(ours, lambda: peer.predict_interval(fresh))
    error = float(max(np.abs(found.low - ends[:, 0, 0]).max(), np.abs(found.high - ends[:, 1, 0]).max()))
    yield row(what, our_time, theirs, "MAPIE", None, error, error < 1e-9, "its time includes 10 linear predictions")


def exact_rank(conformal):
    """How many of the thresholds a peer takes one rank too high."""
    scores = np.arange(1.0, 150)
    ours = conformal.conformal_quantile(scores, alpha=0.18).threshold
    what = "rank at n = 149, alpha = 0.18: exactly 123"

    def report(name, theirs):
        return {"what": what, "ours": None, "peer": None, "peer_name": name, "ratio": None, "agreement": f"ours {ours:.0f}, peer {theirs:.0f}",
                "agrees": bool(theirs == ours), "target": None, "held": bool(ours == 123), "note": f"ceil((n + 1)(1 - alpha)) in floating point is {math.ceil(150 * (1 - 0.18))}"}  # fmt: skip

    try:
        torch, _, _ = torchcp_modules()
        from torchcp.utils.common import calculate_conformal_value

        yield report("TorchCP", float(calculate_conformal_value(torch.from_numpy(scores), 0.18)))
    except ImportError:
        yield absent(what, None, "TorchCP")
    try:
        from mapie.utils import _compute_classification_quantile

        yield report("MAPIE", float(_compute_classification_quantile(scores[:, None], np.array([0.18]))[0]))
    except ImportError:
        yield absent(what, None, "MAPIE")


def rows(oddity):
    from oddity.metrics import conformal

    for kind in ("lac", "aps", "raps"):
        yield from sets(conformal, kind)
    yield from beside_crepes(conformal)
    yield from class_conditional(conformal)
    yield from cross_intervals(conformal)
    yield from exact_rank(conformal)
