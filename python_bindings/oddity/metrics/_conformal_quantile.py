"""Thresholds of conformal prediction with their laws; public names are in oddity.metrics.conformal."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import conformal as _compiled

from ._arguments import ArrayLike, count, optional, real
from .intervals import Interval

__all__ = [
    "BetaLaw",
    "ConformalQuantile",
    "ConformalRank",
    "GroupQuantiles",
    "conformal_quantile",
    "conformal_quantiles",
    "conformal_rank",
    "group_conformal_quantiles",
]


def levels(function: str, name: str, value: object) -> Any:
    """One number or a list of them, as what the compiled functions take for a list."""
    return [real(function, name, value)] if np.ndim(value) == 0 else value  # type: ignore[arg-type]


@dataclass(frozen=True)
class BetaLaw:
    """What is known of the coverage before it is measured: given the calibration set it follows Beta(a, b).

    Exact for scores without ties; ties only raise the coverage. The share covered of m new samples follows a beta-binomial law with the same a and b.

    Attributes:
        a: The rank of the threshold.
        b: n + 1 - rank; 0 for an infinite threshold, whose coverage is 1.
    """

    a: float
    b: float

    @property
    def mean(self) -> float:
        """Coverage on average over calibration sets, a / (a + b); at least 1 - alpha."""
        return self.a / (self.a + self.b)

    def probability_below(self, level: float) -> float:
        """P(coverage < level).

        Args:
            level: In [0, 1].

        Returns:
            A probability; small is good.

        Raises:
            ValueError: level out of range.
        """
        result: float = _compiled.beta_below(self.a, self.b, real("probability_below", "level", level))
        return result

    def interval(self, *, confidence: float = 0.95) -> Interval:
        """Central interval of the coverage: by default from its 2.5 % to its 97.5 % quantile.

        Args:
            confidence: In (0, 1).

        Returns:
            The interval, within [0, 1].

        Raises:
            ValueError: confidence out of range.
        """
        return Interval(*_compiled.beta_interval(self.a, self.b, real("interval", "confidence", confidence)))


@dataclass(frozen=True)
class ConformalRank:
    """Which order statistic of n scores is the threshold.

    Attributes:
        n: Calibration scores.
        alpha: Wanted miss rate.
        delta: None: the coverage is at least 1 - alpha on average over calibration sets; otherwise with probability 1 - delta over them.
        rank: The threshold is the rank-th smallest score; n + 1 stands for infinity.
        infinite: n is too small: only an infinite threshold keeps the promise.
        n_needed: Smallest n that gives a finite threshold.
        coverage: Law of the coverage given the calibration set.
    """

    n: int
    alpha: float
    delta: float | None
    rank: int
    infinite: bool
    n_needed: int
    coverage: BetaLaw


@dataclass(frozen=True)
class ConformalQuantile(ConformalRank):
    """A threshold with what it rests on.

    Attributes:
        n: Calibration scores.
        alpha: Wanted miss rate.
        delta: None: the coverage is at least 1 - alpha on average over calibration sets; otherwise with probability 1 - delta over them.
        rank: The threshold is the rank-th smallest score; n + 1 stands for infinity.
        infinite: n is too small: only an infinite threshold keeps the promise.
        n_needed: Smallest n that gives a finite threshold.
        coverage: Law of the coverage given the calibration set.
        threshold: A new sample is covered when its score is at most this; inf when infinite.
    """

    threshold: float


def quantile_of(fields: dict[str, Any]) -> ConformalQuantile:
    return ConformalQuantile(**{**fields, "coverage": BetaLaw(*fields["coverage"])})


@dataclass(frozen=True, eq=False)
class GroupQuantiles:
    """One threshold for each group (Mondrian conformal prediction), each from its own samples and with its own law.

    Attributes:
        alphas: Wanted miss rates.
        groups: [groups] int64, ascending: groups of the calibration samples, or all classes.
        quantiles: [alphas][groups].
    """

    alphas: tuple[float, ...]
    groups: NDArray[np.int64]
    quantiles: tuple[tuple[ConformalQuantile, ...], ...]

    def of(self, group: int, *, level: int = 0) -> ConformalQuantile:
        """The threshold of one group.

        Args:
            group: One of `groups`.
            level: Index of the alpha.

        Returns:
            The threshold with its law.

        Raises:
            ValueError: A group that the calibration did not have, or a level out of range.
        """
        found = np.flatnonzero(self.groups == count("of", "group", group, least=-(2**63)))
        if len(found) == 0:
            raise ValueError(f"[metrics.of] group is not known; got {group}; expected one of {self.groups.tolist()}")
        return self.quantiles[self._level("of", level)][int(found[0])]

    def thresholds(self, *, level: int = 0) -> NDArray[np.float64]:
        """The thresholds in the order of `groups`.

        Args:
            level: Index of the alpha.

        Returns:
            [groups] float64; inf where the group has too few samples.

        Raises:
            ValueError: A level out of range.
        """
        return np.array([quantile.threshold for quantile in self.quantiles[self._level("thresholds", level)]])

    def thresholds_of(self, groups: ArrayLike, *, level: int = 0) -> NDArray[np.float64]:
        """The threshold of each sample by its group, such as for `residual_intervals`.

        Args:
            groups: [samples] integers.
            level: Index of the alpha.

        Returns:
            [samples] float64; inf for a group that the calibration did not have.

        Raises:
            ValueError: A level out of range, or groups that are not one-dimensional.
            TypeError: Groups that are not integers.
        """
        wanted = np.asarray(groups)
        if wanted.ndim != 1:
            raise ValueError(f"[metrics.thresholds_of] groups must have 1 dimension; got shape {wanted.shape}")
        if wanted.size > 0 and wanted.dtype.kind not in "iu":
            raise TypeError(f"[metrics.thresholds_of] groups has dtype {wanted.dtype}; expected integers")
        at = np.searchsorted(self.groups, wanted).clip(max=len(self.groups) - 1)
        return np.where(self.groups[at] == wanted, self.thresholds(level=level)[at], np.inf)

    def _level(self, function: str, level: int) -> int:
        level = count(function, "level", level)
        if level >= len(self.alphas):
            raise ValueError(f"[metrics.{function}] level is out of range; got {level}; expected 0 to {len(self.alphas) - 1}")
        return level


def group_quantiles_of(fields: dict[str, Any]) -> GroupQuantiles:
    quantiles, width = [quantile_of(q) for q in fields["quantiles"]], len(fields["groups"])
    rows = tuple(tuple(quantiles[start : start + width]) for start in range(0, len(quantiles), width))
    return GroupQuantiles(tuple(fields["alphas"]), fields["groups"], rows)


def conformal_rank(n: int, *, alpha: float, delta: float | None = None) -> ConformalRank:
    """The rank of a conformal threshold among n scores, exactly (Vovk, Gammerman and Shafer 2005).

    Without `delta` it is n + 1 - floor((n + 1) alpha), alpha being the simplest fraction that is the same double: rounding (n + 1)(1 - alpha) up in floating point
    gives 124 instead of 123 for n = 149, alpha = 0.18. Then 1 - alpha <= P(covered) <= 1 - alpha + 1 / (n + 1), the upper bound without ties. It is finite from
    n = ceil(1 / alpha) - 1.

    With `delta` ("PAC", training-conditional; Vovk 2012) it is the smallest rank with P(Beta(rank, n + 1 - rank) < 1 - alpha) <= delta: this calibration set, not the
    average one, covers 1 - alpha, with probability 1 - delta. It is finite from the first n with (1 - alpha)^n <= delta.

    Args:
        n: Calibration scores, 0 to 10^12.
        alpha: Wanted miss rate, in (0, 1).
        delta: In (0, 1), or None.

    Returns:
        The rank, its law, and the n that is needed.

    Raises:
        ValueError: n, alpha or delta out of range; alpha below 1e-15.
    """
    function = "conformal_rank"
    fields = _compiled.conformal_rank(count(function, "n", n), real(function, "alpha", alpha), optional(function, "delta", delta))
    return ConformalRank(**{**fields, "coverage": BetaLaw(*fields["coverage"])})


def conformal_quantile(scores: ArrayLike, *, alpha: float, delta: float | None = None) -> ConformalQuantile:
    """The threshold that a new score exceeds with probability alpha at most: the order statistic of `conformal_rank`.

    Args:
        scores: [n] float32 or float64 scores of calibration samples in any order, larger is stranger.
        alpha: Wanted miss rate, in (0, 1).
        delta: See `conformal_rank`.

    Returns:
        The threshold, inf when n is too small, with its law.

    Raises:
        ValueError: No score, NaN or infinite ones; alpha or delta out of range.
        TypeError: Another dtype.
    """
    function = "conformal_quantile"
    return quantile_of(_compiled.conformal_quantile(scores, real(function, "alpha", alpha), optional(function, "delta", delta)))


def conformal_quantiles(scores: ArrayLike, *, alphas: ArrayLike, delta: float | None = None) -> list[ConformalQuantile]:
    """`conformal_quantile` for several alphas from one partial sort.

    Args:
        scores: [n] float32 or float64, larger is stranger.
        alphas: Wanted miss rates, each in (0, 1), in any order.
        delta: See `conformal_rank`; for each alpha by itself.

    Returns:
        One threshold for each alpha.

    Raises:
        ValueError: No score, NaN or infinite ones; no alpha; alpha or delta out of range.
        TypeError: Another dtype.
    """
    return [quantile_of(q) for q in _compiled.conformal_quantiles(scores, alphas, optional("conformal_quantiles", "delta", delta))]


def group_conformal_quantiles(
    scores: ArrayLike, groups: ArrayLike, *, alpha: float | ArrayLike, delta: float | None = None
) -> GroupQuantiles:
    """A threshold for each group from its own scores (Mondrian conformal prediction; Vovk, Gammerman and Shafer 2005, section 4.5).

    P(covered | group) >= 1 - alpha for every group, not only on average over groups. Groups may be products, cameras, shifts, or the class itself.

    Args:
        scores: [n] float32 or float64, larger is stranger.
        groups: [n] integers, any values.
        alpha: Wanted miss rate or several of them, each in (0, 1).
        delta: See `conformal_rank`; for each group by itself.

    Returns:
        The thresholds; a group with too few samples has an infinite one that says how many it needs.

    Raises:
        ValueError: No score, NaN or infinite ones; lengths that differ; alpha or delta out of range.
        TypeError: Another dtype.
    """
    function = "group_conformal_quantiles"
    return group_quantiles_of(
        _compiled.group_conformal_quantiles(scores, groups, levels(function, "alpha", alpha), optional(function, "delta", delta))
    )
