"""oddity.metrics.regions against SciPy's labels, plain definitions and numbers by hand."""

import math

import numpy as np
import pytest

from oddity.metrics import intervals, ranking, regions

RANDOM = np.random.default_rng(13)
MASK = RANDOM.random((40, 50)) < 0.3
MASKS = np.zeros((9, 20, 24), np.uint8)
for _i in range(1, 9, 2):
    MASKS[_i, 2:6, 3 : 5 + _i] = 255
    MASKS[_i, 12, 20] = 1
MAPS = (RANDOM.normal(size=MASKS.shape) + (MASKS > 0)).round(1).astype(np.float32)


def test_components_are_those_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    labels, number = ndimage.label(MASK, np.ones((3, 3)))
    ours = regions.connected_components(MASK)
    assert len(ours) == number and (ours.labels == labels).all() and ours.labels.dtype == np.int32
    assert (ours.areas == np.bincount(labels.ravel())[1:]).all()
    assert ours.centroids == pytest.approx(np.array(ndimage.center_of_mass(MASK, labels, range(1, number + 1)))[:, ::-1])
    for (rows, columns), box in zip(ndimage.find_objects(labels), ours.boxes.tolist(), strict=True):
        assert box == [columns.start, rows.start, columns.stop, rows.stop]
    assert len(regions.connected_components(np.zeros((3, 4), np.uint8))) == 0


def test_contour_of_a_ring():
    ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
    components = regions.connected_components(ring)
    assert components.outer_contour(1).tolist() == [[0, 0], [1, 0], [2, 0], [2, 1], [2, 2], [1, 2], [0, 2], [0, 1]]


def plain_aupro(maps, masks, limit):
    ndimage = pytest.importorskip("scipy.ndimage")
    owned = [(i, ndimage.label(mask, np.ones((3, 3)))) for i, mask in enumerate(masks)]
    parts = [maps[i][labels == k] for i, (labels, number) in owned for k in range(1, number + 1)]
    good = maps[masks == 0]
    x, y = [0.0], [0.0]
    for threshold in np.unique(maps)[::-1]:
        x.append((good >= threshold).mean())
        y.append(np.mean([(part >= threshold).mean() for part in parts]))
    inside = np.searchsorted(x, limit, side="right")
    x, y = [*x[:inside], limit], [*y[:inside], np.interp(limit, x, y)]
    return (np.diff(x) * (np.array(y[1:]) + y[:-1]) / 2).sum() / limit


def test_aupro_by_definition():
    for limit in (0.01, 0.05, 0.3, 1.0):
        assert regions.aupro(MAPS, MASKS, limit=limit) == pytest.approx(plain_aupro(MAPS, MASKS, limit), abs=1e-10)
    assert regions.aupro_at(MAPS, MASKS, [0.3, 0.05]) == pytest.approx([regions.aupro(MAPS, MASKS), regions.aupro(MAPS, MASKS, limit=0.05)])
    assert regions.aupro(list(MAPS), list(MASKS)) == regions.aupro(MAPS, MASKS)
    assert regions.aupro(np.zeros_like(MAPS), MASKS, limit=0.3) == pytest.approx(0.15)


def test_best_pixel_f1_is_that_of_all_pixels():
    labels = (MASKS > 0).ravel()
    assert regions.best_pixel_f1(MAPS, MASKS) == ranking.best_f1(MAPS.ravel().copy(), labels)


def test_region_overlap_and_overkill_area():
    result = regions.region_overlap(MAPS, MASKS, 0.5, least_overlap=0.4, resamples=200)
    assert len(result.overlaps) == 8 and result.images.tolist() == [1, 1, 3, 3, 5, 5, 7, 7] and result.labels.tolist() == [1, 2] * 4
    for overlap, image, label, escaped in zip(result.overlaps, result.images, result.labels, result.escaped, strict=True):
        inside = regions.connected_components(MASKS[image]).labels == label
        assert overlap == (MAPS[image][inside] > 0.5).mean() and escaped == (overlap < 0.4 or overlap == 0)
    assert result.mean.value == pytest.approx(result.overlaps.mean()) and result.mean.n == 4
    assert result.images_with_escape_rate == intervals.clopper_pearson(result.images_with_escape, 4)
    area = regions.overkill_area(MAPS, MASKS, 0.5, allowed_area=100, resamples=200)
    assert area.areas.tolist() == [int(((m > 0.5) & (k == 0)).sum()) for m, k in zip(MAPS, MASKS, strict=True)]
    assert area.mean_area.value == pytest.approx(area.areas.mean()) and area.defective.tolist() == [False, True] * 4 + [False]
    assert area.pixel_rate == pytest.approx((MAPS[MASKS == 0] > 0.5).mean()) and area.shares[0] == area.areas[0] / 480
    assert area.good_images == 5 and area.good_images_flagged == (area.areas[::2] > 100).sum()
    assert area.mean_area.low < area.mean_area.value < area.mean_area.high
    none = regions.overkill_area(MAPS, MASKS, math.inf)
    assert none.areas.sum() == 0 and none.regions.sum() == 0 and math.isnan(none.mean_area.low)


def test_torch_tensors_are_read():
    torch = pytest.importorskip("torch")
    assert regions.aupro(torch.tensor(MAPS), torch.tensor(MASKS)) == regions.aupro(MAPS, MASKS)
    assert (regions.connected_components(torch.tensor(MASK)).labels == regions.connected_components(MASK).labels).all()


NAN = MAPS.copy()
NAN[3, 4, 5] = np.nan
BAD_INPUT = [
    (lambda: regions.connected_components(MASKS), "[metrics.connected_components] mask must have 2 dimensions; got 3"),
    (lambda: regions.connected_components(MASK.astype(float)), "mask has dtype float64; expected bool or uint8"),
    (lambda: regions.connected_components(MASK[:, ::2]), "mask is not contiguous"),
    (lambda: regions.connected_components(np.zeros((0, 3), bool)), "map has no size; got 0 x 3"),
    (lambda: regions.connected_components(MASK).outer_contour(5000), "[metrics.outer_contour] label does not exist; got 5000"),
    (lambda: regions.connected_components(MASK).outer_contour(0), "label does not exist; got 0"),
    (lambda: regions.aupro(NAN, MASKS), "[metrics.aupro] maps must be finite; got NaN in image 3 at pixel (x 5, y 4)"),
    (lambda: regions.aupro(np.where(MASKS, np.float32(np.inf), MAPS), MASKS), "maps must be finite; got"),
    (lambda: regions.aupro(MAPS, MASKS, limit=0), "limit is out of range; got 0"),
    (lambda: regions.aupro(MAPS[:0], MASKS[:0]), "there are no maps"),
    (lambda: regions.aupro(MAPS, MASKS[:2]), "maps and masks must have one shape (images, height, width)"),
    (lambda: regions.aupro(MAPS[0], MASKS[0]), "maps and masks must have one shape (images, height, width)"),
    (lambda: regions.aupro(MAPS.astype(float), MASKS), "maps has dtype float64; expected float32"),
    (lambda: regions.aupro(MAPS, MASKS.astype(int)), "masks has dtype int64; expected bool or uint8"),
    (lambda: regions.aupro(MAPS, 0 * MASKS), "good and defect pixels are needed; got 4320 good and 0 defect pixels"),
    (lambda: regions.aupro(MAPS[:, ::2], MASKS[:, ::2]), "maps is not contiguous"),
    (lambda: regions.aupro_at(MAPS, MASKS, [0.3, 1.2]), "limit is out of range; got 1.2"),
    (lambda: regions.best_pixel_f1(NAN, MASKS), "maps must be finite; got NaN in image 3"),
    (lambda: regions.region_overlap(MAPS, MASKS, math.nan), "[metrics.region_overlap] threshold must not be NaN"),
    (lambda: regions.region_overlap(MAPS, 0 * MASKS, 0.5), "there is no defect pixel in 9 masks"),
    (lambda: regions.region_overlap(MAPS, MASKS, 0.5, least_overlap=2), "least_overlap is out of range; got 2"),
    (lambda: regions.region_overlap(MAPS, MASKS, 0.5, groups=[1, 2]), "groups must be one for each image; got 2 for 9 images"),
    (lambda: regions.region_overlap(MAPS, MASKS, 0.5, confidence=1), "confidence is out of range; got 1"),
    (lambda: regions.region_overlap(MAPS, MASKS, "high"), "threshold must be a real number; got 'high'"),
    (lambda: regions.overkill_area(MAPS, MASKS, math.nan), "[metrics.overkill_area] threshold must not be NaN"),
    (lambda: regions.overkill_area(MAPS, 1 | MASKS, 0.5), "there is no good pixel in 9 masks"),
    (lambda: regions.overkill_area(MAPS, MASKS, 0.5, allowed_area=-1), "allowed_area is out of range; got -1"),
    (lambda: regions.overkill_area(MAPS, MASKS, 0.5, resamples=0), "resamples must be at least 1; got 0"),
    (lambda: regions.overkill_area(MAPS, MASKS, 0.5, method="t"), "method is not known; got 't'"),
]


@pytest.mark.parametrize("call, part", BAD_INPUT, ids=[part for _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, part):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert part in str(caught.value)
