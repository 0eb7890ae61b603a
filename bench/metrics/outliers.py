"""False discovery control beside SciPy and statsmodels."""

import numpy as np
from timing import absent, median_seconds, row

N, LEVEL, TOLERANCE = 1_000_000, 0.1, 1e-12


def rows(oddity):
    from oddity.metrics import outliers
    from scipy.stats import false_discovery_control

    random = np.random.default_rng(0)
    mixed = np.where(random.random(N) < 0.1, random.random(N) ** 6, random.random(N))
    conformal = outliers.outlier_p_values(random.normal(size=10_000), random.normal(size=N)).values
    for name, p_values in (("continuous", mixed), ("conformal, 10,000 calibration parts", conformal)):
        ours, result = median_seconds(lambda p=p_values: outliers.benjamini_hochberg(p, level=LEVEL), 5)
        theirs, adjusted = median_seconds(lambda p=p_values: false_discovery_control(p), 5)
        difference = float(np.abs(adjusted - result.adjusted).max())
        yield row(f"Benjamini-Hochberg, {N:,} p-values, {name}", ours, theirs, "scipy", 3.0, difference, difference <= TOLERANCE)
        ours, result = median_seconds(lambda p=p_values: outliers.benjamini_yekutieli(p, level=LEVEL), 5)
        theirs, adjusted = median_seconds(lambda p=p_values: false_discovery_control(p, method="by"), 5)
        difference = float(np.abs(adjusted - result.adjusted).max())
        yield row(f"Benjamini-Yekutieli, {N:,} p-values, {name}", ours, theirs, "scipy", None, difference, difference <= TOLERANCE)
    # Levels that are hit exactly, as conformal p-values do: n p = level k in whole numbers.
    cases = missed = found = 0
    for n in (20, 50, 100, 1000):
        for k in range(1, n, n // 10):
            for percent in range(1, 31):
                p_values = np.append(np.full(k, k * percent / (100 * n)), np.ones(n - k))
                cases += 1
                missed += not false_discovery_control(p_values)[0] <= percent / 100
                found += outliers.benjamini_hochberg(p_values, level=percent / 100).count == k
    yield row("Benjamini-Hochberg where the level is hit exactly", None, None, "scipy", None, f"rejects in {cases - missed} of {cases}, ours in {found}", missed == 0,
              "k n-ths of the level as conformal p-values; SciPy's adjusted value is above the level by its rounding")  # fmt: skip
    try:
        from statsmodels.stats.multitest import multipletests
    except ImportError:
        yield absent(f"Benjamini-Hochberg, {N:,} p-values, continuous", None, "statsmodels")
        return
    ours, result = median_seconds(lambda: outliers.benjamini_hochberg(mixed, level=LEVEL), 5)
    theirs, (rejected, adjusted, _, _) = median_seconds(lambda: multipletests(mixed, LEVEL, method="fdr_bh"), 5)
    difference = float(np.abs(adjusted - result.adjusted).max())
    assert (rejected == result.rejected).all()
    yield row(f"Benjamini-Hochberg, {N:,} p-values, continuous", ours, theirs, "statsmodels", None, difference, difference <= TOLERANCE)
