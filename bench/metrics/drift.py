"""Online p-values and martingales beside MAPIE and nonconform: scores in, the capital after each out."""

import numpy as np
from timing import absent, median_seconds, row

STEPS, LONG, TARGET = 20_000, 1_000_000, 50.0


def ours_on(drift, kind, scores):
    return getattr(drift, kind)().bet(drift.OnlinePValues(seed=0).add(scores))


def mapie_rows(drift, scores, seconds):
    what = f"jumper martingale of {STEPS:,} scores"
    try:
        from mapie.exchangeability_testing import OnlineMartingaleTest
    except ImportError:
        yield absent(what, None, "MAPIE", TARGET)
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
    yield row(what, seconds["JumperMartingale"], theirs, "MAPIE", TARGET, difference, difference < 1e-9, "agreement: log capital on the same p-values")


def nonconform_rows(drift, scores, seconds):
    try:
        from nonconform import martingales
        from nonconform.monitoring import SequentialRankConformalizer
    except ImportError:
        yield absent(f"martingales of {STEPS:,} scores", None, "nonconform", TARGET, "not installed (it wants Python 3.12)")
        return
    ours, _ = median_seconds(lambda: drift.OnlinePValues(seed=0).add(scores))
    theirs, _ = median_seconds(lambda: SequentialRankConformalizer(seed=0).update_many(scores))
    yield row(f"online p-values of {STEPS:,} scores", ours, theirs, "nonconform", None, "random", None, "sorted list: O(n) a step, in one memmove")
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
        yield row(what, seconds[ours_name], theirs, "nonconform", TARGET, difference, difference < 1e-5, note)


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
        result = row(f"{kind[:-10].lower()} martingale of {LONG:,} scores", taken, None, "-", None, None, None, "p-values included")
        yield {**result, "target": "10 s", "held": taken < 10}
