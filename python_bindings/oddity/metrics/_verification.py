"""Verification sampling; see oddity.metrics.projection."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import projection as _compiled

from ._arguments import ArrayLike, count, real

__all__ = [
    "VerificationDesign",
    "VerificationPlan",
    "VerifiedQuality",
    "VerifiedRate",
    "verification_design",
    "verification_plan",
    "verified_quality",
]


@dataclass(frozen=True, eq=False)
class VerificationDesign:
    """Probabilities with which parts should be verified.

    Attributes:
        probabilities: [n] float64 in [floor, 1].
        expected_parts: Their sum.
        relative_variance: Variance of the estimated number of defects over that of the same budget spread evenly; below 1 is a gain. NaN when no part can be defective.
    """

    probabilities: NDArray[np.float64]
    expected_parts: float
    relative_variance: float


@dataclass(frozen=True)
class VerifiedRate:
    """An estimate from verified parts.

    Attributes:
        value: The estimate.
        low: Lower end of the two-sided interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class VerifiedQuality:
    """What verified parts say about the process.

    Attributes:
        escapes: Expected number of defects among as many accepted parts.
        escape_share: escapes / accepted; times 1e6 it is the escape ppm. NaN in [0, 1] when none was accepted.
        escape_rate: P(accepted | defective). NaN in [0, 1] when no verified part was defective.
        overkill_rate: P(rejected | good). NaN in [0, 1] when no good part is known.
        prevalence: P(defective).
        accepted: Accepted parts.
        rejected: Rejected parts.
        verified_accepted: Verified ones among the accepted.
        verified_rejected: Verified ones among the rejected.
        verified_escapes: Defective ones among the verified accepted.
        expected_verified: Sum of all probabilities; far from the number verified, the design was not kept.
    """

    escapes: VerifiedRate
    escape_share: VerifiedRate
    escape_rate: VerifiedRate
    overkill_rate: VerifiedRate
    prevalence: VerifiedRate
    accepted: int
    rejected: int
    verified_accepted: int
    verified_rejected: int
    verified_escapes: int
    expected_verified: float


@dataclass(frozen=True)
class VerificationPlan:
    """How many accepted parts to verify.

    Attributes:
        parts: To verify, drawn evenly from the accepted ones.
        escapes_allowed: At most so many of them may be defective for the claim.
        power: Probability that the claim is reached.
        check_ratio: parts / accepted: the floor for decisions.optimal_check_ratio; above 1 it is not to be had in that time.
    """

    parts: int
    escapes_allowed: int
    power: float
    check_ratio: float


def verification_design(defect_probabilities: ArrayLike, budget: float, *, floor: float = 0.001, costs: ArrayLike | None = None) -> VerificationDesign:
    """With which probability each part should be verified, so that the number of defects is known best for a budget (Neyman 1934).

    Proportional to sqrt(eta / cost) for a defect probability eta, cut to [floor, 1]: the least variance sum eta (1 / rho - 1) of the Horvitz-Thompson total.
    (The familiar sqrt(eta (1 - eta)) is for strata whose means are estimated too; it starves parts that are surely defective and differs little where eta is
    small.) Wrong probabilities cost precision, never validity.

    Args:
        defect_probabilities: [n] float32 or float64 in [0, 1], such as calibrated probabilities of the accepted parts.
        budget: Expected cost, between floor * (all costs) and all costs.
        floor: Least probability, in (0, 1]: what is never looked at is never known.
        costs: [n] of verifying each part, in [1e-100, 1e100]; None: 1 each, so that budget is an expected number of parts.

    Returns:
        The probabilities.

    Raises:
        ValueError: NaN, lengths that differ, no part, a probability, cost, floor or budget out of range.
        TypeError: Another dtype.
    """
    name = "verification_design"
    return VerificationDesign(**_compiled.verification_design(defect_probabilities, real(name, "budget", budget), real(name, "floor", floor), costs))


def verified_quality(
    probabilities: ArrayLike, accepted: ArrayLike, verified: ArrayLike, defective: ArrayLike, *, confidence: float = 0.95
) -> VerifiedQuality:
    """Escapes, overkill and prevalence of production from parts verified with known probabilities (Horvitz and Thompson 1952).

    Each verified part counts 1 / rho. With one rho for all accepted and one for all rejected parts these are Begg and Greenes' (1983) estimates. Intervals are Fay
    and Feuer's gamma limits (1997), and shares melded from two of them; also without any verified escape the upper limit is above 0. With every rho = 1 the
    interval of the escape rate is Clopper and Pearson's. Misses stay below nominal in simulations; there is no proof in general.

    Args:
        probabilities: [n] float32 or float64 rho in [1e-100, 1], with which each part was to be verified, fixed when it was decided, whatever its truth.
        accepted: [n] 1 for accepted, 0 for rejected parts.
        verified: [n] 1 where the truth is known.
        defective: [n] 1 for a defect; not looked at where verified is 0.
        confidence: In (0, 1), two-sided.

    Returns:
        Estimates of the process behind these parts; small escape and overkill are good.

    Raises:
        ValueError: NaN, lengths that differ, no part, a probability out of range, flags other than 0 and 1.
        TypeError: Another dtype.
    """
    result = _compiled.verified_quality(probabilities, accepted, verified, defective, real("verified_quality", "confidence", confidence))
    for key in ("escapes", "escape_share", "escape_rate", "overkill_rate", "prevalence"):
        result[key] = VerifiedRate(*result[key])
    return VerifiedQuality(**result)


def verification_plan(limit: float, expected: float, accepted: int, *, confidence: float = 0.95, power: float = 0.9) -> VerificationPlan:
    """Fewest accepted parts to verify for a claim on the share of escapes (exact binomial sums).

    Args:
        limit: Share of escapes among accepted parts that is to be excluded, in (0, 1); 100 ppm is 1e-4.
        expected: The true share that is hoped for, in [0, limit). 0 gives the plan without an allowed escape: 299 for 1 %.
        accepted: Parts accepted in the time that the claim is for, > 0.
        confidence: One-sided, in (0, 1).
        power: Least probability that the claim is reached when the true share is as expected, in (0, 1).

    Returns:
        The plan.

    Raises:
        ValueError: A value out of range, or expected so close to limit that over 10,000 escapes would have to be allowed.
    """
    name = "verification_plan"
    return VerificationPlan(
        **_compiled.verification_plan(
            real(name, "limit", limit),
            real(name, "expected", expected),
            count(name, "accepted", accepted),
            real(name, "confidence", confidence),
            real(name, "power", power),
        )
    )
