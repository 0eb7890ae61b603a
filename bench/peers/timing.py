"""What the files of bench/metrics/ share: medians of times, and the rows that bench/metrics.py prints."""

import statistics
import time


def side_by_side(*functions, times=3):
    """(median seconds, result) of each function; they take turns, so that a busy machine slows all of them."""
    taken, results = [[] for _ in functions], [None for _ in functions]
    for _ in range(times):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            results[i] = function()
            taken[i].append(time.perf_counter() - start)
    return [(statistics.median(seconds), result) for seconds, result in zip(taken, results, strict=True)]


def median_seconds(function, times=3):
    """(median seconds, result) of one function."""
    return side_by_side(function, times=times)[0]


def row(what, ours, theirs, peer_name, target, agreement, agrees, note="", held=None):
    """`target`: least ratio of the peer's time over ours, None, or a text whose `held` the caller knows. Without a time of both there is no ratio."""
    ratio = None if ours is None or theirs is None else theirs / ours
    if isinstance(target, float | int):
        held, target = None if ratio is None else ratio >= target, f"{target:g} x"
    return {"what": what, "ours": ours, "peer": theirs, "peer_name": peer_name, "ratio": ratio, "agreement": agreement,
            "agrees": None if agrees is None else bool(agrees), "target": target, "held": None if held is None else bool(held), "note": note}  # fmt: skip


def absent(what, ours, peer_name, target=None, note="not installed", held=None):
    return row(what, ours, None, peer_name, target, None, None, note, held)
