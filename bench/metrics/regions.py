"""Per-region overlap and components of 200 maps of 256 x 256 beside anomalib, OpenCV and SciPy, on 2 threads."""

import os

import numpy as np
from timing import absent, row, side_by_side

IMAGES, SIDE = 200, 256


def smooth(noise):
    for axis in (1, 2):
        for _ in range(3):
            noise = (np.roll(noise, 1, axis) + noise + np.roll(noise, -1, axis) + np.roll(noise, 2, axis)) / 4
    return noise


def inspected():
    """Smooth maps; every other image has one to three elliptic defects, on which scores are raised."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    masks = np.zeros((IMAGES, SIDE, SIDE), np.uint8)
    for i in range(1, IMAGES, 2):
        for _ in range(random.integers(1, 4)):
            (cy, cx), (a, b) = random.integers(10, SIDE - 10, 2), random.integers(3, 25, 2)
            masks[i][((y - cy) / a) ** 2 + ((x - cx) / b) ** 2 <= 1] = 1
    maps = smooth(random.normal(size=masks.shape).astype(np.float32))
    return (maps / maps.std() + 1.5 * smooth(masks.astype(np.float32))).astype(np.float32), masks


def sorted_aupro(maps, masks, limit):
    """The definition from one sort in float64."""
    from scipy import ndimage

    weights, regions = np.zeros(maps.shape), 0
    for weight, mask in zip(weights, masks, strict=True):
        labels, number = ndimage.label(mask, np.ones((3, 3)))
        areas = np.bincount(labels.ravel(), minlength=number + 1)
        weight[labels > 0] = 1 / areas[labels[labels > 0]]
        regions += number
    order = np.argsort(-maps.ravel(), kind="stable")
    scores, good = maps.ravel()[order], (masks.ravel() == 0)[order]
    last = np.append(np.flatnonzero(np.diff(scores)), scores.size - 1)
    rate = np.append(0, np.cumsum(good)[last] / good.sum())
    overlap = np.append(0, np.cumsum(weights.ravel()[order])[last] / regions)
    inside = np.searchsorted(rate, limit, side="right")
    rate, overlap = np.append(rate[:inside], limit), np.append(overlap[:inside], np.interp(limit, rate, overlap))
    return (np.diff(rate) * (overlap[1:] + overlap[:-1]) / 2).sum() / limit


def rows(oddity):
    from oddity.metrics import regions

    maps, masks = inspected()
    for limit in (0.30, 0.05):
        what = f"AUPRO {limit:.2f} of {IMAGES} maps of {SIDE} x {SIDE}"
        exact = sorted_aupro(maps, masks, limit)

        def ours(limit=limit):
            return regions.aupro(maps, masks, limit=limit)

        try:
            import torch
            from anomalib.metrics.aupro import _AUPRO

            torch.set_num_threads(min(2, os.cpu_count() or 1))
            scores, truth = torch.from_numpy(maps), torch.from_numpy(masks.astype(np.int64))

            def theirs(limit=limit):
                metric = _AUPRO(fpr_limit=limit)
                metric.update(scores, truth)
                return float(metric.compute())

            (our_time, value), (their_time, found) = side_by_side(ours, theirs)
            yield row(what, our_time, their_time, "anomalib 2.7", 20.0, abs(value - found), abs(value - found) < 1e-6 and abs(value - exact) < 1e-6,
                      f"to the definition in float64: {abs(value - exact):.1e}; theirs {abs(found - exact):.1e}")  # fmt: skip
        except ImportError:
            our_time = side_by_side(ours)[0][0]
            yield absent(what, our_time, "anomalib 2.7", 20.0)

    what = f"components of {IMAGES} masks of {SIDE} x {SIDE}, with areas, boxes and centroids"

    def components():
        return [regions.connected_components(mask) for mask in masks]

    def scipy_components():
        from scipy import ndimage

        found = []
        for mask in masks:
            labels, number = ndimage.label(mask, np.ones((3, 3)))
            found.append((labels, np.bincount(labels.ravel())[1:], ndimage.find_objects(labels), ndimage.center_of_mass(mask, labels, range(1, number + 1))))
        return found

    (our_time, own), (their_time, found) = side_by_side(components, scipy_components)
    equal = all((a.labels == b[0]).all() for a, b in zip(own, found, strict=True))
    yield row(what, our_time, their_time, "SciPy ndimage", None, "labels equal" if equal else "labels differ", equal)
    try:
        import cv2
    except ImportError:
        yield absent(what, our_time, "OpenCV")
        return
    cv2.setNumThreads(2)
    (our_time, own), (their_time, found) = side_by_side(components, lambda: [cv2.connectedComponentsWithStats(mask, connectivity=8) for mask in masks])
    equal = all(sorted(a.areas) == sorted(b[2][1:, cv2.CC_STAT_AREA]) for a, b in zip(own, found, strict=True))
    yield row(what, our_time, their_time, "OpenCV", None, "areas equal" if equal else "areas differ", equal)
