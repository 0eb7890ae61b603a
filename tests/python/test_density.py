"""oddity.metrics.density against scikit-learn and closed forms."""

import math

import numpy as np
import pytest

from oddity.metrics import density

RANDOM = np.random.default_rng(1)
ROWS = RANDOM.normal(size=(300, 9))
QUERIES = RANDOM.normal(size=(40, 9))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_neighbours_are_those_of_scikit_learn(dtype, distance):
    neighbors = pytest.importorskip("sklearn.neighbors")
    rows, queries = ROWS.astype(dtype), QUERIES.astype(dtype)
    theirs = neighbors.NearestNeighbors(n_neighbors=7, algorithm="brute", metric=distance).fit(rows.astype(np.float64))
    distances, indices = theirs.kneighbors(queries.astype(np.float64))
    ours = density.nearest_neighbors(rows, queries, k=7, distance=distance)
    assert (ours.indices == indices).all()
    assert ours.distances == pytest.approx(distances, abs=1e-9)


def test_without_queries_no_row_is_its_own_neighbour():
    ours = density.nearest_neighbors(ROWS, k=3)
    assert (ours.indices != np.arange(300)[:, None]).all()
    assert (ours.distances == density.nearest_neighbors(ROWS, ROWS, k=4).distances[:, 1:]).all()


def test_density_by_hand():
    result = density.log_density(np.array([[0.0], [1], [3], [7]]), [[0.5], [3.0]], k=2, dimension=1)
    constant = 1 - np.euler_gamma - math.log(4) - math.log(2)
    assert result.values == pytest.approx([constant - math.log(0.5), constant - math.log(2)])
    assert result.dimension.value == 1 and result.dimension.n == 0 and (result.n, result.k) == (4, 2)


def test_dimension_of_a_plane_in_space():
    plane = RANDOM.random((2000, 2)) @ np.array([[0.6, 0.8, 0], [0, 0, 1.0]])
    assert density.intrinsic_dimension(plane, k=10).value == pytest.approx(2, rel=0.1)
    assert density.log_density(plane).values.mean() == pytest.approx(0, abs=0.3)  # uniform on an area of 1; the dimension errs


def test_torch_tensors_and_lists_are_read():
    torch = pytest.importorskip("torch")
    ours = density.nearest_neighbors(torch.tensor(ROWS), torch.tensor(QUERIES), k=2)
    assert (ours.indices == density.nearest_neighbors(ROWS, QUERIES, k=2).indices).all()
    assert density.nearest_neighbors([[0], [1], [5]], [[4]], k=1).indices.tolist() == [[2]]


NAN = ROWS.copy()
NAN[3, 2] = np.nan
BAD_INPUT = [
    (lambda: density.nearest_neighbors(NAN, QUERIES), ValueError, "[metrics.nearest_neighbors] reference must be finite; got NaN at index 29"),
    (lambda: density.nearest_neighbors(ROWS, QUERIES * np.inf), ValueError, "queries must be finite; got"),
    (lambda: density.nearest_neighbors(ROWS[:0], QUERIES), ValueError, "reference is empty; got 0 x 9"),
    (lambda: density.nearest_neighbors(ROWS, QUERIES[:, :4].copy()), ValueError, "reference and queries differ in columns; got 9 and 4"),
    (lambda: density.nearest_neighbors(ROWS[:, ::2], QUERIES), ValueError, "reference is not contiguous; got strides (72, 16) bytes"),
    (lambda: density.nearest_neighbors(ROWS.astype(int), QUERIES), TypeError, "reference has dtype int64; expected float32 or float64"),
    (lambda: density.nearest_neighbors(ROWS[0], QUERIES), ValueError, "reference must have 2 dimensions; got shape (9,)"),
    (lambda: density.nearest_neighbors("rows", QUERIES), TypeError, "reference must be a numpy array, a CPU torch tensor or a list; got str"),
    (lambda: density.nearest_neighbors(ROWS, QUERIES, k=301), ValueError, "k is out of range; got 301; expected 1 to 300"),
    (lambda: density.nearest_neighbors(ROWS, QUERIES, k=-1), ValueError, "k is out of range; got -1"),
    (lambda: density.nearest_neighbors(ROWS, QUERIES, k=2.5), TypeError, "k must be an integer; got 2.5"),
    (lambda: density.nearest_neighbors(ROWS, QUERIES, distance="manhattan"), ValueError, "distance is not known; got 'manhattan'; expected one of 'euclidean', 'cosine'"),
    (lambda: density.intrinsic_dimension(ROWS, k=2), ValueError, "[metrics.intrinsic_dimension] k is out of range; got 2"),
    (lambda: density.intrinsic_dimension(np.ones((30, 2))), ValueError, "features are all duplicates of each other"),
    (lambda: density.intrinsic_dimension(NAN), ValueError, "features must be finite"),
    (lambda: density.log_density(ROWS, QUERIES, dimension=-2), ValueError, "[metrics.log_density] dimension is out of range; got -2"),
    (lambda: density.log_density(ROWS, QUERIES, dimension=0), ValueError, "[metrics.log_density] dimension is out of range; got 0"),
    (lambda: density.log_density(ROWS[:3], QUERIES, k=1), ValueError, "dimension cannot be estimated; got 3 reference rows"),
]


@pytest.mark.parametrize("call, kind, part", BAD_INPUT, ids=[part for _, _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, kind, part):
    with pytest.raises(kind) as caught:
        call()
    assert part in str(caught.value)
