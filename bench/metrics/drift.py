"""Online p-values and martingales beside MAPIE and nonconform: scores in, the capital after each out."""

import statistics
import time

import numpy as np

STEPS, LONG, TARGET = 20_000, 1_000_000, 50.0


def median_seconds(function, times=3):
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        result = function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), result


def row(what, peer_name, ours, theirs, agreement, agrees, target, note=""):
    ratio = None if theirs is None else theirs / ours
    held = None if target is None or ratio is None else ratio >= target
    return {"what": what, "ours": ours, "peer": theirs, "peer_name": peer_name, "ratio": ratio, "agreement": agreement, "agrees": agrees,
            "target": None if target is None else f"{target:g} x", "held": held, "note": note}  # fmt: skip


def ours_on(drift, kind, scores):
    return getattr(drift, kind)().bet(drift.OnlinePValues(seed=0).add(scores))


def mapie_rows(drift, scores, seconds):
    what = f"jumper martingale of {STEPS:,} scores"
    try:
        from mapie.exchangeability_testing import OnlineMartingaleTest
    except ImportError:
        yield row(what, "MAPIE", None, None, None, None, TARGET, "not installed")
        return

    def run():  # as its update() does for each score
        test, history = OnlineMartingaleTest(random_state=0, warn=False), []
        for score in scores:
            test.update_simple_jumper_martingale(test.compute_p_value(score, np.asarray(history, dtype=float)))
            history.append(float(score))

    theirs, _ = median_seconds(run)
    p_values = drift.OnlinePValues(seed=1).add(scores)
    test = OnlineMartingaleTest(warn=False)
    path = np.array([test.update_simple_jumper_martingale(p) for p in p_values])
    difference = float(np.abs(np.log(path) - drift.JumperMartingale().bet(p_values)).max())
    yield row(what, "MAPIE", seconds["JumperMartingale"], theirs, difference, difference < 1e-9, TARGET, "agreement: log capital on the same p-values")


def nonconform_rows(drift, scores, seconds):
    try:
        from nonconform import martingales
        from nonconform.monitoring import SequentialRankConformalizer
    except ImportError:
        yield row(f"martingales of {STEPS:,} scores", "nonconform", None, None, None, None, TARGET, "not installed (it wants Python 3.12)")
        return
    ours, _ = median_seconds(lambda: drift.OnlinePValues(seed=0).add(scores))
    theirs, _ = median_seconds(lambda: SequentialRankConformalizer(seed=0).update_many(scores))
    yield row(f"online p-values of {STEPS:,} scores", "nonconform", ours, theirs, "random", None, None, "sorted list: O(n) a step, in one memmove")
    p_values = drift.OnlinePValues(seed=1).add(scores)
    for ours_name, theirs_name in (("PowerMartingale", "PowerMartingale"), ("MixtureMartingale", "SimpleMixtureMartingale"), ("JumperMartingale", "SimpleJumperMartingale")):
        kind = getattr(martingales, theirs_name)
        theirs, _ = median_seconds(lambda kind=kind: kind().update_many(SequentialRankConformalizer(seed=0).update_many(scores)))
        path = np.array([state.log_martingale for state in kind().update_many(p_values)])
        note = "agreement: log capital on the same p-values"
        if ours_name == "MixtureMartingale":  # its mixture is a sum over 100 epsilon; a finer one comes near our integral
            path = np.array([state.log_martingale for state in kind((np.arange(5000) + 0.5) / 5000).update_many(p_values[:2000])])
            note += ", with 5,000 epsilon in place of its 100"
        difference = float(np.abs(path - getattr(drift, ours_name)().bet(p_values)[: len(path)]).max())
        what = f"{ours_name[:-10].lower()} martingale of {STEPS:,} scores"
        yield row(what, "nonconform", seconds[ours_name], theirs, difference, difference < 1e-5, TARGET, note)


def rows(oddity):
    from oddity.metrics import drift

    random = np.random.default_rng(0)
    scores, stream = random.normal(size=STEPS), random.normal(size=LONG)
    kinds = ("PowerMartingale", "MixtureMartingale", "JumperMartingale")
    seconds = {kind: median_seconds(lambda kind=kind: ours_on(drift, kind, scores), 5)[0] for kind in kinds}
    yield from mapie_rows(drift, scores, seconds)
    yield from nonconform_rows(drift, scores, seconds)
    for kind in kinds:
        taken, _ = median_seconds(lambda kind=kind: ours_on(drift, kind, stream))
        result = row(f"{kind[:-10].lower()} martingale of {LONG:,} scores", "-", taken, None, None, None, None, "p-values included")
        yield {**result, "target": "10 s", "held": taken < 10}
