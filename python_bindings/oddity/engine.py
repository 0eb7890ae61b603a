"""Judging images with a trained package."""

import os
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

try:
    from oddity import _core
except ImportError as error:
    raise ImportError(f"oddity.Engine needs the torch that oddity was built against (torch==2.11.0): {error}") from error

__all__ = ["Engine", "Region", "Verdict"]


@dataclass(frozen=True, eq=False)
class Region:
    """One connected area of the map above the pixel threshold, in pixels of the original image.

    Attributes:
        box: (x0, y0, x1, y1), ends exclusive.
        area_px: Area in pixels.
        width_mm: Width of the box in mm, or None where the package knows no scale; likewise `height_mm` and `area_mm2`.
        height_mm: Height of the box in mm, or None.
        area_mm2: Area in square millimetres, or None.
        score: Largest map value inside.
        centroid: (x, y), pixel centres at integer coordinates.
        contour: [n, 2] float32, the closed outer contour as (x, y).
    """

    box: tuple[float, float, float, float]
    area_px: float
    width_mm: float | None
    height_mm: float | None
    area_mm2: float | None
    score: float
    centroid: tuple[float, float]
    contour: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the engine says of one image.

    Attributes:
        decision: "accept", "reject", "ask", or "error" when the part was not judged (score and p-value are then NaN).
        reasons: Sentences for people; empty for a plain accept.
        score: Raw anomaly score, any real number, larger is more anomalous.
        p_value: Conformal p-value against the calibration scores of good parts; small is suspicious.
        threshold: The part is rejected when score > threshold.
        regions: Suspicious areas, largest score first; also on accepted parts.
        map: [height, width] float32 anomaly map at the model's size.
        milliseconds: From image to verdict.
    """

    decision: str
    reasons: list[str]
    score: float
    p_value: float
    threshold: float
    regions: list[Region]
    map: NDArray[np.float32] | None = field(repr=False)
    milliseconds: float


class Engine:
    """A trained package, verified and ready to judge; the same engine that `oddity evaluate` uses.

    Threads may share one engine: `judge` runs outside the GIL.

    Args:
        package: Path of a `.oddity` file.
        device: "cpu", "cuda" or "cuda:1".
        precision: "f32" or "bf16".
        threads: Threads of one call.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, a self-test differs, or an option is out of range.
        RuntimeError: The device is missing.
    """

    def __init__(self, package: str | os.PathLike[str], *, device: str = "cpu", precision: str = "f32", threads: int = 1) -> None:
        self._engine = _core.Engine(os.fspath(package), device, precision, threads)
        facts = self._engine.facts()
        self.model: str = facts["model"]
        """Registry name of the model."""
        self.digest: str = facts["digest"]
        """SHA-256 of the package file."""
        self.threshold: float = facts["threshold"]
        """Parts with a larger score are rejected."""
        self.budget: float = facts["budget"]
        """Overkill budget of the threshold."""
        self.calibration_scores: NDArray[np.float64] = np.asarray(facts["calibration_scores"])
        """Scores of the held-out good parts, ascending."""

    def judge(self, image: ArrayLike) -> Verdict:
        """Judges one image.

        Args:
            image: [height, width] or [height, width, channels], uint8 or uint16, channels in the order RGB(A). Rows may have any stride.

        Returns:
            The verdict. A part whose score is not finite gets the decision "error", never "accept".

        Raises:
            TypeError: Another dtype.
            ValueError: Channels or size that the package does not accept.
        """
        verdict = self._engine.judge(np.asarray(image))
        return Verdict(**{**verdict, "regions": [Region(**region) for region in verdict["regions"]]})

    def __repr__(self) -> str:
        return f"Engine(model={self.model!r}, threshold={self.threshold:.6g}, budget={self.budget:g}, digest={self.digest[:12]!r})"
