"""Measured rates as arguments: events among trials."""

from ._arguments import count

__all__ = ["MeasuredRate", "measured"]

MeasuredRate = tuple[int, int]


def measured(function: str, name: str, value: object) -> MeasuredRate:
    """`value` as a pair (events, trials) of non-negative integers; events <= trials is checked by the compiled function."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"[metrics.{function}] {name} must be a pair (events, trials); got {value!r}")
    return count(function, f"events of {name}", value[0]), count(function, f"trials of {name}", value[1])
