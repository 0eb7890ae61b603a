"""Risk control beside MAPIE, statsmodels, and the definitions in NumPy and SciPy."""

import math
import warnings

import numpy as np
from timing import median_seconds, row

DELTA = 0.1


def losses_of(random, n, settings):
    """Missed area: fractions that fall from the first to the last setting."""
    size = random.random((n, 1))
    return np.clip(size * np.linspace(1.2, 0, settings) - 0.4 * random.random((n, 1)), 0, 1)


def defined_bounds(losses, order):
    """Betting bounds from the definition: running products as sums of logarithms, the root by Brent's method."""
    from scipy.optimize import brentq

    losses = losses[order]
    i = np.arange(1, len(losses) + 1)[:, None]
    mean = (0.5 + np.cumsum(losses, 0)) / (i + 1)
    variance = np.vstack([np.full((1, losses.shape[1]), 0.25), ((0.25 + np.cumsum((losses - mean) ** 2, 0)) / (i + 1))[:-1]])
    bets = np.minimum(1, np.sqrt(2 * math.log(1 / DELTA) / (len(losses) * variance)))

    def bound(x, nu):
        def excess(r):
            return np.cumsum(np.log1p(-nu * (x - r))).max() - math.log(1 / DELTA)

        return brentq(excess, 1e-12, 1, xtol=1e-13) if excess(1) > 0 else 1.0

    columns = zip(np.ascontiguousarray(losses.T), np.ascontiguousarray(bets.T), strict=True)
    return np.array([bound(x, nu) for x, nu in columns])


def bounds_rows(risk, random):
    losses = losses_of(random, 10_000, 1000)
    ours, result = median_seconds(lambda: risk.rcps(losses, limit=0.1, confidence=1 - DELTA))
    theirs, bounds = median_seconds(lambda: defined_bounds(losses, risk.betting_order(len(losses))), times=1)
    difference = float(np.abs(np.maximum(bounds, result.risks) - result.bounds).max())
    yield row("RCPS, WSR betting, 10,000 x 1,000", ours, theirs, "NumPy + scipy brentq", None, difference, difference < 1e-10, "the peer measured once")
    for bound in ("hoeffding", "hoeffding_bentkus", "empirical_bernstein", "binomial"):
        table = (losses > 0.3).astype(float) if bound == "binomial" else losses
        ours, _ = median_seconds(lambda b=bound, t=table: risk.rcps(t, limit=0.1, bound=b, confidence=1 - DELTA))
        yield row(f"RCPS, {bound}, 10,000 x 1,000", ours, None, "none", None, None, None, "time alone")


def mapie_bounds_rows(risk, random):
    from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value, get_r_hat_plus

    def theirs_of(losses, method, bound):
        # MAPIE looks for bounds on the grid of lambdas; 1 must be on it.
        return get_r_hat_plus(losses, np.linspace(0, 1, losses.shape[1]), method, bound, DELTA, 0.25)[1]

    large = losses_of(random, 10_000, 1000)
    plain = "MAPIE takes a mean with numpy and looks at no value; ours checks all and compensates sums"
    for bound, peer_bound, note in (
        ("hoeffding", "hoeffding", plain),
        ("empirical_bernstein", "bernstein", "up to 1.5.0 MAPIE took the variance across settings"),
    ):
        ours, result = median_seconds(lambda b=bound: risk.mean_upper_bounds(large, bound=b, confidence=1 - DELTA))
        theirs, bounds = median_seconds(lambda b=peer_bound: theirs_of(large, "rcps", b))
        difference = float(np.abs(np.minimum(bounds, 1) - result.upper).max())
        yield row(f"{bound} bounds, 10,000 x 1,000", ours, theirs, "MAPIE", None, difference, difference < 1e-12, note)
    ours, result = median_seconds(lambda: risk.crc(large, limit=0.1))
    theirs, bounds = median_seconds(lambda: theirs_of(large, "crc", None))
    difference = float(np.abs(bounds - result.bounds).max())
    yield row("CRC, 10,000 x 1,000", ours, theirs, "MAPIE", None, difference, difference < 1e-12, f"{plain}, and that no row rises")
    small = losses_of(random, 2000, 100)
    ours, result = median_seconds(lambda: risk.mean_upper_bounds(small, confidence=1 - DELTA), 9)
    theirs, bounds = median_seconds(lambda: theirs_of(small, "rcps", "wsr"))
    yield row("RCPS, WSR betting, 2,000 x 100", ours, theirs, "MAPIE", None, f"largest difference {np.abs(bounds - result.upper).max():.3g}", False,
              "MAPIE adds up the maxima of two half batches and rounds to its grid; n settings^2 of memory, 10,000 x 1,000 would be 40 GB an array")  # fmt: skip

    ours, result = median_seconds(lambda: risk.mean_p_values(large, limit=0.1, bound="hoeffding_bentkus"))
    theirs, p = median_seconds(lambda: compute_hoeffding_bentkus_p_value(large.mean(0), 10_000, 0.1)[:, 0])
    different = np.abs(p - result) > 1e-9 * np.maximum(p, 1e-300) + 1e-12
    yield row("Hoeffding-Bentkus p-values, 10,000 x 1,000", ours, theirs, "MAPIE", None, f"{different.sum()} of {len(p)} differ", not bool(different.any()), plain)
    stepped = sum(int((np.ceil(n * (np.arange(n + 1) / n)) != np.arange(n + 1)).sum()) for n in range(1, 1001))
    k, n = next((k, n) for n in range(1, 1001) for k in range(n + 1) if math.ceil(n * (k / n)) != k)
    theirs_p = float(compute_hoeffding_bentkus_p_value(np.array([k / n]), n, 0.5, binary=True)[0, 0])
    ours_p = risk.mean_p_value((np.arange(n) < k).astype(float), limit=0.5, bound="binomial")
    yield row("binomial p-values of whole counts", None, None, "MAPIE", None, f"p({k} of {n}, 0.5): ours {ours_p:.4g}, MAPIE {theirs_p:.4g}", bool(abs(theirs_p - ours_p) < 1e-9),
              f"MAPIE counts one loss too many in {stepped:,} of 501,500 pairs k <= n <= 1,000: ceil(n (k / n)) in floating point")  # fmt: skip


def validity_row(risk, random, *, arranged):
    from mapie.risk_control.methods import get_r_hat_plus

    draws, n, limit, lambdas = 1000, 1000, 0.1, np.array([0, 0.0999, 0.5, 0.75, 1])
    wrong = {"ours": 0, "MAPIE": 0}
    for seed in range(draws):
        losses = np.repeat((random.random((n, 1)) < 0.1001).astype(float), 5, 1)  # no setting keeps the limit
        if arranged:
            losses = losses[np.argsort(losses[:, 0], kind="stable")]
        wrong["ours"] += risk.rcps(losses, limit=limit, confidence=1 - DELTA, seed=seed).index is not None
        wrong["MAPIE"] += bool(get_r_hat_plus(losses, lambdas, "rcps", "wsr", DELTA, 0.25)[1].min() < limit)
    rates = {name: count / draws for name, count in wrong.items()}
    what = "RCPS, WSR: share of settings above the limit that are certified, 0.1 allowed" + (", rows sorted by loss" if arranged else "")
    return row(what, None, None, "MAPIE", None,
               f"ours {rates['ours']:.3f}, MAPIE {rates['MAPIE']:.3f} of {draws} draws", bool(rates["MAPIE"] <= DELTA + 5 * math.sqrt(DELTA * (1 - DELTA) / draws)),
               "flat risk of 0.1001 at a limit of 0.1, 1,000 losses of 0 or 1, confidence 0.9")  # fmt: skip


def threshold_rows(risk, random):
    from mapie.risk_control import BinaryClassificationController

    defects, good, escape = 2000, 18_000, 0.02
    scores = 1 / (1 + np.exp(-np.concatenate([random.normal(2, 1, defects), random.normal(-2, 1, good)])))
    labels = np.repeat([1, 0], [defects, good])
    ours, result = median_seconds(lambda: risk.certified_threshold(scores, labels, max_escape=escape), 9)
    for method, settings in (("fixed_sequence", 1000), ("bonferroni_holm", 100)):

        def calibrate(method=method, settings=settings):
            controller = BinaryClassificationController(lambda x: np.column_stack([1 - x, x]), "recall", 1 - escape, confidence_level=0.95,
                                                        list_predict_params=np.linspace(0, 0.99, settings), fwer_method=method)  # fmt: skip
            controller.calibrate(scores, labels)
            return max(controller.valid_predict_params)

        theirs, threshold = median_seconds(calibrate)
        overkill = float((scores[defects:] >= threshold).mean())
        yield row(f"threshold with escape <= {escape:.0%}, 20,000 scores, {method} on {settings} settings", ours, theirs, "MAPIE", None,
                  f"overkill: ours {result.overkill.value:.4f}, MAPIE {overkill:.4f}", result.overkill.value <= overkill, "ours needs no grid and returns no more overkill")  # fmt: skip
    many = np.concatenate([random.normal(3, 1, 100_000), random.normal(0, 1, 900_000)])
    ours, _ = median_seconds(lambda: risk.certified_threshold(many, np.repeat(np.uint8([1, 0]), [100_000, 900_000]), max_escape=0.001))
    yield row("certified threshold, 10^6 scores", ours, None, "none", None, None, None, "time alone")


def family_rows(risk, random):
    p_values = random.random(1000) ** 4
    ours, rejected = median_seconds(lambda: risk.family_wise_rejections(p_values, level=DELTA, method="holm"), 9)
    from mapie.risk_control.fwer_control import control_fwer

    theirs, found = median_seconds(lambda: control_fwer(p_values, DELTA, "bonferroni_holm"))
    same = bool((np.flatnonzero(rejected) == found).all()) if rejected.sum() == len(found) else False
    yield row("Holm, 1,000 p-values", ours, theirs, "MAPIE", None, "same rejections" if same else "other rejections", same)
    try:
        from statsmodels.stats.multitest import multipletests
    except ImportError:
        yield row("Holm, 1,000 p-values", ours, None, "statsmodels", None, None, None, "not installed")
        return
    theirs, found = median_seconds(lambda: multipletests(p_values, DELTA, method="holm")[0])
    same = bool((found == rejected).all())
    yield row("Holm, 1,000 p-values", ours, theirs, "statsmodels", None, "same rejections" if same else "other rejections", same)


def rows(oddity):
    from oddity.metrics import risk

    random = np.random.default_rng(0)
    warnings.simplefilter("ignore")
    yield from bounds_rows(risk, random)
    try:
        import mapie  # noqa: F401
    except ImportError:
        yield row("RCPS, WSR betting, 2,000 x 100", None, None, "MAPIE", None, None, None, "not installed")
        return
    yield from mapie_bounds_rows(risk, random)
    yield validity_row(risk, random, arranged=False)
    yield validity_row(risk, random, arranged=True)
    yield from threshold_rows(risk, random)
    yield from family_rows(risk, random)
