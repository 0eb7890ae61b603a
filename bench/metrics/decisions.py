"""Decisions and projection beside scikit-learn, statsmodels and firthmodels."""

import numpy as np
from timing import absent, median_seconds, row, side_by_side


def thresholds(decisions):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.metrics import make_scorer, roc_curve
    from sklearn.model_selection import TunedThresholdClassifierCV

    class Scores(ClassifierMixin, BaseEstimator):
        classes_ = np.array([0, 1])

        def fit(self, x, y):
            return self

        def decision_function(self, x):
            return x[:, 0]

        def __sklearn_is_fitted__(self):
            return True

    random = np.random.default_rng(0)
    labels = (random.random(100_000) < 0.05).astype(np.int64)
    scores = np.round(random.normal(size=100_000) + 2 * labels, 1)
    prevalence, model = 0.01, decisions.CostModel(cost_undetected_escape=50, cost_rework=2, cost_overkill=1)

    def value(truth, rejected):
        escape, overkill = 1 - rejected[truth == 1].mean(), rejected[truth == 0].mean()
        return -(prevalence * (escape * 50 + (1 - escape) * 2) + (1 - prevalence) * overkill)

    search = TunedThresholdClassifierCV(
        Scores(), scoring=make_scorer(value), thresholds=np.unique(scores), cv="prefit", refit=False, response_method="decision_function"
    )
    (ours, best), (theirs, found) = side_by_side(
        lambda: decisions.best_thresholds(scores, labels, model, actions="two_way", prevalence=prevalence), lambda: search.fit(scores[:, None], labels)
    )
    cost = decisions.line_cost(model, decisions.rates_at(scores, labels, lower=best.lower, upper=best.upper, prevalence=prevalence)).total
    difference = abs(cost + found.best_score_)
    what = f"cheapest of {len(np.unique(scores))} thresholds, 100,000 parts"
    yield row(what, ours, theirs, "scikit-learn TunedThresholdClassifierCV", None, difference, difference < 1e-12, "the peer is told the thresholds; ours takes all")

    sample, truth = scores[:10_000] + 1e-6 * np.arange(10_000), labels[:10_000]
    ours, best = median_seconds(lambda: decisions.optimal_thresholds(sample, truth, model, actions="two_way", prevalence=prevalence, resamples=1000))

    def loop():
        optima, optimism = np.empty(1000), np.empty(1000)
        strata = [np.flatnonzero(truth == c) for c in (0, 1)]
        for r in range(1000):
            drawn = np.concatenate([random.choice(s, len(s)) for s in strata])
            false, true, cuts = roc_curve(truth[drawn], sample[drawn])
            costs = prevalence * (50 - 48 * true) + (1 - prevalence) * false
            k = costs.argmin()
            rejected = sample >= cuts[k]
            optima[r] = costs[k]
            optimism[r] = -value(truth, rejected) - costs[k]
        return optimism.mean()

    theirs, mean = median_seconds(loop, times=1)
    difference = abs(mean - best.optimism)
    error = 5 * 0.02 / np.sqrt(1000)  # five standard errors of a mean of 1,000 draws that differ by less than 0.02
    note = "both: optimism of the chosen threshold; ours adds intervals of cost, benefit and threshold. Other random draws"
    yield row("1,000 resampled thresholds of 10,000 parts", ours, theirs, "loop over scikit-learn roc_curve", None, difference, difference < error, note)


def selective(decisions):
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(1)
    certainty = random.normal(size=1_000_000)
    losses = (random.random(1_000_000) < 1 / (1 + np.exp(2 + certainty))).astype(np.float64)
    def identity():
        accuracy = 1 - losses.mean()
        return (1 - roc_auc_score(1 - losses, certainty)) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2

    (ours, result), (theirs, augrc) = side_by_side(lambda: decisions.selective_risk(certainty, losses), identity)
    difference = abs(augrc - result.augrc.value)
    note = "the peer gives AUGRC only, by its identity; ours also AURC, excess AURC and three standard errors"
    yield row("AUGRC of 10^6 parts", ours, theirs, "scikit-learn roc_auc_score", None, difference, difference < 1e-12, note)

    def by_hand():
        risk = np.cumsum(losses[np.argsort(-certainty)]) / np.arange(1, 1_000_001)
        best = np.cumsum(np.sort(losses)) / np.arange(1, 1_000_001)
        return risk.mean(), risk.mean() - best.mean()

    (ours, result), (theirs, (aurc, excess)) = side_by_side(lambda: decisions.selective_risk(certainty, losses), by_hand)
    difference = max(abs(aurc - result.aurc.value), abs(excess - result.excess_aurc.value))
    yield row("AURC and excess AURC of 10^6 parts", ours, theirs, "numpy", None, difference, difference < 1e-10, "the peer by its definition, without ties and standard errors")


def detection(projection):
    random = np.random.default_rng(2)
    sizes = np.exp(random.uniform(-2, 1.5, size=200))
    hits = (random.random(200) < 1 / (1 + np.exp(-1 - 3 * np.log(sizes)))).astype(float)
    found = hits.astype(np.uint8)
    what = "PoD of 200 defects"
    try:
        from statsmodels.api import Logit, add_constant

        design = add_constant(np.log(sizes))
        (ours, result), (theirs, fit) = side_by_side(
            lambda: projection.detectability(sizes, found, fit="maximum_likelihood", bound="wald"), lambda: Logit(hits, design).fit(disp=0), times=9
        )
        difference = float(np.abs(np.array([result.intercept, result.slope]) - fit.params).max())
        yield row(f"{what}, maximum likelihood", ours, theirs, "statsmodels Logit", None, difference, difference < 1e-5, "ours adds a50, a90 and a90/95 by Wald")
    except ImportError:
        yield absent(f"{what}, maximum likelihood", None, "statsmodels Logit")
    try:
        from firthmodels import FirthLogisticRegression

        (ours, result), (theirs, fit) = side_by_side(
            lambda: projection.detectability(sizes, found, bound="wald"), lambda: FirthLogisticRegression().fit(np.log(sizes)[:, None], found), times=9
        )
        difference = max(abs(result.intercept - fit.intercept_), abs(result.slope - fit.coef_[0]))
        profile, _ = median_seconds(lambda: projection.detectability(sizes, found), times=9)
        note = f"the peer stops at a step of 1e-4; ours adds sizes by Wald, and by the penalised profile in {1e3 * profile:.2g} ms"
        yield row(f"{what}, Firth", ours, theirs, "firthmodels", None, difference, difference < 1e-3, note)
    except ImportError:
        yield absent(f"{what}, Firth", None, "firthmodels")


def rows(oddity):
    yield from thresholds(oddity.metrics.decisions)
    yield from selective(oddity.metrics.decisions)
    yield from detection(oddity.metrics.projection)
