"""Checks of scalar arguments; arrays are checked where they are read, in the compiled functions."""

import numbers
import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
else:

    class ArrayLike:
        """Stands for numpy.typing.ArrayLike, which help() would write out as a union of a dozen types."""

        __module__ = "numpy.typing"


__all__ = ["ArrayLike", "count", "optional", "real", "require_kind", "shown"]


def shown(value: object) -> str:
    """`value` for a message: itself when it is short, otherwise its type and shape."""
    shape = getattr(value, "shape", None)
    if shape not in (None, ()):
        return f"{type(value).__name__} of shape {tuple(shape)}"
    if isinstance(value, list | tuple | dict | set):
        return f"{type(value).__name__} of length {len(value)}"
    text = repr(value)
    return text if len(text) <= 80 else f"{type(value).__name__} {text[:60]}..."


def require_kind(function: str, name: str, value: object, kind: type, source: str) -> None:
    """TypeError unless `value` is a `kind`; `source` says where one comes from."""
    if not isinstance(value, kind):
        raise TypeError(f"[metrics.{function}] {name} must be {kind.__name__}; got {shown(value)}; expected {source}")


def count(function: str, name: str, value: object, *, least: int = 0) -> int:
    """`value` as an integer of at least `least`; numpy integers are taken, bool and float are refused."""
    try:
        if isinstance(value, bool):
            raise TypeError
        result = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"[metrics.{function}] {name} must be an integer; got {shown(value)}") from None
    if result < least or result >= 2**63:
        raise ValueError(f"[metrics.{function}] {name} is out of range; got {result}; expected an integer of at least {least}")
    return result


def real(function: str, name: str, value: object) -> float:
    """`value` as a float; its range is checked by the compiled function."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        try:
            if isinstance(value, bool) or getattr(value, "ndim", 1) != 0:
                raise TypeError
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise TypeError(f"[metrics.{function}] {name} must be a real number; got {shown(value)}") from None
    return float(value)


def optional(function: str, name: str, value: object) -> float | None:
    """`real`, or None."""
    return None if value is None else real(function, name, value)
