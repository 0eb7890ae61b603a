"""False discovery control beside SciPy and statsmodels."""

import statistics
import time

import numpy as np

N, LEVEL = 1_000_000, 0.1


def median_seconds(function, times=5):
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        result = function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), result


def row(what, peer_name, ours, theirs, difference, target, note=""):
    ratio = theirs / ours
    return {"what": what, "ours": ours, "peer": theirs, "peer_name": peer_name, "ratio": ratio, "agreement": difference, "agrees": difference <= 1e-12,
            "target": None if target is None else f"{target:g} x", "held": None if target is None else ratio >= target, "note": note}  # fmt: skip


def rows(oddity):
    from oddity.metrics import outliers
    from scipy.stats import false_discovery_control

    random = np.random.default_rng(0)
    mixed = np.where(random.random(N) < 0.1, random.random(N) ** 6, random.random(N))
    conformal = outliers.outlier_p_values(random.normal(size=10_000), random.normal(size=N)).values
    for name, p_values in (("continuous", mixed), ("conformal, 10,000 calibration parts", conformal)):
        ours, result = median_seconds(lambda p=p_values: outliers.benjamini_hochberg(p, level=LEVEL))
        theirs, adjusted = median_seconds(lambda p=p_values: false_discovery_control(p))
        yield row(f"Benjamini-Hochberg, {N:,} p-values, {name}", "scipy", ours, theirs, float(np.abs(adjusted - result.adjusted).max()), 3.0)
        ours, result = median_seconds(lambda p=p_values: outliers.benjamini_yekutieli(p, level=LEVEL))
        theirs, adjusted = median_seconds(lambda p=p_values: false_discovery_control(p, method="by"))
        yield row(f"Benjamini-Yekutieli, {N:,} p-values, {name}", "scipy", ours, theirs, float(np.abs(adjusted - result.adjusted).max()), None)
    # Levels that are hit exactly, as conformal p-values do: n p = level k in whole numbers.
    cases = missed = found = 0
    for n in (20, 50, 100, 1000):
        for k in range(1, n, n // 10):
            for percent in range(1, 31):
                p_values = np.append(np.full(k, k * percent / (100 * n)), np.ones(n - k))
                cases += 1
                missed += not false_discovery_control(p_values)[0] <= percent / 100
                found += outliers.benjamini_hochberg(p_values, level=percent / 100).count == k
    yield {"what": "Benjamini-Hochberg where the level is hit exactly", "ours": None, "peer": None, "peer_name": "scipy", "ratio": None,
           "agreement": f"rejects in {cases - missed} of {cases}, ours in {found}", "agrees": missed == 0, "target": None, "held": None,
           "note": "k n-ths of the level as conformal p-values; SciPy's adjusted value is above the level by its rounding"}  # fmt: skip
    try:
        from statsmodels.stats.multitest import multipletests
    except ImportError:
        yield {"what": f"Benjamini-Hochberg, {N:,} p-values, continuous", "ours": None, "peer": None, "peer_name": "statsmodels", "ratio": None,
               "agreement": None, "agrees": None, "target": None, "held": None, "note": "not installed"}  # fmt: skip
        return
    ours, result = median_seconds(lambda: outliers.benjamini_hochberg(mixed, level=LEVEL))
    theirs, (rejected, adjusted, _, _) = median_seconds(lambda: multipletests(mixed, LEVEL, method="fdr_bh"))
    difference = float(np.abs(adjusted - result.adjusted).max())
    assert (rejected == result.rejected).all()
    yield row(f"Benjamini-Hochberg, {N:,} p-values, continuous", "statsmodels", ours, theirs, difference, None)
