"""Exact nearest neighbours beside faiss-cpu Flat and scikit-learn."""

import numpy as np
from timing import absent, median_seconds, row

ROWS, COLUMNS, K = 50_000, 512, 50


def rows(oddity):
    from oddity.metrics import density

    features = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float32)
    queries = features[: ROWS // 5].copy()
    ours, found = median_seconds(lambda: density.nearest_neighbors(features, queries, k=K))
    what = f"{K} nearest of {ROWS:,} x {COLUMNS} for {len(queries):,} queries"
    try:
        import faiss

        faiss.omp_set_num_threads(2)
        index = faiss.IndexFlatL2(COLUMNS)
        index.add(features)
        theirs, (squared, indices) = median_seconds(lambda: index.search(queries, K))
        # faiss ranks by float32 distances: rows within their rounding may swap.
        equal = float((indices == found.indices).mean())
        difference = float(np.abs(np.sqrt(np.maximum(squared[:, 1:], 0)) - found.distances[:, 1:]).max())
        yield row(what, ours, theirs, "faiss-cpu Flat", 1.0, difference, difference < 1e-3 and equal > 0.999,
                  f"{100 * equal:.3f} % of rows in the same place; faiss compares float32 distances, ours float64")  # fmt: skip
    except ImportError:
        yield absent(what, ours, "faiss-cpu Flat", 1.0)
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(features)
    theirs, (distances, indices) = median_seconds(lambda: model.kneighbors(queries))
    difference = float(np.abs(distances[:, 1:] - found.distances[:, 1:]).max())
    yield row(what, ours, theirs, "scikit-learn brute", None, difference, difference < 1e-3)
