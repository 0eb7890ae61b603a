"""Nearest neighbours and density in feature space: where the data are thin.

Density is measured where features are. A two-dimensional embedding for display does not keep it. The negated log density is an out-of-distribution score.

>>> import numpy as np
>>> from oddity.metrics import density
>>> reference = np.random.default_rng(0).normal(size=(1000, 3))
>>> density.log_density(reference, np.array([[0.0, 0, 0], [6, 6, 6]])).values.round(1)
array([ -3. , -12.6])
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import density as _compiled

from ._arguments import ArrayLike, count, real

__all__ = ["IntrinsicDimension", "LogDensity", "Neighbors", "intrinsic_dimension", "log_density", "nearest_neighbors"]


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The k nearest reference rows of each query.

    Attributes:
        distances: [queries, k] float64, ascending.
        indices: [queries, k] int64, rows of the reference; of equal distances the smaller row first.
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]


@dataclass(frozen=True)
class IntrinsicDimension:
    """A number of dimensions.

    Attributes:
        value: The estimate.
        standard_error: As if all terms were independent; rows that share neighbours make it larger.
        n: Rows that were used; 0 when the dimension was given.
        duplicates: Rows left out because all their neighbours are identical to them.
    """

    value: float
    standard_error: float
    n: int
    duplicates: int


@dataclass(frozen=True, eq=False)
class LogDensity:
    """Log densities with what they rest on.

    Attributes:
        values: [queries] float64, natural logarithm; large is typical, small is thinly covered, +inf for a query whose k neighbours are identical to it.
        dimension: The intrinsic dimension that was used.
        n: Reference rows (other than the query).
        k: Neighbours.
    """

    values: NDArray[np.float64]
    dimension: IntrinsicDimension
    n: int
    k: int


def nearest_neighbors(reference: ArrayLike, queries: ArrayLike | None = None, *, k: int = 10, distance: str = "euclidean") -> Neighbors:
    """The k nearest rows of `reference` for each row of `queries`, exactly.

    Brute force over tiles on all cores: a float32 matrix product with a bound on its rounding error picks candidates, float64 differences decide. O(n m d).

    Args:
        reference: [n, d] float32 or float64, at most 1e150 in size.
        queries: [m, d]; None: the reference itself, where no row is its own neighbour.
        k: Neighbours, 1 to n (n - 1 without queries).
        distance: "euclidean", or "cosine": 1 - cos, in [0, 2].

    Returns:
        Distances and rows.

    Raises:
        ValueError: Empty, NaN or infinite, columns that differ, k out of range, or a zero row with "cosine".
        TypeError: Another dtype.
    """
    distances, indices = _compiled.nearest_neighbors(reference, queries, count("nearest_neighbors", "k", k), distance)
    return Neighbors(distances, indices)


def intrinsic_dimension(features: ArrayLike, *, k: int = 20) -> IntrinsicDimension:
    """Dimension of the manifold near which the rows lie (Levina and Bickel 2004; MacKay and Ghahramani 2005).

    1 / m is the mean of log(r_k / r_j) over rows and j < k, with r_j the distance to the j-th neighbour. Edges and curvature bias m downwards, a smaller k less so.

    Args:
        features: [n, d] float32 or float64.
        k: Neighbours, 3 to n - 1.

    Returns:
        The estimate with its standard error.

    Raises:
        ValueError: k out of range, NaN, or rows that are all identical.
        TypeError: Another dtype.
    """
    return IntrinsicDimension(**_compiled.intrinsic_dimension(features, count("intrinsic_dimension", "k", k)))


def log_density(
    reference: ArrayLike,
    queries: ArrayLike | None = None,
    *,
    k: int = 10,
    dimension: float | None = None,
    dimension_k: int = 20,
    distance: str = "euclidean",
) -> LogDensity:
    """Nearest-neighbour log density on a manifold (Loftsgaarden and Quesenberry 1965; Kozachenko and Leonenko 1987).

    log p(x) = psi(k) - log n - log V_m - m log r_k(x), with m the intrinsic dimension and V_m the volume of its unit ball.

    Args:
        reference: [n, d] float32 or float64.
        queries: [m, d]; None: the reference itself, each row without itself.
        k: Neighbours; more is smoother.
        dimension: Intrinsic dimension > 0; None: estimated from the reference.
        dimension_k: Neighbours of that estimate.
        distance: "euclidean", or "cosine": chords on the unit sphere.

    Returns:
        A log density for each query.

    Raises:
        ValueError: As nearest_neighbors and intrinsic_dimension, or a dimension that is not positive.
        TypeError: Another dtype.
    """
    given = 0.0 if dimension is None else real("log_density", "dimension", dimension)
    if dimension is not None and given == 0:
        raise ValueError("[metrics.log_density] dimension is out of range; got 0; expected a finite value above 0, or None to estimate it")
    result = _compiled.log_density(
        reference, queries, count("log_density", "k", k), given, count("log_density", "dimension_k", dimension_k), distance
    )
    return LogDensity(result["values"], IntrinsicDimension(**result["dimension"]), result["n"], result["k"])
