"""Prediction sets of classes; public names are in oddity.metrics.conformal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import conformal as _compiled

from ._arguments import ArrayLike, count, optional, real, require_kind, shown
from ._conformal_quantile import GroupQuantiles, group_quantiles_of, levels
from .intervals import Interval

__all__ = [
    "Coverage",
    "PredictionSets",
    "SetEvaluation",
    "SetScore",
    "SetThresholds",
    "SizeStratum",
    "calibrate_sets",
    "evaluate_sets",
    "prediction_sets",
    "prediction_sets_at",
    "set_scores",
    "set_scores_of_all_classes",
]


@dataclass(frozen=True)
class SetScore:
    """How badly a class fits a row of class probabilities p; larger is stranger. Equal probabilities rank by class index.

    - "lac": 1 - p_y (Sadinle, Lei and Wasserman 2019). Smallest sets on average; hard samples are covered less than easy ones.
    - "aps": the mass ranked above y plus U p_y (Romano, Sesia and Candes 2020). Sets grow with the difficulty.
    - "raps": aps + penalty * max(0, rank_y - free_ranks) (Angelopoulos et al. 2021). Without the long tail of aps.
    - "margin": max_{c != y} p_c - p_y, in [-1, 1] (Lofstrom et al. 2015).

    U is uniform in [0, 1), one number for each sample, drawn from the seed and the sample's id: a sample has the same set in any batch and order. With randomized=False
    U is 1. That is valid too, but scores then crowd below 1 and sets are much larger: hundreds of classes instead of ten on ImageNet. Sets may be empty either way: no
    class conforms.

    Attributes:
        kind: One of the above.
        randomized: aps and raps: with U.
        penalty: raps: above 0, and must be given: with 0 it would be aps.
        free_ranks: raps: ranks without penalty, at least 0; must be given.
        seed: Of U.
    """

    kind: str = "lac"
    randomized: bool = True
    penalty: float | None = None
    free_ranks: int | None = None
    seed: int = 0

    def _fields(self, function: str) -> tuple[Any, ...]:
        if self.kind not in _KINDS:
            raise ValueError(f"[metrics.{function}] score is unknown; got {shown(self.kind)}; expected one of {', '.join(_KINDS)}")
        if (self.penalty is None) != (self.free_ranks is None):
            raise ValueError(f"[metrics.{function}] penalty and free_ranks go together; got {self.penalty} and {self.free_ranks}")
        pair = None
        if self.penalty is not None:
            pair = (real(function, "penalty", self.penalty), count(function, "free_ranks", self.free_ranks))
        return (str(self.kind), bool(self.randomized), pair, count(function, "seed", self.seed))


_KINDS = ("lac", "aps", "raps", "margin")


def score_of(function: str, score: SetScore | str) -> SetScore:
    """A word stands for the score with its defaults."""
    if isinstance(score, str):
        score = SetScore(score)
    require_kind(function, "score", score, SetScore, 'SetScore("lac"), SetScore("aps") ... or its word')
    score._fields(function)
    return score


@dataclass(frozen=True, eq=False)
class SetThresholds:
    """Calibrated thresholds: what production needs. Can be pickled.

    Attributes:
        score: The score they are for.
        classes: Number of classes.
        condition: "marginal", "by_class" or "by_group".
        quantiles: The thresholds with n, Beta law and n needed of each: of the single group 0, of all classes, or of the groups of the calibration samples.
    """

    score: SetScore
    classes: int
    condition: str
    quantiles: GroupQuantiles


@dataclass(frozen=True, eq=False)
class PredictionSets:
    """Sets of classes as bits.

    Attributes:
        masks: [levels, rows, words] uint64: class c is bit c % 64 of word c // 64; one level for each alpha.
        sizes: [levels, rows] uint32: classes in each set.
        infinite: [levels] int64: rows with an infinite threshold, whose sets are full (by_class: hold some class) only because the calibration is too small.
        classes: Number of classes.
    """

    masks: NDArray[np.uint64]
    sizes: NDArray[np.uint32]
    infinite: NDArray[np.int64]
    classes: int

    def contains(self, classes: ArrayLike, *, level: int = 0) -> NDArray[np.bool_]:
        """Whether the set of each row holds a class.

        Args:
            classes: [rows] integers, 0 to classes - 1.
            level: Index of the alpha.

        Returns:
            [rows] bool.

        Raises:
            ValueError: Lengths that differ, or a class or level out of range.
            TypeError: Classes that are not integers.
        """
        wanted = np.asarray(classes)
        if wanted.dtype.kind not in "iu":
            raise TypeError(f"[metrics.contains] classes has dtype {wanted.dtype}; expected integers")
        if wanted.shape != (self.sizes.shape[1],) or (wanted < 0).any() or (wanted >= self.classes).any():
            raise ValueError(f"[metrics.contains] classes must be one for each of {self.sizes.shape[1]} rows, 0 to {self.classes - 1}")
        words = self.masks[self._level("contains", level), np.arange(len(wanted)), wanted // 64]
        held: NDArray[np.bool_] = (words >> (wanted % 64).astype(np.uint64)) & np.uint64(1) != 0
        return held

    def table(self, *, level: int = 0) -> NDArray[np.bool_]:
        """All sets as a table; 1 byte for each row and class.

        Args:
            level: Index of the alpha.

        Returns:
            [rows, classes] bool.

        Raises:
            ValueError: A level out of range.
        """
        masks = np.ascontiguousarray(self.masks[self._level("table", level)]).astype("<u8", copy=False)
        bits = np.unpackbits(masks.view(np.uint8), axis=1, bitorder="little", count=self.classes)
        return bits.view(np.bool_)

    def classes_of(self, row: int, *, level: int = 0) -> list[int]:
        """The classes in the set of one row, ascending.

        Args:
            row: Index of the row.
            level: Index of the alpha.

        Returns:
            Class indices; empty when no class conforms.

        Raises:
            ValueError: A row or level out of range.
        """
        row = count("classes_of", "row", row)
        if row >= self.sizes.shape[1]:
            raise ValueError(f"[metrics.classes_of] row is out of range; got {row}; expected 0 to {self.sizes.shape[1] - 1}")
        words = [int(word) for word in self.masks[self._level("classes_of", level), row]]
        return [c for c in range(self.classes) if words[c // 64] >> (c % 64) & 1]

    def _level(self, function: str, level: int) -> int:
        level = count(function, "level", level)
        if level >= len(self.masks):
            raise ValueError(f"[metrics.{function}] level is out of range; got {level}; expected 0 to {len(self.masks) - 1}")
        return level


def sets_of(fields: dict[str, Any]) -> PredictionSets:
    return PredictionSets(fields["masks"], fields["sizes"], np.array(fields["infinite"], np.int64), fields["classes"])


@dataclass(frozen=True)
class Coverage:
    """How many samples were covered.

    Attributes:
        n: Samples.
        covered: Of these.
        value: covered / n; NaN for n = 0.
        interval: Exact two-sided interval of the true coverage (Clopper and Pearson 1934); [0, 1] for n = 0.
    """

    n: int
    covered: int
    value: float
    interval: Interval


def coverage_of(fields: dict[str, Any]) -> Coverage:
    return Coverage(fields["n"], fields["covered"], fields["value"], Interval(fields["low"], fields["high"]))


@dataclass(frozen=True)
class SizeStratum:
    """Coverage of the sets of similar size.

    Attributes:
        first: Smallest size.
        last: Largest size, inclusive.
        coverage: Of these sets.
    """

    first: int
    last: int
    coverage: Coverage


@dataclass(frozen=True)
class SetEvaluation:
    """Coverage and size of sets on samples with known classes.

    Attributes:
        coverage: Of all samples.
        mean_size: Classes in a set; smaller is better at equal coverage.
        mean_size_interval: Normal approximation, within [0, classes]; all of that for one sample.
        empty: Sets without a class.
        full: Sets with all classes.
        strata: Coverage by size of the set.
        size_stratified_coverage: The smallest coverage of a stratum that has samples: far below the coverage, some kinds of samples are left out.
        by_class: By true class; each interval holds by itself, not all at once.
        by_group: By group, if groups were given.
    """

    coverage: Coverage
    mean_size: float
    mean_size_interval: Interval
    empty: int
    full: int
    strata: tuple[SizeStratum, ...]
    size_stratified_coverage: float
    by_class: tuple[Coverage, ...]
    by_group: dict[int, Coverage]


def set_scores(
    probabilities: ArrayLike, classes: ArrayLike, *, score: SetScore | str = "lac", ids: ArrayLike | None = None, role: str = "calibration"
) -> NDArray[np.float64]:
    """Nonconformity scores of given classes, see `SetScore`.

    Sums are exact in steps of 2^-52, so that a sample has the same score, bit for bit, here and in prediction sets. The probabilities are only read.

    Args:
        probabilities: [samples, classes] float32 or float64 in [0, 1], rows sum to 1 within 1e-3; at least 2 classes.
        classes: [samples] integers, 0 to classes - 1.
        score: Which score; a word stands for `SetScore(word)`.
        ids: [samples] integers that name the samples in the random stream; None: 0, 1, ...
        role: "calibration" or "test": these draw U from separate streams.

    Returns:
        [samples] float64; larger is stranger.

    Raises:
        ValueError: No sample, values that are no probabilities, a class out of range, lengths that differ, an unknown word, a missing, needless or bad penalty.
        TypeError: Another dtype.
    """
    result: NDArray[np.float64] = _compiled.set_scores(probabilities, classes, score_of("set_scores", score)._fields("set_scores"), ids, role)
    return result


def set_scores_of_all_classes(
    probabilities: ArrayLike, *, score: SetScore | str = "lac", ids: ArrayLike | None = None, role: str = "test"
) -> NDArray[np.float64]:
    """Nonconformity scores of every class; prediction sets do not need this table.

    Args:
        probabilities: [samples, classes] as in `set_scores`.
        score: Which score; a word stands for `SetScore(word)`.
        ids: As in `set_scores`.
        role: As in `set_scores`.

    Returns:
        [samples, classes] float64.

    Raises:
        ValueError: As `set_scores`.
        TypeError: Another dtype.
    """
    function = "set_scores_of_all_classes"
    result: NDArray[np.float64] = _compiled.set_scores_of_all_classes(probabilities, score_of(function, score)._fields(function), ids, role)
    return result


def calibrate_sets(
    probabilities: ArrayLike,
    classes: ArrayLike,
    *,
    alpha: float | ArrayLike,
    score: SetScore | str = "lac",
    class_conditional: bool = False,
    groups: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    delta: float | None = None,
) -> SetThresholds:
    """Thresholds of split conformal prediction sets, from samples that the model has not seen (Papadopoulos et al. 2002; Vovk, Gammerman and Shafer 2005).

    The set of a new sample exchangeable with these holds its true class with probability 1 - alpha at least; with `class_conditional` for each true class, with
    `groups` for each group. A class or group with too few samples (fewer than ceil(1 / alpha) - 1) gets an infinite threshold, and its quantile says how many it needs.

    Args:
        probabilities: [n, classes] as in `set_scores`.
        classes: [n] integers: the true classes.
        alpha: Wanted miss rate or several of them, each in (0, 1); one sort serves all.
        score: Which score; a word stands for `SetScore(word)`.
        class_conditional: A threshold for each class from its own samples.
        groups: [n] integers, any values: a threshold for each group; not with class_conditional.
        ids: As in `set_scores`.
        delta: None, or in (0, 1): the coverage of this calibration set is at least 1 - alpha with probability 1 - delta, see `conformal_rank`.

    Returns:
        The thresholds with their laws.

    Raises:
        ValueError: As `set_scores`; alpha or delta out of range; both groups and class_conditional.
        TypeError: Another dtype.
    """
    function = "calibrate_sets"
    number, condition, quantiles = _compiled.calibrate_sets(
        probabilities, classes, levels(function, "alpha", alpha), score_of(function, score)._fields(function), bool(class_conditional), groups, ids,
        optional(function, "delta", delta),
    )  # fmt: skip
    return SetThresholds(score_of(function, score), number, condition, group_quantiles_of(quantiles))


def prediction_sets(
    probabilities: ArrayLike, thresholds: SetThresholds, *, groups: ArrayLike | None = None, ids: ArrayLike | None = None
) -> PredictionSets:
    """The classes whose score is at most the threshold, for each row and all alphas in one pass.

    Memory beside the result: a few rows, and by group 8 bytes for each row and alpha. Results do not depend on batches or threads.

    Args:
        probabilities: [rows, classes] as in `set_scores`, with as many classes as the calibration.
        thresholds: Of `calibrate_sets`.
        groups: [rows] integers; needed with thresholds by group. A group that the calibration did not have gets full sets.
        ids: [rows] integers that name the samples in the random stream of test samples; None: 0, 1, ...

    Returns:
        The sets.

    Raises:
        ValueError: As `set_scores`; another number of classes; groups missing or needless.
        TypeError: Another dtype.
    """
    function = "prediction_sets"
    require_kind(function, "thresholds", thresholds, SetThresholds, "the result of calibrate_sets; numbers go to prediction_sets_at")
    quantiles = thresholds.quantiles
    limits = np.array([[quantile.threshold for quantile in row] for row in quantiles.quantiles], np.float64)
    return sets_of(
        _compiled.prediction_sets(
            probabilities, thresholds.score._fields(function), thresholds.classes, thresholds.condition, quantiles.groups, limits, groups, ids
        )
    )


def prediction_sets_at(
    probabilities: ArrayLike, thresholds: float | ArrayLike, *, score: SetScore | str = "lac", ids: ArrayLike | None = None
) -> PredictionSets:
    """The classes whose score is at most a threshold from elsewhere, such as `WeightedCalibration` or `AdaptiveConformal`.

    Args:
        probabilities: [rows, classes] as in `set_scores`.
        thresholds: One number, or [rows] float64; inf gives full sets, -inf empty ones.
        score: Which score the thresholds are for.
        ids: As in `prediction_sets`.

    Returns:
        The sets, with one level.

    Raises:
        ValueError: As `set_scores`; NaN thresholds, or not one for each row.
        TypeError: Another dtype.
    """
    function = "prediction_sets_at"
    return sets_of(_compiled.prediction_sets_at(probabilities, levels(function, "thresholds", thresholds), score_of(function, score)._fields(function), ids))


def evaluate_sets(
    sets: PredictionSets,
    classes: ArrayLike,
    *,
    level: int = 0,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    size_bounds: Sequence[int] = (1, 3, 10, 100),
) -> SetEvaluation:
    """Coverage and size of prediction sets on samples with known classes.

    The size-stratified coverage (Angelopoulos et al. 2021) is the smallest over strata of set sizes, by default 0 to 1, 2 to 3, 4 to 10, 11 to 100 and above.

    Args:
        sets: Of samples that were not in the calibration.
        classes: [rows] integers: the true classes.
        level: Index of the alpha.
        groups: [rows] integers: coverage by group as well.
        confidence: Of each interval by itself, in (0, 1).
        size_bounds: Last sizes of the strata, rising.

    Returns:
        Coverages with exact intervals; NaN for a class or stratum without samples.

    Raises:
        ValueError: No row, lengths that differ, a class or level out of range, bounds that do not rise, confidence out of range.
        TypeError: Another dtype.
    """
    function = "evaluate_sets"
    require_kind(function, "sets", sets, PredictionSets, "the result of prediction_sets")
    bounds = [count(function, "size_bounds", bound) for bound in size_bounds]
    result = _compiled.evaluate_sets(
        sets.masks, sets.sizes, sets.classes, classes, count(function, "level", level), real(function, "confidence", confidence), bounds, groups
    )
    return SetEvaluation(
        coverage=coverage_of(result["coverage"]),
        mean_size=result["mean_size"],
        mean_size_interval=Interval(*result["mean_size_interval"]),
        empty=result["empty"],
        full=result["full"],
        strata=tuple(SizeStratum(first, last, coverage_of(fields)) for first, last, fields in result["strata"]),
        size_stratified_coverage=result["size_stratified_coverage"],
        by_class=tuple(coverage_of(fields) for fields in result["by_class"]),
        by_group={group: coverage_of(fields) for group, fields in zip(result["groups"], result["by_group"], strict=True)},
    )
