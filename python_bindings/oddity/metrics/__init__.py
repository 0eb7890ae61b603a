"""Numbers with guarantees: every value carries its sample counts and, where one exists, an interval.

Scores are raw: any finite real number, larger is more anomalous, never squeezed into [0, 1]. Labels are 1 for a defect and 0 for good. The two kinds of error
are named: an *escape* is a defective part that was accepted, an *overkill* a good part that was rejected.

Arrays may be numpy arrays, torch tensors in main memory, pandas columns (none of these is copied when contiguous) or lists. Numbers are float32 or float64.
Wrong input raises ValueError or TypeError with a message `[metrics.function] what is wrong; got X; expected Y`. Work runs on all cores outside the GIL, and
no result depends on the number of threads (set by the environment variable ODDITY_THREADS).
"""

from . import (
    bootstrap,
    calibration,
    comparison,
    conformal,
    confusion,
    decisions,
    density,
    drift,
    intervals,
    outliers,
    projection,
    ranking,
    regions,
    risk,
)

__all__ = [
    "bootstrap",
    "calibration",
    "comparison",
    "conformal",
    "confusion",
    "decisions",
    "density",
    "drift",
    "intervals",
    "outliers",
    "projection",
    "ranking",
    "regions",
    "risk",
]
