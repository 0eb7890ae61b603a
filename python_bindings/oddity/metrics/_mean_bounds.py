"""Bounds and tests of means; public as part of oddity.metrics.risk."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import risk as _compiled

from ._arguments import ArrayLike, count, real


@dataclass(frozen=True)
class MeanUpperBound:
    """A mean with its upper confidence bound.

    Attributes:
        mean: Of the losses.
        upper: The true mean is above it with a probability of at most 1 - confidence. The maximum itself: n is too small to say anything.
        n: Losses.
    """

    mean: float
    upper: float
    n: int


@dataclass(frozen=True, eq=False)
class MeanUpperBounds:
    """Means of columns with their upper confidence bounds, each by itself.

    Attributes:
        means: [settings] float64.
        upper: [settings] float64.
        n: Losses in a column.
    """

    means: NDArray[np.float64]
    upper: NDArray[np.float64]
    n: int


def mean_upper_bound(
    losses: ArrayLike, *, bound: str = "betting", confidence: float = 0.95, maximum: float = 1.0, seed: int = 0
) -> MeanUpperBound:
    """Upper confidence bound of the mean of independent losses in [0, maximum], whatever their distribution.

    With L the losses over the maximum, m their mean, delta = 1 - confidence:

    - "hoeffding": m + sqrt(log(1 / delta) / 2n) (Hoeffding 1963).
    - "hoeffding_bentkus": the better of Hoeffding's relative-entropy form and Bentkus (2004), as in Bates et al. (2021).
    - "empirical_bernstein": m + sqrt(2 V log(2 / delta) / n) + 7 log(2 / delta) / 3(n - 1), V the sample variance (Maurer and Pontil 2009).
    - "betting": inf{r : max_i prod_{j <= i} (1 - nu_j (L_j - r)) >= 1 / delta} (Waudby-Smith and Ramdas 2024, "WSR"), nu from the running variance, but never
      below m. Usually the tightest for losses that are not 0 or 1.
    - "binomial": exact for losses that are 0 or maximum (Clopper and Pearson 1934, one-sided); others are refused.

    Args:
        losses: [n] float32 or float64.
        bound: One of the above.
        confidence: In (0, 1).
        maximum: The largest possible loss, known beforehand.
        seed: "betting" takes the losses in the order betting_order(n, seed), because an order that depends on their values breaks it. For losses in the order of
            their draws any seed serves. For losses that were arranged (sorted, good parts first) the promise is one over losses and seeds together: draw a seed.

    Returns:
        The bound, in [mean, maximum]; small is good.

    Raises:
        ValueError: Empty, NaN, losses outside [0, maximum], not 0 or maximum with "binomial", confidence or maximum out of range, an unknown bound.
        TypeError: Another dtype.
    """
    function = "mean_upper_bound"
    return MeanUpperBound(
        **_compiled.mean_upper_bound(
            losses, bound, real(function, "confidence", confidence), real(function, "maximum", maximum), count(function, "seed", seed)
        )
    )


def mean_upper_bounds(
    losses: ArrayLike, *, bound: str = "betting", confidence: float = 0.95, maximum: float = 1.0, seed: int = 0
) -> MeanUpperBounds:
    """`mean_upper_bound` of every column, each by itself: nothing is corrected for their number.

    Args:
        losses: [n, settings] float32 or float64 in [0, maximum].
        bound: As in `mean_upper_bound`.
        confidence: In (0, 1).
        maximum: The largest possible loss, known beforehand.
        seed: As in `mean_upper_bound`; all columns are taken in one order.

    Returns:
        Means and bounds of the columns.

    Raises:
        ValueError: As `mean_upper_bound`.
        TypeError: Another dtype.
    """
    function = "mean_upper_bounds"
    return MeanUpperBounds(
        **_compiled.mean_upper_bounds(
            losses, bound, real(function, "confidence", confidence), real(function, "maximum", maximum), count(function, "seed", seed)
        )
    )


def mean_p_value(
    losses: ArrayLike, *, limit: float, bound: str = "betting", confidence: float = 0.95, maximum: float = 1.0, seed: int = 0
) -> float:
    """p-value of "the true mean is `limit` or more": P(p <= a) <= a at every a when it is. Small: the mean is below.

    The tests that belong to the bounds of `mean_upper_bound`: p <= 1 - confidence says the same as upper <= limit, up to rounding.

    Args:
        losses: [n] float32 or float64 in [0, maximum], independent.
        limit: In (0, maximum), from 1e-8 of the maximum on.
        bound: As in `mean_upper_bound`.
        confidence: What "betting" bets for, in (0, 1); other p-values do not depend on it.
        maximum: The largest possible loss, known beforehand.
        seed: Of "betting", see `mean_upper_bound`.

    Returns:
        In [0, 1].

    Raises:
        ValueError: As `mean_upper_bound`, or limit out of range.
        TypeError: Another dtype.
    """
    function = "mean_p_value"
    return float(
        _compiled.mean_p_value(
            losses,
            real(function, "limit", limit),
            bound,
            real(function, "confidence", confidence),
            real(function, "maximum", maximum),
            count(function, "seed", seed),
        )
    )


def mean_p_values(
    losses: ArrayLike, *, limit: float, bound: str = "betting", confidence: float = 0.95, maximum: float = 1.0, seed: int = 0
) -> NDArray[np.float64]:
    """`mean_p_value` of every column, each by itself; for several risks at once take the largest of their p-values and test those.

    Args:
        losses: [n, settings] float32 or float64 in [0, maximum].
        limit: In (0, maximum), from 1e-8 of the maximum on.
        bound: As in `mean_upper_bound`.
        confidence: What "betting" bets for, in (0, 1).
        maximum: The largest possible loss, known beforehand.
        seed: Of "betting", see `mean_upper_bound`.

    Returns:
        [settings] float64 in [0, 1].

    Raises:
        ValueError: As `mean_upper_bound`, or limit out of range.
        TypeError: Another dtype.
    """
    function = "mean_p_values"
    p_values: NDArray[np.float64] = _compiled.mean_p_values(
        losses,
        real(function, "limit", limit),
        bound,
        real(function, "confidence", confidence),
        real(function, "maximum", maximum),
        count(function, "seed", seed),
    )
    return p_values


def lossless_samples_needed(limit: float, *, bound: str = "betting", confidence: float = 0.95, maximum: float = 1.0) -> int:
    """The smallest n at which n losses of 0 have an upper bound of at most `limit`; fewer samples cannot show it.

    With "binomial" at 95 %: 299 for 1 %, 2,995 for 0.1 %.

    Args:
        limit: In (0, maximum), from 1e-8 of the maximum on.
        bound: As in `mean_upper_bound`.
        confidence: In (0, 1).
        maximum: The largest possible loss.

    Returns:
        Exact up to 10^4, with "betting" within 1e-6 beyond.

    Raises:
        ValueError: An argument out of range, or an unknown bound.
    """
    function = "lossless_samples_needed"
    return int(
        _compiled.lossless_samples_needed(
            real(function, "limit", limit), bound, real(function, "confidence", confidence), real(function, "maximum", maximum)
        )
    )


def betting_order(n: int, *, seed: int = 0) -> NDArray[np.int64]:
    """The order of n losses in which "betting" takes them: uniform among all orders. To check a bound: losses[betting_order(n)].

    Args:
        n: Number of losses.
        seed: Of the order.

    Returns:
        [n] int64, a permutation.

    Raises:
        ValueError: A negative number.
    """
    order: NDArray[np.int64] = _compiled.betting_order(count("betting_order", "n", n), count("betting_order", "seed", seed))
    return order
