"""oddity: anomaly, generative and out-of-distribution models for inspection by camera.

`oddity.metrics` holds numbers with guarantees about scores, labels, masks and features; it needs numpy only. `oddity.Engine` judges images with a trained
package and needs the torch that oddity was built against. Parts are imported when first used, so that `import oddity` is immediate.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import metrics
    from .engine import Engine, Region, Verdict

__version__ = "0.1.0"
__all__ = ["Engine", "Region", "Verdict", "metrics"]


def __getattr__(name: str) -> object:
    if name == "metrics":
        return importlib.import_module("oddity.metrics")
    if name in __all__:
        return getattr(importlib.import_module("oddity.engine"), name)
    raise AttributeError(f"module 'oddity' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
