"""Numbers with guarantees: every value carries its sample counts and, where one exists, an interval.

Scores are raw: any finite real number, larger is more anomalous, never squeezed into [0, 1]. Labels are 1 for a defect and 0 for good. The two kinds of error
are named: an *escape* is a defective part that was accepted, an *overkill* a good part that was rejected.

Arrays may be numpy arrays, torch tensors in main memory, pandas columns (none of these is copied when contiguous) or lists. Numbers are float32 or float64.
Wrong input raises ValueError or TypeError with a message `[metrics.function] what is wrong; got X; expected Y`. Work runs on all cores outside the GIL, and
no result depends on the number of threads (set by the environment variable ODDITY_THREADS).

- `ranking`: ROC and PR curves, AUROC, average precision, error rates at an operating point, best F1; of parts, or of pixels in bounded memory.
- `confusion`: escape and overkill at a threshold, tables of classes, groups, top-k; each rate with its interval.
- `regions`: connected components, AUPRO, overlap of each defect, overkill area, best pixel F1.
- `intervals`: of rates and of the AUROC; how many parts a statement takes.
- `comparison`: are two models different: DeLong, McNemar, Newcombe, permutation; agreement of raters.
- `bootstrap`: intervals of any value, by part, lot or camera.
- `calibration`: do probabilities mean what they say; maps that make them do so.
- `conformal`: thresholds, sets and intervals with a promised coverage.
- `risk`: an escape rate, or any other risk, certified.
- `outliers`: p-values of single parts, false discovery control.
- `drift`: alarms for a stream whose scores change.
- `decisions`: what accepting, asking and rejecting cost, and the cheapest thresholds.
- `projection`: what test results mean for production.
- `density`: nearest neighbours, log density, intrinsic dimension.
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
