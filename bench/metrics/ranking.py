"""Ranking metrics and tables of decisions beside scikit-learn and torchmetrics, on 2 threads."""

import os

import numpy as np
from timing import absent, row, side_by_side

SAMPLES, MAP_PIXELS, CLASSES = 10_000_000, 256 * 256, 10


def difference(ours, theirs):
    return float(np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).max())


def torchmetrics_functions():
    import torch
    import torchmetrics.functional.classification as functional

    torch.set_num_threads(min(2, os.cpu_count() or 1))
    return torch, functional


def three_numbers(ranking, share):
    """AUROC, AP and FPR95 of 10^7 scores in [0, 1], of which `share` are defects."""
    random = np.random.default_rng(0)
    labels = (random.random(SAMPLES) < share).astype(np.int64)
    scores = (1 / (1 + np.exp(-random.normal(size=SAMPLES) - labels))).astype(np.float32)
    marks = labels.astype(np.uint8)
    what = f"AUROC + AP + FPR95 of {SAMPLES:.0e} float32 scores, {100 * share:g} % defects"

    def ours():
        once = ranking.Ranking(scores, marks)
        return once.auroc(), once.average_precision(), once.good_flagged_at_defects_flagged(0.95)

    from sklearn import metrics

    def sklearn_numbers():
        rates, recalls, _ = metrics.roc_curve(labels, scores)
        return metrics.roc_auc_score(labels, scores), metrics.average_precision_score(labels, scores), rates[np.argmax(recalls >= 0.95)]

    # roc_curve drops points on straight lines, so its FPR95 may lie up to one step further: 1 / number of defects.
    tolerance = 2 / float(labels.sum())
    (our_time, values), (theirs, found) = side_by_side(ours, sklearn_numbers)
    error = difference(values, found)
    yield row(what, our_time, theirs, "scikit-learn", 10.0, error, error < tolerance, "three calls, each sorts")
    try:
        torch, functional = torchmetrics_functions()
    except ImportError:
        yield absent(what, our_time, "torchmetrics", 10.0)
        return
    tensor, target = torch.from_numpy(scores), torch.from_numpy(labels)

    def torch_numbers():
        rates, recalls, _ = functional.binary_roc(tensor, target)
        area = functional.binary_auroc(tensor, target)
        return float(area), float(functional.binary_average_precision(tensor, target)), float(rates[int((recalls >= 0.95).int().argmax())])

    (our_time, values), (theirs, found) = side_by_side(ours, torch_numbers)
    error = difference(values, found)
    # Its curves are float32 sums over 10^7 points.
    yield row(what, our_time, theirs, "torchmetrics", 10.0, error, error < 1e-3, "three calls, each sorts; float32 sums")


def weighted_numbers(ranking):
    random = np.random.default_rng(1)
    labels = random.random(SAMPLES // 10) < 0.3
    scores, weights = random.normal(size=labels.size) + labels, random.random(labels.size)
    from sklearn import metrics

    (once, values), (theirs, found) = side_by_side(
        lambda: (ranking.auroc(scores, labels, weights), ranking.average_precision(scores, labels, weights)),
        lambda: (metrics.roc_auc_score(labels, scores, sample_weight=weights), metrics.average_precision_score(labels, scores, sample_weight=weights)),
    )
    error = difference(values, found)
    yield row(f"weighted AUROC + AP of {labels.size:.0e} float64 scores, two calls", once, theirs, "scikit-learn", None, error, error < 1e-9)


def made_maps(number):
    random = np.random.default_rng(2)
    maps = [random.gamma(2, 0.02, size=(256, 256)).astype(np.float32) for _ in range(number)]
    masks = [np.zeros((256, 256), bool) for _ in maps]
    for map_, mask in zip(maps[::5], masks[::5], strict=True):
        mask[100:150, 90:140] = True
        map_[mask] += random.gamma(2, 0.05, size=2500).astype(np.float32)
    return maps, masks


def streamed_maps(ranking, number, bins):
    """Maps in float32, one by one: ours in bounded memory, torchmetrics with every pixel or in `bins` of [0, 1]."""
    maps, masks = made_maps(number)
    what = f"pixel AUROC of {number} maps of 256 x 256 ({number * MAP_PIXELS:.1e} pixels), map by map"

    def ours():
        stream = ranking.StreamingRanking()
        for map_, mask in zip(maps, masks, strict=True):
            stream.add_maps([map_], [mask])
        return stream, stream.auroc()

    name = "torchmetrics exact" if bins is None else f"torchmetrics, {bins} bins"
    try:
        torch, _ = torchmetrics_functions()
        from torchmetrics.classification import BinaryAUROC
    except ImportError:
        yield absent(what, side_by_side(ours)[0][0], name)
        return
    tensors = [(torch.from_numpy(m).flatten(), torch.from_numpy(k).flatten().int()) for m, k in zip(maps, masks, strict=True)]

    def theirs():
        metric = BinaryAUROC(thresholds=bins)
        for map_, mask in tensors:
            metric.update(map_, mask)
        return float(metric.compute())

    (our_time, (stream, bounded)), (their_time, found) = side_by_side(ours, theirs)
    exact = ranking.Ranking.of_maps(maps, masks).auroc()
    note = f"ours: {stream.bytes / 2**20:.1f} MB, bounds {bounded.high - bounded.low:.1e} wide, error {abs(bounded.value - exact):.1e}; torchmetrics: "
    note += ("every pixel kept, " if bins is None else "bins of [0, 1], no bound, ") + f"error {abs(found - exact):.1e}"
    error = abs(found - bounded.value)
    yield row(what, our_time, their_time, name, None, error, error < 1e-4, note)


def distances_far_above_17(ranking):
    """Where a peer is wrong: scores outside [0, 1] pass a float32 sigmoid there."""
    random = np.random.default_rng(3)
    scores = np.concatenate([random.normal(30, 3, 400), random.normal(36, 5, 400)]).astype(np.float32)
    labels = np.repeat([0, 1], 400)
    what = "AUROC of distances N(30, 3) and N(36, 5)"
    from sklearn import metrics

    def ours():
        return ranking.auroc(scores, labels)

    (our_time, value), (theirs, found) = side_by_side(ours, lambda: metrics.roc_auc_score(labels, scores), times=9)
    yield row(what, our_time, theirs, "scikit-learn", None, abs(found - value), abs(found - value) < 1e-12)
    try:
        torch, functional = torchmetrics_functions()
    except ImportError:
        yield absent(what, our_time, "torchmetrics")
        return
    (our_time, value), (theirs, found) = side_by_side(ours, lambda: float(functional.binary_auroc(torch.from_numpy(scores), torch.from_numpy(labels))), times=9)
    yield row(what, our_time, theirs, "torchmetrics", None, abs(found - value), abs(found - value) < 1e-6,
              f"torchmetrics gives {found:.3f}, ours and scikit-learn {value:.3f}: it squeezes such scores through a float32 sigmoid")  # fmt: skip


def tables(confusion):
    random = np.random.default_rng(4)
    truth, predicted = random.integers(0, CLASSES, SAMPLES), random.integers(0, CLASSES, SAMPLES)
    what = f"confusion matrix of {SAMPLES:.0e} labels, {CLASSES} classes"
    from sklearn import metrics

    def ours():
        return confusion.confusion_matrix(truth, predicted, classes=CLASSES).counts

    (our_time, counts), (theirs, found) = side_by_side(ours, lambda: metrics.confusion_matrix(truth, predicted))
    yield row(what, our_time, theirs, "scikit-learn", None, difference(counts, found), (counts == found).all())
    try:
        torch, functional = torchmetrics_functions()
    except ImportError:
        yield absent(what, our_time, "torchmetrics")
        return
    tensors = torch.from_numpy(predicted), torch.from_numpy(truth)
    (our_time, counts), (theirs, found) = side_by_side(ours, lambda: functional.multiclass_confusion_matrix(*tensors, num_classes=CLASSES).numpy())
    yield row(what, our_time, theirs, "torchmetrics", None, difference(counts, found), (counts == found).all())


def rows(oddity):
    from oddity.metrics import confusion, ranking

    yield from three_numbers(ranking, 0.5)
    yield from three_numbers(ranking, 0.01)
    yield from weighted_numbers(ranking)
    yield from streamed_maps(ranking, 150, None)
    yield from streamed_maps(ranking, 15, 200)
    yield from distances_far_above_17(ranking)
    yield from tables(confusion)
