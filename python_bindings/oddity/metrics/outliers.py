"""Outliers among many parts: p-values against good parts, and selections with a bound on how many good parts they hold.

`outlier_p_values` turns anomaly scores into p-values against the scores of good parts that no model was fitted on. A few p-values may be read as they are. Of many,
some are small by chance: `benjamini_hochberg` selects so that at most a share `level` of the selection is good parts, on average; `storey` finds more where outliers
are many; `benjamini_yekutieli` is for p-values of unknown dependence, such as those of neighbouring pixels. `false_discovery_bounds` allows to choose the threshold
after looking at the data. Ask `calibration_size_needed` first: with too few calibration parts nothing can be found, however bad the parts are.

>>> import numpy as np
>>> from oddity.metrics import outliers
>>> random = np.random.default_rng(0)
>>> calibration, scores = random.normal(size=2000), np.append(random.normal(size=95), [6, 7, 8, 9, 10])
>>> outliers.calibration_size_needed(tested=100, discoveries=1, level=0.1)
999
>>> p_values = outliers.outlier_p_values(calibration, scores).values
>>> np.flatnonzero(outliers.benjamini_hochberg(p_values, level=0.1).rejected)
array([95, 96, 97, 98, 99])
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import outliers as _compiled

from ._arguments import ArrayLike, count, real

__all__ = [
    "Discoveries",
    "FalseDiscoveryBounds",
    "OutlierPValues",
    "SelectionBound",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "calibration_size_needed",
    "false_discovery_bound",
    "false_discovery_bounds",
    "outlier_p_values",
    "possible_p_values",
    "storey",
]


@dataclass(frozen=True, eq=False)
class OutlierPValues:
    """P-values of scores against a calibration set.

    Attributes:
        values: [scores] float64 in (0, 1]; small speaks for an outlier.
        smallest: What a score above all calibration scores gets (smoothed: at most that).
        n: Calibration scores.
    """

    values: NDArray[np.float64]
    smallest: float
    n: int


@dataclass(frozen=True, eq=False)
class Discoveries:
    """A selection of outliers.

    Attributes:
        adjusted: [p_values] float64: the smallest level at which each is rejected, at most 1.
        rejected: [p_values] bool: adjusted <= level, declared an outlier.
        n: P-values.
        count: Rejected ones.
        level: Asked for.
        threshold: The largest rejected p-value; 0 when there is none.
        null_share: Of storey: the estimated share of good parts, may be above 1; otherwise 1.
    """

    adjusted: NDArray[np.float64]
    rejected: NDArray[np.bool_]
    n: int
    count: int
    level: float
    threshold: float
    null_share: float


@dataclass(frozen=True, eq=False)
class FalseDiscoveryBounds:
    """Bounds for every threshold, which hold all at once with a probability of at least 1 - delta.

    Attributes:
        p_values: [n] float64, ascending; the selection of the k smallest ends at p_values[k - 1].
        false_discoveries: [n] int64: at most false_discoveries[k - 1] good parts are among the k smallest.
        n: P-values.
        null_count: At most so many good parts are among all.
        delta: Asked for.
    """

    p_values: NDArray[np.float64]
    false_discoveries: NDArray[np.int64]
    n: int
    null_count: int
    delta: float


@dataclass(frozen=True)
class SelectionBound:
    """The bound of one selection.

    Attributes:
        selected: Size of the selection.
        false_discoveries: At most so many good parts are in it.
        proportion: false_discoveries / selected; 0 for an empty selection.
    """

    selected: int
    false_discoveries: int
    proportion: float


def outlier_p_values(
    calibration: ArrayLike,
    scores: ArrayLike,
    *,
    kind: str = "marginal",
    delta: float = 0.1,
    seed: int = 0,
    first_index: int = 0,
) -> OutlierPValues:
    """Conformal p-values of scores (Vovk et al. 2005; Bates et al. 2023, "Testing for outliers with conformal p-values").

    With s a score, c the n calibration scores and k = 1 + #{c >= s}:

    - "marginal": k / (n + 1). P(p <= t) <= t on average over calibration sets; fit for `benjamini_hochberg`.
    - "smoothed": (#{c > s} + U (1 + #{c = s})) / (n + 1), U uniform on (0, 1]: exactly uniform, also with ties, but random.
    - "simes": with probability 1 - delta over calibration sets, P(p <= t | calibration) <= t for all t at once: the set at hand keeps its promise on all parts to come.
    - "dkwm": the same from the Dvoretzky-Kiefer-Wolfowitz-Massart inequality; sharper only for large t.

    Args:
        calibration: [n] float32 or float64 scores of good parts, in any order, larger is more anomalous.
        scores: [m] float32 or float64; may be empty.
        kind: One of the above.
        delta: For "simes" and "dkwm", in (0, 1).
        seed: For "smoothed".
        first_index: For "smoothed": index of the first score, so that pieces of a stream get the numbers of the whole.

    Returns:
        A p-value for each score; small speaks for an outlier.

    Raises:
        ValueError: Empty calibration set, NaN or infinite scores, an unknown kind, or delta out of range.
        TypeError: Another dtype.
    """
    function = "outlier_p_values"
    result = _compiled.outlier_p_values(
        calibration, scores, kind, real(function, "delta", delta), count(function, "seed", seed), count(function, "first_index", first_index)
    )
    return OutlierPValues(**result)


def possible_p_values(n: int, *, kind: str = "marginal", delta: float = 0.1) -> NDArray[np.float64]:
    """The n + 1 values that a p-value against n calibration scores can take, ascending.

    The first is the smallest p-value that any part can get.

    Args:
        n: Calibration scores, at least 1.
        kind: As in outlier_p_values; "smoothed" gives the upper ends of its steps, which are those of "marginal".
        delta: For "simes" and "dkwm", in (0, 1).

    Returns:
        [n + 1] float64; the last is 1.

    Raises:
        ValueError: n = 0, an unknown kind, or delta out of range.
    """
    function = "possible_p_values"
    values: NDArray[np.float64] = _compiled.possible_p_values(count(function, "n", n), kind, real(function, "delta", delta))
    return values


def calibration_size_needed(tested: int, discoveries: int, *, level: float = 0.1, kind: str = "marginal", delta: float = 0.1) -> int:
    """The smallest calibration set with which `benjamini_hochberg` can find so many outliers, tested / (level discoveries) - 1.

    That is for marginal p-values; for other kinds the smallest p-value takes the place of 1 / (n + 1). It is assumed that the outliers score above all calibration
    scores; no set smaller than this finds them.

    Args:
        tested: Parts that are tested together, at least 1.
        discoveries: Outliers expected among them, 1 to tested.
        level: False discovery rate, in (0, 1).
        kind: As in outlier_p_values.
        delta: For "simes" and "dkwm", in (0, 1).

    Returns:
        Number of calibration parts.

    Raises:
        ValueError: An argument out of range, or a size above 2^53.
    """
    function = "calibration_size_needed"
    size: int = _compiled.calibration_size_needed(
        count(function, "tested", tested), count(function, "discoveries", discoveries), real(function, "level", level), kind, real(function, "delta", delta)
    )
    return size


def _discoveries(result: dict[str, object]) -> Discoveries:
    rejected = result["rejected"]
    assert isinstance(rejected, np.ndarray)
    return Discoveries(**{**result, "rejected": rejected.view(np.bool_)})  # type: ignore[arg-type]


def benjamini_hochberg(p_values: ArrayLike, *, level: float = 0.1) -> Discoveries:
    """Selects outliers with a false discovery rate of at most `level` (Benjamini and Hochberg 1995).

    Rejects the k smallest p-values with the largest k for which p_(k) <= level k / n. The mean share of good parts in the selection is at most `level` times the share
    of good parts, for p-values that are independent or positively dependent, such as marginal ones of `outlier_p_values`. Conformal p-values often hit the level
    exactly; such are rejected, where rounding alone would decide otherwise (their adjusted value is the level).

    Args:
        p_values: [n] float32 or float64 in [0, 1].
        level: In (0, 1).

    Returns:
        Adjusted p-values and the selection.

    Raises:
        ValueError: No p-values, NaN, values outside [0, 1], or the level out of range.
        TypeError: Another dtype.
    """
    return _discoveries(_compiled.benjamini_hochberg(p_values, real("benjamini_hochberg", "level", level)))


def benjamini_yekutieli(p_values: ArrayLike, *, level: float = 0.1) -> Discoveries:
    """Benjamini-Hochberg at level / (1 + 1/2 + ... + 1/n): holds under any dependence (Benjamini and Yekutieli 2001).

    Args:
        p_values: [n] float32 or float64 in [0, 1].
        level: In (0, 1).

    Returns:
        Adjusted p-values and the selection.

    Raises:
        ValueError: No p-values, NaN, values outside [0, 1], or the level out of range.
        TypeError: Another dtype.
    """
    return _discoveries(_compiled.benjamini_yekutieli(p_values, real("benjamini_yekutieli", "level", level)))


def storey(p_values: ArrayLike, *, level: float = 0.1, lambda_: float = 0.5) -> Discoveries:
    """Benjamini-Hochberg at level / null_share with the share of good parts estimated (Storey, Taylor and Siegmund 2004).

    null_share = (1 + #{p >= lambda}) / (n (1 - lambda)). For independent p-values, and for marginal ones of `outlier_p_values` with one calibration set of size c when
    lambda is a multiple of 1 / (c + 1) (Bates et al. 2023; Marandon et al. 2024); not for any dependence.

    Args:
        p_values: [n] float32 or float64 in [0, 1].
        level: In (0, 1).
        lambda_: In (0, 1); p-values from here on are taken to be of good parts.

    Returns:
        Adjusted p-values, the selection, and the estimated share.

    Raises:
        ValueError: No p-values, NaN, values outside [0, 1], level or lambda out of range.
        TypeError: Another dtype.
    """
    return _discoveries(_compiled.storey(p_values, real("storey", "level", level), real("storey", "lambda", lambda_)))


def false_discovery_bounds(p_values: ArrayLike, *, delta: float = 0.1) -> FalseDiscoveryBounds:
    """How many good parts are selected at most, for every threshold at once (Goeman and Solari 2011; Goeman et al. 2019).

    Closed testing with Simes tests. With a probability of at least 1 - delta all bounds hold, so that the threshold may be chosen after looking at them; for p-values
    that are independent or positively dependent, such as marginal ones of `outlier_p_values`.

    Args:
        p_values: [n] float32 or float64 in [0, 1].
        delta: In (0, 1).

    Returns:
        A bound for each number of smallest p-values; small bounds are good.

    Raises:
        ValueError: No p-values, NaN, values outside [0, 1], or delta out of range.
        TypeError: Another dtype.
    """
    return FalseDiscoveryBounds(**_compiled.false_discovery_bounds(p_values, real("false_discovery_bounds", "delta", delta)))


def false_discovery_bound(p_values: ArrayLike, selected: ArrayLike, *, delta: float = 0.1) -> SelectionBound:
    """How many good parts any selection holds at most; holds together with `false_discovery_bounds` of the same p-values.

    The selection may be made for any reason, after looking at the data, and as often as one likes.

    Args:
        p_values: [n] float32 or float64 in [0, 1]: all that were tested, not only the selected.
        selected: [n] bool or integers, 1 for the selected.
        delta: In (0, 1).

    Returns:
        The bound.

    Raises:
        ValueError: No p-values, NaN, values outside [0, 1], lengths that differ, or delta out of range.
        TypeError: Another dtype.
    """
    return SelectionBound(**_compiled.false_discovery_bound(p_values, selected, real("false_discovery_bound", "delta", delta)))
