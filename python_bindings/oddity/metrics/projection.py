"""From the errors on a test set to those of production, and how to know them there.

- The conditions of production differ in share from those of the test set: `project_rate` weighs slices and bounds what was not tested; `unseen_mass_bound` bounds
  what nobody has listed.
- The prevalence of production is not that of the test set: `rogan_gladen` estimates it from the share of rejected parts, `project_escape_ppm` turns it with the
  error rates into defects per million accepted parts. `outgoing_quality` does it for sampled lots.
- Escapes of production are known only from accepted parts that are looked at again: `verification_plan` says how many, `verification_design` which,
  `verified_quality` what follows. Escapes that come back from the field are no estimate of anything.
- How small a defect is found: `detectability` and `detection_curve`.

>>> from oddity.metrics import projection
>>> round(projection.zero_error_bound(299), 6)
0.009969
>>> projection.verification_plan(0.001, 0, 50_000).parts
2995
>>> projected = projection.project_rate([0.9, 0.1], tested=[1000, 50], errors=[1, 2])
>>> round(projected.value, 4), projected.upper > projected.value
(0.0049, True)
"""

from dataclasses import dataclass

from oddity._metrics import projection as _compiled

from ._arguments import ArrayLike, count, real
from ._detectability import Detectability, DetectableSize, DetectionCurve, detectability, detection_curve
from ._measured import MeasuredRate, measured
from ._verification import (
    VerificationDesign,
    VerificationPlan,
    VerifiedQuality,
    VerifiedRate,
    verification_design,
    verification_plan,
    verified_quality,
)

__all__ = [
    "Detectability",
    "DetectableSize",
    "DetectionCurve",
    "EscapePpm",
    "OutgoingQuality",
    "PrevalenceEstimate",
    "ProjectedRate",
    "VerificationDesign",
    "VerificationPlan",
    "VerifiedQuality",
    "VerifiedRate",
    "detectability",
    "detection_curve",
    "outgoing_quality",
    "project_escape_ppm",
    "project_rate",
    "rogan_gladen",
    "unseen_mass_bound",
    "verification_design",
    "verification_plan",
    "verified_quality",
    "zero_error_bound",
]


@dataclass(frozen=True)
class ProjectedRate:
    """An error rate of production.

    Attributes:
        value: Weighted mean of the rates of tested slices; NaN when none is tested.
        standard_error: Of value, weights as known.
        upper: The production rate is at most this with probability `confidence`.
        gamma_upper: The same by Fay and Feuer's gamma bound for all tested slices together: much lower for many slices, without a proof. NaN with logged.
        untested: Weight of slices without a test.
        tested: Parts tested.
        errors: Errors among them.
    """

    value: float
    standard_error: float
    upper: float
    gamma_upper: float
    untested: float
    tested: int
    errors: int


@dataclass(frozen=True)
class PrevalenceEstimate:
    """A prevalence of defects.

    Attributes:
        value: In [0, 1].
        low: Lower end of the two-sided interval; value when it is known.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class EscapePpm:
    """Defective parts per million accepted ones.

    Attributes:
        value: Small is good.
        low: Lower end of the two-sided interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class OutgoingQuality:
    """What leaves a sampling inspection.

    Attributes:
        accepted: P(a lot passes on its sample).
        outgoing: AOQ, share of defects in what leaves.
        total_inspected: ATI, expected number of inspected parts per lot.
    """

    accepted: float
    outgoing: float
    total_inspected: float


def zero_error_bound(n: int, *, confidence: float = 0.95) -> float:
    """Upper bound of an error rate when n parts showed no error: 1 - (1 - confidence)^(1 / n).

    Args:
        n: Independent parts; 0 gives 1. At 95 %: 299 for 1 %, 2995 for 0.1 %, 29956 for 0.01 %.
        confidence: One-sided, in (0, 1).

    Returns:
        The bound.

    Raises:
        ValueError: A confidence out of range.
    """
    return float(_compiled.zero_error_bound(count("zero_error_bound", "n", n), real("zero_error_bound", "confidence", confidence)))


def project_rate(
    weights: ArrayLike, *, tested: ArrayLike, errors: ArrayLike, confidence: float = 0.95, logged: int = 0, unseen: float = 0.0
) -> ProjectedRate:
    """Error rate of production from slices (variant, camera, defect type and size, ...) that were tested with other shares.

    The upper bound takes each of K tested slices at its one-sided Clopper-Pearson bound at delta / K (delta / (2 K) with logged or unseen), every other slice and
    the unseen share at 1. With logged, Maurer and Pontil's (2009) empirical Bernstein bound covers the weights. K counts the tested slices of positive weight, with
    logged all tested ones: give those too of which the log shows no part.

    Args:
        weights: [slices] float32 or float64, shares of production, 0 or in [1e-100, 1], summing to 1.
        tested: [slices] integers; 0: not tested.
        errors: [slices] integers, errors among the tested parts.
        confidence: Of the upper bounds, one-sided: delta = 1 - confidence.
        logged: The weights are shares of slices among this many parts of a log, independent of each other and of the test set; parts of slices that were never
            tested are slices with tested = 0. 0: the weights are known.
        unseen: Upper bound of the share of production outside the slices, itself at confidence 1 - delta / 2 (unseen_mass_bound). 0: the slices are all there is.

    Returns:
        The rate with its bounds; small is good.

    Raises:
        ValueError: NaN, no slice, lengths that differ, weights that are out of range or do not sum to 1, errors > tested, options out of range, logged with unseen.
        TypeError: Another dtype.
    """
    name = "project_rate"
    return ProjectedRate(
        **_compiled.project_rate(weights, tested, errors, real(name, "confidence", confidence), count(name, "logged", logged), real(name, "unseen", unseen))
    )


def unseen_mass_bound(singletons: int, n: int, *, confidence: float = 0.95) -> float:
    """Upper bound of the share of production in slices of which n production parts show none (Good 1953; McAllester and Ortiz 2003).

    singletons / n + (1 + sqrt 2) sqrt(log(2 / delta) / n). Counting parts outside the listed slices in a later log, with a Clopper-Pearson bound, is far tighter.

    Args:
        singletons: Number of slices that the parts show exactly once.
        n: Parts, > 0.
        confidence: In (0, 1); delta = 1 - confidence.

    Returns:
        The bound, at most 1.

    Raises:
        ValueError: singletons > n, n = 0, or a confidence out of range.
    """
    name = "unseen_mass_bound"
    return float(_compiled.unseen_mass_bound(count(name, "singletons", singletons), count(name, "n", n), real(name, "confidence", confidence)))


def rogan_gladen(flagged: MeasuredRate, detected: MeasuredRate, overkill: MeasuredRate, *, confidence: float = 0.95) -> PrevalenceEstimate:
    """Prevalence of defects from the share of production that a model rejects (Rogan and Gladen 1978).

    (flagged - overkill) / (detected - overkill), clamped to [0, 1]. The interval is the melded one of Bayer, Fay and Graubard (2023), integrated instead of drawn;
    its coverage is at least nominal in simulations, theirs and ours.

    Args:
        flagged: (rejected, all) parts of production.
        detected: (rejected, all) defective test parts.
        overkill: (rejected, all) good test parts.
        confidence: Two-sided, in (0, 1).

    Returns:
        The prevalence.

    Raises:
        ValueError: No trials, events > trials, defects that are not rejected more often than good parts, or a confidence out of range.
        TypeError: A rate that is no pair of integers.
    """
    name = "rogan_gladen"
    counts = (measured(name, "flagged", flagged), measured(name, "detected", detected), measured(name, "overkill", overkill))
    return PrevalenceEstimate(*_compiled.rogan_gladen(*counts, real(name, "confidence", confidence)))


def project_escape_ppm(
    escape: MeasuredRate, overkill: MeasuredRate, prevalence: float | PrevalenceEstimate, *, confidence: float = 0.95
) -> EscapePpm:
    """Defective parts per million accepted ones, 1e6 p E / (p E + (1 - p) (1 - O)).

    The interval takes E and O at Clopper-Pearson bounds at 1 - (1 - confidence) / 2 each and p at the ends of its interval: it misses with a probability of at
    most 1 - confidence plus that of the prevalence's interval.

    Args:
        escape: (accepted, all) defective test parts.
        overkill: (rejected, all) good test parts.
        prevalence: p of production: a known number, or an estimate with its interval (rogan_gladen).
        confidence: Two-sided, in (0, 1).

    Returns:
        The ppm; NaN where nothing is accepted.

    Raises:
        ValueError: No trials, events > trials, a prevalence outside its interval or [0, 1], or a confidence out of range.
        TypeError: A rate that is no pair of integers.
    """
    name = "project_escape_ppm"
    if isinstance(prevalence, PrevalenceEstimate):
        share = tuple(real(name, "prevalence", end) for end in (prevalence.value, prevalence.low, prevalence.high))
    else:
        share = (real(name, "prevalence", prevalence),) * 3
    return EscapePpm(*_compiled.project_escape_ppm(measured(name, "escape", escape), measured(name, "overkill", overkill), share, real(name, "confidence", confidence)))


def outgoing_quality(prevalence: float, *, lot: int, sample: int, allowed: int = 0) -> OutgoingQuality:
    """Average outgoing quality of lots that are sampled, and inspected as a whole when the sample is bad (Dodge and Romig 1959).

    Args:
        prevalence: Share of defective parts, in [0, 1].
        lot: Parts in a lot, > 0.
        sample: Inspected parts of each lot, 0 to lot; found defects are replaced.
        allowed: Defects in the sample with which a lot still passes, below sample.

    Returns:
        P(lot passes) = P(Binomial(sample, prevalence) <= allowed), AOQ and ATI.

    Raises:
        ValueError: A value out of range.
    """
    name = "outgoing_quality"
    return OutgoingQuality(
        **_compiled.outgoing_quality(real(name, "prevalence", prevalence), count(name, "lot", lot), count(name, "sample", sample), count(name, "allowed", allowed))
    )
