"""Intervals, paired tests, agreement and the bootstrap beside SciPy, scikit-learn, statsmodels and MLstatkit, on 2 threads."""

import warnings

import numpy as np
from timing import absent, row, side_by_side

SCORES, RESAMPLES, MEASURED = 1_000_000, 1000, 6


def ranked(share=0.5):
    random = np.random.default_rng(0)
    labels = (random.random(SCORES) < share).astype(np.uint8)
    scores = random.normal(size=SCORES) + labels
    return scores, 0.7 * scores + 0.7 * random.normal(size=SCORES), labels


def delong_rows(comparison, intervals):
    a, b, labels = ranked()
    from sklearn.metrics import roc_auc_score

    (ours, value), (theirs, area) = side_by_side(lambda: intervals.delong_auroc(a, labels), lambda: roc_auc_score(labels, a))
    yield row(f"AUROC with DeLong interval of {SCORES:,} float64 scores", ours, theirs, "scikit-learn roc_auc_score (value only)", "0.5 s", abs(value.auroc - area),
              abs(value.auroc - area) < 1e-12, held=ours < 0.5)  # fmt: skip
    what = f"DeLong test of two models on {SCORES:,} parts"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from MLstatkit import Delong_test
    except ImportError:
        yield absent(what, side_by_side(lambda: comparison.delong_test(a, b, labels))[0][0], "MLstatkit")
        return
    (ours, test), (theirs, found) = side_by_side(lambda: comparison.delong_test(a, b, labels), lambda: Delong_test(labels, a, b, n_boot=0))
    error = abs(abs(test.statistic) - abs(found[0])) / abs(found[0])
    yield row(what, ours, theirs, "MLstatkit", None, error, error < 1e-6, "agreement of z, relative")


def bootstrap_rows(bootstrap, intervals):
    from sklearn.metrics import roc_auc_score

    for share in (0.5, 0.01):
        a, _, labels = ranked(share)
        random = np.random.default_rng(1)

        def loop(a=a, labels=labels, random=random):
            values = []
            for _ in range(MEASURED):
                drawn = random.integers(0, SCORES, SCORES)
                values.append(roc_auc_score(labels[drawn], a[drawn]))
            return values

        (ours, result), (theirs, values) = side_by_side(lambda a=a, labels=labels: bootstrap.bootstrap_ranking(a, labels, resamples=RESAMPLES), loop)
        error = abs(result.standard_error / intervals.delong_auroc(a, labels).standard_error - 1)
        # The standard error of a standard deviation of 1,000 draws is 1 / sqrt(2,000) = 2.2 % of it.
        agrees = error < 0.11 and abs(np.mean(values) - result.value) < 5 * result.standard_error
        yield row(f"{RESAMPLES:,} bootstrap AUROCs of {SCORES:.0e} scores, {100 * share:g} % defects", ours, theirs * RESAMPLES / MEASURED,
                  "scikit-learn in a loop", 50, error, agrees, f"loop: {MEASURED} resamples, scaled; agreement of the error with DeLong's, relative")  # fmt: skip
    random = np.random.default_rng(2)
    losses = random.exponential(size=2000)
    from scipy import stats

    def theirs():
        return stats.bootstrap((losses,), np.mean, n_resamples=5000, method="BCa", batch=500).confidence_interval

    (ours, result), (peer, interval) = side_by_side(lambda: bootstrap.bootstrap_weighted(2000, lambda w: w @ losses / 2000, method="bca", resamples=5000), theirs)
    error = max(abs(result.low - interval.low), abs(result.high - interval.high)) / result.standard_error
    yield row("BCa interval of a mean, 2,000 losses, 5,000 resamples, a Python statistic", ours, peer, "SciPy bootstrap", None, error, error < 0.25,
              "agreement of the ends in standard errors; both draw anew")  # fmt: skip


def other_rows(comparison, intervals):
    from scipy import stats
    from sklearn.metrics import cohen_kappa_score

    pairs = [(k, n) for n in range(100, 2100, 100) for k in range(0, n, n // 50)]

    def scipy_intervals():
        return [stats.binomtest(k, n).proportion_ci(0.95, method="exact") for k, n in pairs]

    (ours, own), (theirs, found) = side_by_side(lambda: [intervals.clopper_pearson(k, n) for k, n in pairs], scipy_intervals)
    error = max(max(abs(a.low - b.low), abs(a.high - b.high)) for a, b in zip(own, found, strict=True))
    yield row(f"{len(pairs):,} Clopper-Pearson intervals", ours, theirs, "SciPy binomtest", None, error, error < 1e-9)

    random = np.random.default_rng(3)
    a, b = random.normal(size=5000), random.normal(0.02, size=5000)

    def scipy_permutation():
        return stats.permutation_test((a - b,), lambda x, axis: x.mean(axis), permutation_type="samples", n_resamples=1999, batch=200, vectorized=True)

    (ours, own), (theirs, found) = side_by_side(lambda: comparison.paired_permutation_test(a, b, permutations=1999), scipy_permutation)
    error = abs(own.p_value - found.pvalue)
    yield row("paired permutation test, 5,000 parts, 1,999 permutations", ours, theirs, "SciPy permutation_test", None, error, error < 5 * 0.016,
              "both draw anew: a standard error of 0.5 / sqrt(1999) each")  # fmt: skip

    x = random.integers(0, 5, 2_000_000)
    y = np.where(random.random(x.size) < 0.7, x, random.integers(0, 5, x.size))
    (ours, own), (theirs, found) = side_by_side(lambda: comparison.cohen_kappa(x, y, weights="quadratic"), lambda: cohen_kappa_score(x, y, weights="quadratic"))
    yield row("quadratic kappa of 2,000,000 items, 5 classes", ours, theirs, "scikit-learn (value only)", None, abs(own.kappa - found), abs(own.kappa - found) < 1e-10)
    try:
        from statsmodels.stats import inter_rater
    except ImportError:
        yield absent("Fleiss' kappa of 200,000 items, 5 raters", None, "statsmodels")
        return
    ratings = np.where(random.random((200_000, 5)) < 0.6, random.integers(0, 4, (200_000, 1)), random.integers(0, 4, (200_000, 5)))
    (ours, own), (theirs, found) = side_by_side(
        lambda: comparison.fleiss_kappa(ratings), lambda: inter_rater.fleiss_kappa(inter_rater.aggregate_raters(ratings)[0]), times=3
    )
    yield row("Fleiss' kappa of 200,000 items, 5 raters", ours, theirs, "statsmodels (value only)", None, abs(own.kappa - found), abs(own.kappa - found) < 1e-10)


def rows(oddity):
    from oddity.metrics import bootstrap, comparison, intervals

    yield from delong_rows(comparison, intervals)
    yield from bootstrap_rows(bootstrap, intervals)
    yield from other_rows(comparison, intervals)
