"""Drift of a stream of scores: tests that may be looked at after every part, for as long as the line runs.

`OnlinePValues` ranks each new score among all before it; while nothing changes, these p-values are independent and uniform. A martingale bets against that: its
capital reaches 1 / alpha with a probability of at most alpha, ever (Ville 1939). `JumperMartingale` notices scores that grow as well as scores that shrink and is the
one to begin with; `PowerMartingale` and `MixtureMartingale` bet on growing scores only. A martingale that has lost capital for long is slow to notice a late change:
`Cusum` on its capital is not, but gives false alarms now and then, no more often than its average run length says. P-values against a fixed calibration set will not
do: martingales on them raise false alarms beyond their promise.

All objects can be pickled and copied, and `state()` with `from_state` carries them on elsewhere. They may be used from several threads.

>>> import numpy as np
>>> from oddity.metrics import drift
>>> random = np.random.default_rng(0)
>>> online, martingale = drift.OnlinePValues(seed=0), drift.JumperMartingale()
>>> online.prime(random.normal(size=500))  # calibration parts
>>> _ = martingale.bet(online.add(random.normal(size=1000)))  # as before
>>> martingale.has_alarm(0.01)
False
>>> _ = martingale.bet(online.add(random.normal(1, size=300)))  # scores have grown
>>> martingale.has_alarm(0.01)
True
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from oddity._metrics import drift as _compiled

from ._arguments import ArrayLike, count, real

__all__ = ["Cusum", "JumperMartingale", "MixtureMartingale", "OnlinePValues", "PowerMartingale"]


_Self = TypeVar("_Self", bound="_Stateful")  # typing.Self is of Python 3.11


class _Stateful:
    """Holds a compiled object; pickles and copies through `state` and `from_state`."""

    _compiled: Any

    def state(self) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def from_state(cls: type[_Self], state: dict[str, Any]) -> _Self:
        """An object that goes on where `state` was taken.

        Args:
            state: What `state()` returned.

        Returns:
            The object.

        Raises:
            ValueError: A state that no such object can have.
            TypeError: A state of another kind of object.
        """
        made = cls.__new__(cls)
        made._restore(state)
        return made

    def _restore(self, state: dict[str, Any]) -> None:
        raise NotImplementedError

    def _fields(self, state: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
        kind = type(self).__name__
        if not isinstance(state, dict) or sorted(state) != sorted(names):
            got = sorted(state) if isinstance(state, dict) else type(state).__name__
            raise TypeError(f"[metrics.{kind}] state must be what {kind}.state() returned; got {got}; expected a dict with {sorted(names)}")
        return [state[name] for name in names]

    def __getstate__(self) -> dict[str, Any]:
        return self.state()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._restore(state)


class OnlinePValues(_Stateful):
    """Conformal p-values of a stream against a reference that grows with it (Vovk, Gammerman and Shafer 2005, section 7.1).

    p_t = (#{i < t: s_i > s_t} + U_t (1 + #{i < t: s_i = s_t})) / t: the rank of the new score among all so far, itself included, with all ties broken by chance. While
    scores are exchangeable, the p-values are independent and uniform on (0, 1], whatever the distribution of the scores. Small p-values mean that scores grow.

    A score costs O(log n); equal scores share memory. U_t depends on the seed and on t, not on the size of batches.

    Args:
        seed: Of the randomness that breaks ties.

    Raises:
        ValueError: A negative seed.
    """

    _names = ("seed", "scores", "counts")

    def __init__(self, *, seed: int = 0) -> None:
        self._compiled = _compiled.OnlinePValues(count("OnlinePValues", "seed", seed))

    def prime(self, scores: ArrayLike) -> None:
        """Takes scores into the reference without p-values, such as those of calibration parts.

        They must be exchangeable with the stream, and whether a score comes here or to `add` must not depend on the score.

        Args:
            scores: [n] float32 or float64; may be empty.

        Raises:
            ValueError: NaN or infinite scores; then none was taken.
            TypeError: Another dtype.
        """
        self._compiled.prime(scores)

    def add(self, scores: ArrayLike) -> NDArray[np.float64]:
        """The p-values of the next scores, in their order; the scores join the reference.

        Args:
            scores: [n] float32 or float64; may be empty.

        Returns:
            [n] float64 in (0, 1].

        Raises:
            ValueError: NaN or infinite scores; then none has joined.
            TypeError: Another dtype.
        """
        p_values: NDArray[np.float64] = self._compiled.add(scores)
        return p_values

    def add_one(self, score: float) -> float:
        """The p-value of the next score; the score joins the reference.

        Args:
            score: A finite number.

        Returns:
            In (0, 1].

        Raises:
            ValueError: NaN or infinite.
            TypeError: Not a number.
        """
        p_value: float = self._compiled.add_one(real("OnlinePValues.add_one", "score", score))
        return p_value

    def __len__(self) -> int:
        """Scores seen, primed ones included."""
        size: int = self._compiled.size()
        return size

    def state(self) -> dict[str, Any]:
        """What a later process needs to go on: seed, distinct scores ascending, and how often each was seen.

        Returns:
            A dictionary for `from_state`.
        """
        return dict(zip(self._names, self._compiled.state(), strict=True))

    def _restore(self, state: dict[str, Any]) -> None:
        seed, scores, counts = self._fields(state, self._names)
        self._compiled = _compiled.OnlinePValues(count("OnlinePValues", "seed", seed), scores, counts)


class _Martingale(_Stateful):
    """What all martingales have."""

    _names: tuple[str, ...] = ()
    _capital_names = ("log_capital", "log_maximum", "steps")

    def bet(self, p_values: ArrayLike) -> NDArray[np.float64]:
        """Bets on p-values in their order.

        Args:
            p_values: [n] float32 or float64 in (0, 1], such as OnlinePValues.add returns; may be empty.

        Returns:
            [n] float64: the natural logarithm of the capital after each.

        Raises:
            ValueError: Values out of range or NaN; then no bet was made.
            TypeError: Another dtype.
        """
        log_capital: NDArray[np.float64] = self._compiled.bet(p_values)
        return log_capital

    def bet_one(self, p_value: float) -> float:
        """Bets on one p-value.

        Args:
            p_value: In (0, 1].

        Returns:
            The natural logarithm of the capital after it.

        Raises:
            ValueError: Out of range or NaN; then no bet was made.
            TypeError: Not a number.
        """
        log_capital: float = self._compiled.bet_one(real("Martingale.bet_one", "p_value", p_value))
        return log_capital

    def has_alarm(self, alpha: float) -> bool:
        """Whether the capital has ever reached 1 / alpha, by chance with a probability of at most alpha (Ville 1939).

        Args:
            alpha: In (0, 1).

        Returns:
            True when there is evidence of a change.

        Raises:
            ValueError: alpha out of range.
            TypeError: Not a number.
        """
        alarm: bool = self._compiled.has_alarm(real("has_alarm", "alpha", alpha))
        return alarm

    def restart(self) -> None:
        """Back to capital 1 without memory, such as after an alarm was dealt with; Ville's bound begins anew."""
        self._compiled.restart()

    @property
    def log_capital(self) -> float:
        """Natural logarithm of the capital now."""
        value: float = self._compiled.capital()[0]
        return value

    @property
    def log_maximum(self) -> float:
        """Natural logarithm of the largest capital so far, the start included."""
        value: float = self._compiled.capital()[1]
        return value

    @property
    def steps(self) -> int:
        """P-values that were bet on."""
        value: int = self._compiled.capital()[2]
        return value

    def state(self) -> dict[str, Any]:
        """What a later process needs to go on.

        Returns:
            A dictionary for `from_state`.
        """
        *own, capital = self._compiled.state()
        return dict(zip((*self._names, *self._capital_names), (*own, *capital), strict=True))

    def _restore(self, state: dict[str, Any]) -> None:
        kind = type(self).__name__
        *own, log_capital, log_maximum, steps = self._fields(state, (*self._names, *self._capital_names))
        for i, (name, value) in enumerate(zip(self._names, own, strict=True)):
            own[i] = [real(kind, name, share) for share in value] if name == "shares" else real(kind, name, value)
        capital = (real(kind, "log_capital", log_capital), real(kind, "log_maximum", log_maximum), count(kind, "steps", steps))
        self._compiled = getattr(_compiled, kind)(*own, capital)


class PowerMartingale(_Martingale):
    """Bets epsilon p^(epsilon - 1) on each p-value (Vovk, Nouretdinov and Gammerman 2003): on small ones, the harder the smaller epsilon.

    Args:
        epsilon: In (0, 1).

    Raises:
        ValueError: epsilon out of range.
    """

    _names = ("epsilon",)

    def __init__(self, *, epsilon: float = 0.5) -> None:
        self._compiled = _compiled.PowerMartingale(real("PowerMartingale", "epsilon", epsilon))


class MixtureMartingale(_Martingale):
    """The average of all power martingales, epsilon uniform on (0, 1): the integral of epsilon^n exp((1 - epsilon) S), S = -sum log p.

    Needs no choice of epsilon: it earns what the best one in hindsight does but for a factor that grows as sqrt(n). The logarithm is right to 1e-11, or to 1e-14 of itself if
    that is more.
    """

    _names = ("log_sum", "log_sum_rest")

    def __init__(self) -> None:
        self._compiled = _compiled.MixtureMartingale()


class JumperMartingale(_Martingale):
    """Simple Jumper (Vovk et al. 2021, "Retrain or not retrain", algorithm 1): bets 1 + e (p - 1/2) with e = -1, 0, 1.

    A share `jump` of the capital is spread anew over the three bets before each step: it follows scores that grow (small p-values) and scores that shrink. Its capital
    grows by a factor of 1.5 a step at most, and falls slowly.

    Args:
        jump: In (0, 1].

    Raises:
        ValueError: jump out of range.
    """

    _names = ("jump", "shares")

    def __init__(self, *, jump: float = 0.01) -> None:
        self._compiled = _compiled.JumperMartingale(real("JumperMartingale", "jump", jump))


class Cusum(_Stateful):
    """Conformal CUSUM (Page 1954; Vovk et al. 2021) on the capital M of a martingale: log max_{i < n} M_n / M_i.

    An alarm is raised when the maximum reaches the average run length, and the statistic begins anew. While scores are exchangeable, the mean number of steps to the
    next alarm is at least the average run length; simulated, it is 13 times that with PowerMartingale(epsilon=0.5), 60 times with epsilon=0.8, and 280 times with
    JumperMartingale(). A MixtureMartingale learns from all its past not to bet, and serves less here.

    Args:
        average_run_length: Steps between false alarms, at least 1.

    Raises:
        ValueError: average_run_length below 1 or not finite.
    """

    _names = ("average_run_length", "log_capital", "log_minimum", "statistic", "steps", "alarms", "latest_alarm")

    def __init__(self, average_run_length: float) -> None:
        self._compiled = _compiled.Cusum(real("Cusum", "average_run_length", average_run_length))

    def add(self, log_capital: ArrayLike) -> NDArray[np.float64]:
        """Follows a martingale.

        Args:
            log_capital: [n] float32 or float64: what `bet` of one martingale returned, without gaps; that martingale began when this object was made and is not
                restarted. May be empty.

        Returns:
            [n] float64: the statistic after each step. There is an alarm where it is at least log(average_run_length).

        Raises:
            ValueError: NaN or infinite values; then nothing has changed.
            TypeError: Another dtype.
        """
        statistic: NDArray[np.float64] = self._compiled.add(log_capital)
        return statistic

    def add_one(self, log_capital: float) -> float:
        """Follows a martingale by one step.

        Args:
            log_capital: What `bet_one` returned.

        Returns:
            The statistic; an alarm when it is at least log(average_run_length).

        Raises:
            ValueError: NaN or infinite; then nothing has changed.
            TypeError: Not a number.
        """
        statistic: float = self._compiled.add_one(real("Cusum.add_one", "log_capital", log_capital))
        return statistic

    @property
    def alarms(self) -> int:
        """Alarms so far."""
        value: int = self.state()["alarms"]
        return value

    @property
    def latest_alarm(self) -> int:
        """Step of the latest alarm, from 1; 0 when there was none."""
        value: int = self.state()["latest_alarm"]
        return value

    @property
    def statistic(self) -> float:
        """The statistic after the latest step."""
        value: float = self.state()["statistic"]
        return value

    def state(self) -> dict[str, Any]:
        """What a later process needs to go on.

        Returns:
            A dictionary for `from_state`.
        """
        return dict(zip(self._names, self._compiled.state(), strict=True))

    def _restore(self, state: dict[str, Any]) -> None:
        fields = [
            real("Cusum", name, value) if i < 4 else count("Cusum", name, value)
            for i, (name, value) in enumerate(zip(self._names, self._fields(state, self._names), strict=True))
        ]
        self._compiled = _compiled.Cusum(*fields)
