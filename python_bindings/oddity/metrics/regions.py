"""Regions of masks and of anomaly maps: components, contours, per-region overlap, overkill area.

One rule for masks everywhere: a value other than zero is a defect pixel, and a region is an 8-connected component of them. A pixel is flagged when its score is at
least the threshold. Scores are raw.

- The whole curve: `aupro`, exact at any limit of the false positive rate (0.3 for MVTec AD, 0.05 for MVTec AD 2). With an interval:
  `oddity.metrics.bootstrap.bootstrap_pixel_metrics`.
- At a threshold: `region_overlap` (what is found of each defect, which defects escape) and `overkill_area` (what is flagged of good area).
- Pixels without regions: `best_pixel_f1`, and `oddity.metrics.ranking.Ranking.of_maps` for everything else.
- Shapes: `connected_components` and its `outer_contour`.

>>> import numpy as np
>>> from oddity.metrics import regions
>>> mask = np.zeros((1, 8, 8), np.uint8)
>>> mask[0, 1:3, 1:3] = mask[0, 6, 6] = 1
>>> regions.connected_components(mask[0]).areas
array([4, 1])
>>> scores = mask.astype(np.float32)
>>> scores[0, 6, 6] = 0  # the small defect is missed
>>> regions.aupro(scores, mask, limit=0.3)
0.575
>>> regions.region_overlap(scores, mask, 0.5).escaped
array([False,  True])
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import regions as _compiled

from ._arguments import ArrayLike, count, real
from .bootstrap import BootstrapResult
from .intervals import Interval
from .ranking import BestF1

__all__ = ["Components", "OverkillArea", "RegionOverlaps", "aupro", "aupro_at", "best_pixel_f1", "connected_components", "overkill_area", "region_overlap"]


class Components:
    """The 8-connected components of a mask, numbered from 1 by the raster order of their first pixels.

    Attributes:
        labels: [height, width] int32, 0 for background.
        areas: [components] int64, pixels.
        boxes: [components, 4] int64: x0, y0, x1, y1 with exclusive ends.
        centroids: [components, 2] float64: x, y with pixel centres at integers.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self.labels: NDArray[np.int32] = compiled.labels()
        self.areas: NDArray[np.int64] = compiled.areas()
        self.boxes: NDArray[np.int64] = compiled.boxes()
        self.centroids: NDArray[np.float64] = compiled.centroids()

    def __len__(self) -> int:
        return len(self.areas)

    def outer_contour(self, label: int) -> NDArray[np.int64]:
        """Outer contour of one component by Moore neighbour tracing, clockwise as seen with y downwards.

        Starts at the first pixel in raster order; consecutive points are 8-neighbours, the last and the first too. A part one pixel wide is walked on both sides.

        Args:
            label: 1 .. number of components.

        Returns:
            [points, 2] int64: x, y of pixel centres.

        Raises:
            ValueError: A label that does not exist.
        """
        contour: NDArray[np.int64] = self._compiled.outer_contour(count("outer_contour", "label", label))
        return contour


@dataclass(frozen=True, eq=False)
class RegionOverlaps:
    """What a threshold finds of each defect.

    Attributes:
        mean: Per-region overlap (PRO): mean over all regions, each with equal weight; its interval draws images with defects, or their groups.
        escaped_regions: Number of regions that escape.
        defect_images: Number of images with defects.
        images_with_escape: Number of them with an escaped region.
        images_with_escape_rate: Exact Clopper-Pearson interval of their rate, with images as units.
        images: [regions] int64, index of the image of each region.
        labels: [regions] int64, its label as `connected_components` numbers it.
        areas: [regions] int64, pixels.
        overlaps: [regions] float64, share that is flagged, in [0, 1]; large is good.
        escaped: [regions] bool.
    """

    mean: BootstrapResult
    escaped_regions: int
    defect_images: int
    images_with_escape: int
    images_with_escape_rate: Interval
    images: NDArray[np.int64]
    labels: NDArray[np.int64]
    areas: NDArray[np.int64]
    overlaps: NDArray[np.float64]
    escaped: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class OverkillArea:
    """Good area that a threshold flags.

    Attributes:
        mean_area: Mean flagged good pixels per image, small is good; its interval draws images or their groups.
        pixel_rate: Flagged good pixels of all images / all good pixels.
        good_images: Number of images without defects.
        good_images_flagged: Number of them with more flagged pixels than allowed.
        good_images_flagged_rate: Exact Clopper-Pearson interval of their rate; [0, 1] without good images.
        areas: [images] int64, flagged good pixels.
        shares: [images] float64, of the good pixels of the image; NaN without any.
        regions: [images] int64, 8-connected flagged regions that hold no defect pixel: false alarms as an operator sees them.
        defective: [images] bool, whether the image has a defect pixel.
    """

    mean_area: BootstrapResult
    pixel_rate: float
    good_images: int
    good_images_flagged: int
    good_images_flagged_rate: Interval
    areas: NDArray[np.int64]
    shares: NDArray[np.float64]
    regions: NDArray[np.int64]
    defective: NDArray[np.bool_]


def connected_components(mask: ArrayLike) -> Components:
    """The 8-connected components of a mask, in one pass with union-find over runs.

    Args:
        mask: [height, width] bool or uint8; not zero is inside.

    Returns:
        Labels, areas, boxes and centroids.

    Raises:
        ValueError: Another number of dimensions, an empty mask, an array that is not contiguous.
        TypeError: Another dtype.
    """
    return Components(_compiled.connected_components(mask))


def aupro(maps: ArrayLike, masks: ArrayLike, *, limit: float = 0.3) -> float:
    """Area under the per-region-overlap curve (Bergmann et al., IJCV 2021), exact: every distinct score is a threshold.

    Mean over all regions of all images of the share that is flagged, against the pooled false positive rate of good pixels, integrated from 0 to `limit` with linear
    interpolation there and divided by it.

    Args:
        maps: [images, height, width] float32, finite, or a list of [height, width] arrays.
        masks: The same shapes, bool or uint8; not zero is a defect pixel.
        limit: False positive rate, in (0, 1].

    Returns:
        In [0, 1], large is good; limit / 2 for a constant map.

    Raises:
        ValueError: Shapes that differ, NaN, infinite, no good or no defect pixel, limit out of range.
        TypeError: Another dtype.
    """
    return float(_compiled.aupro(maps, masks, [real("aupro", "limit", limit)])[0])


def aupro_at(maps: ArrayLike, masks: ArrayLike, limits: ArrayLike) -> NDArray[np.float64]:
    """`aupro` at several limits from one sort (Bergmann et al., IJCV 2021).

    Args:
        maps: [images, height, width] float32, finite, or a list of [height, width] arrays.
        masks: The same shapes, bool or uint8; not zero is a defect pixel.
        limits: [k] false positive rates, in (0, 1].

    Returns:
        [k] float64.

    Raises:
        ValueError: As `aupro`.
        TypeError: Another dtype.
    """
    values: NDArray[np.float64] = _compiled.aupro(maps, masks, limits)
    return values


def best_pixel_f1(maps: ArrayLike, masks: ArrayLike) -> BestF1:
    """The largest F1 of all pixels over all thresholds, exact.

    Args:
        maps: [images, height, width] float32, finite, or a list of [height, width] arrays.
        masks: The same shapes, bool or uint8; not zero is a defect pixel.

    Returns:
        F1 and the largest threshold that reaches it; chosen and measured on the same pixels, so optimistic for new images.

    Raises:
        ValueError: Shapes that differ, NaN, infinite, no good or no defect pixel.
        TypeError: Another dtype.
    """
    return BestF1(*_compiled.best_pixel_f1(maps, masks))


def _with_results(result: Mapping[str, Any], bootstrapped: str, rate: str) -> dict[str, Any]:
    return {**result, bootstrapped: BootstrapResult(**result[bootstrapped]), rate: Interval(**result[rate])}


def region_overlap(
    maps: ArrayLike,
    masks: ArrayLike,
    threshold: float,
    *,
    least_overlap: float = 0.0,
    method: str = "percentile",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> RegionOverlaps:
    """The share of each defect region that a threshold flags (per-region overlap; Bergmann et al., IJCV 2021), and the regions that escape.

    Args:
        maps: [images, height, width] float32, finite, or a list of [height, width] arrays.
        masks: The same shapes, bool or uint8; not zero is a defect pixel.
        threshold: A pixel is flagged when score > threshold; may be infinite.
        least_overlap: A region escapes when its overlap is below this, in [0, 1], or when none of its pixels is flagged.
        method: Of the bootstrap of the mean, "percentile" or "bca".
        resamples: Of the bootstrap.
        confidence: Of both intervals, in (0, 1).
        seed: Of the bootstrap.
        groups: [images] integers or None; images with the same number are drawn together.

    Returns:
        Regions, their mean overlap, and the rate of images with an escaped region.

    Raises:
        ValueError: Shapes that differ, NaN, infinite scores, no defect pixel, groups that do not fit, numbers out of range.
        TypeError: Another dtype.
    """
    function = "region_overlap"
    result = _compiled.region_overlap(
        maps,
        masks,
        real(function, "threshold", threshold),
        real(function, "least_overlap", least_overlap),
        method,
        count(function, "resamples", resamples),
        real(function, "confidence", confidence),
        count(function, "seed", seed),
        groups,
    )
    return RegionOverlaps(**_with_results(result, "mean", "images_with_escape_rate"))


def overkill_area(
    maps: ArrayLike,
    masks: ArrayLike,
    threshold: float,
    *,
    allowed_area: int = 0,
    method: str = "percentile",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> OverkillArea:
    """The good area of each image that a threshold flags.

    Args:
        maps: [images, height, width] float32, finite, or a list of [height, width] arrays.
        masks: The same shapes, bool or uint8; not zero is a defect pixel.
        threshold: A pixel is flagged when score > threshold; may be infinite.
        allowed_area: Flagged pixels that a good image may have without counting as flagged.
        method: Of the bootstrap of the mean, "percentile" or "bca".
        resamples: Of the bootstrap.
        confidence: Of both intervals, in (0, 1).
        seed: Of the bootstrap.
        groups: [images] integers or None; images with the same number are drawn together.

    Returns:
        Areas by image, their mean, and the rate of good images that are flagged.

    Raises:
        ValueError: Shapes that differ, NaN, infinite scores, no good pixel, groups that do not fit, numbers out of range.
        TypeError: Another dtype.
    """
    function = "overkill_area"
    result = _compiled.overkill_area(
        maps,
        masks,
        real(function, "threshold", threshold),
        count(function, "allowed_area", allowed_area),
        method,
        count(function, "resamples", resamples),
        real(function, "confidence", confidence),
        count(function, "seed", seed),
        groups,
    )
    return OverkillArea(**_with_results(result, "mean_area", "good_images_flagged_rate"))
